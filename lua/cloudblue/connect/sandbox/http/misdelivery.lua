--- The faults that break a connection, or a reply on its way. (Those that send a wrong reply are in
--- falsereply.lua; `delay`, which only waits, is in exchange.lua.)
---
--- The function of a fault takes the stream of lua-http, the rule, the right reply, and a condition that
--- ends every wait; it returns whether the connection is still open.

local cqueues = require "cqueues"
local delivery = require "cloudblue.connect.sandbox.http.delivery"
local reset = require "cloudblue.connect.sandbox.http.reset"

local misdelivery = {}

--- Takes the socket from lua-http and closes it at once.
---@param stream table
---@param byReset boolean? by RST; else in order
---@return false
local function cut(stream, byReset)
  local socket = stream.connection:take_socket()
  if socket and byReset then
    reset.close(socket)
  elseif socket then
    socket:close()
  end
  return false
end
misdelivery.cut = cut

--- Answers what is no HTTP with 400. (lua-http sends nothing where it can't read the request line.)
---@param stream table
---@return false
function misdelivery.unreadable(stream)
  local socket = stream.connection:take_socket()
  if socket then
    socket:xwrite("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "bn")
    socket:close()
  end
  return false
end

--- Waits until the client goes away, the time is over, or the sandbox is reset, configured or stopped.
---@param socket table
---@param wake table a condition
---@param seconds number? for ever when nil
function misdelivery.wait(socket, wake, seconds)
  local finish = cqueues.monotime() + (seconds or math.huge)
  local client = { pollfd = socket:pollfd(), events = "r" }
  while true do
    local left = finish - cqueues.monotime()
    if left <= 0 then
      return
    end
    local ready = cqueues.poll(wake, client, left < math.huge and left or nil)
    if ready ~= client or not socket:fill(1, 0) then
      return
    end
    -- The client has sent more instead of closing. Its socket would be ready from here on.
    client = nil
  end
end

misdelivery["refuse"] = function(stream)
  return cut(stream, true)
end
misdelivery["reset-before"] = misdelivery["refuse"]
misdelivery["reset-after"] = misdelivery["refuse"]

misdelivery["hang"] = function(stream, rule, _, wake)
  misdelivery.wait(stream.connection.socket, wake, rule.seconds)
  return cut(stream, false)
end

--- Sends the head and a part of the body; returns whether that worked.
local function sendPart(stream, answer, bytes)
  local length = delivery.length(answer)
  if length == 0 then
    return true
  elseif not stream:write_headers(delivery.head(answer, length), false) then
    return false
  end
  local left = math.min(bytes or length // 2, length - 1)
  for piece in delivery.pieces(answer) do
    if left > 0 and not stream:write_chunk(piece:sub(1, left), false) then
      return false
    end
    left = left - #piece
    if left <= 0 then
      return true
    end
  end
end

misdelivery["truncate"] = function(stream, rule, answer)
  sendPart(stream, answer, rule.bytes)
  return cut(stream, false)
end

misdelivery["reset-middle"] = function(stream, rule, answer)
  if sendPart(stream, answer, rule.bytes) then
    -- A reset discards what the client has not read yet, so it gets time to read.
    cqueues.sleep(0.02)
  end
  return cut(stream, true)
end

misdelivery["slow"] = function(stream, rule, answer)
  local size = rule.bytes or 64
  local length = delivery.length(answer)
  if length == 0 then
    return delivery.send(stream, answer)
  end
  local sent = stream:write_headers(delivery.head(answer, length), false)
  for piece in delivery.pieces(answer) do
    for first = 1, sent and #piece or 0, size do
      sent = sent and stream:write_chunk(piece:sub(first, first + size - 1), false)
      cqueues.sleep(rule.seconds or 0.001)
    end
  end
  return sent and stream:write_chunk("", true) and true or cut(stream, false)
end

--- Sends a reply in chunks, but for the last one. Returns whether that worked.
local function sendChunks(stream, answer)
  local head = delivery.head(answer, 0)
  head:delete("content-length")
  head:append("transfer-encoding", "chunked")
  return stream:write_headers(head, false) and delivery.sendPieces(stream, answer)
end

--- Header lines of `bytes` in all, each with a name of its own.
local function paddingLines(bytes)
  local lines, line = {}, ("x"):rep(1000)
  for number = 1, math.ceil(bytes / #line) do
    lines[number] = { "x-padding-" .. number, line:sub(1, bytes - (number - 1) * #line) }
  end
  return lines
end

misdelivery["trailers"] = function(stream, rule, answer)
  if delivery.length(answer) == 0 then
    return delivery.send(stream, answer) or true
  end
  local connection = stream.connection
  local lines = paddingLines(rule.bytes or 0)
  for name, value in pairs(rule.trailers or { ["x-trailer"] = "of the sandbox" }) do
    lines[#lines + 1] = { name, value }
  end
  -- By the connection: the stream refuses some names.
  local sent = sendChunks(stream, answer) and connection:write_body_last_chunk(nil)
  for _, line in ipairs(lines) do
    sent = sent and connection:write_header(line[1], line[2])
  end
  if not sent or rule.cut then
    return connection.socket and connection.socket:flush("n") and cut(stream, false) or false
  end
  stream.body_write_type = "missing"
  return connection:write_headers_done() and stream:write_chunk("", true) and true or cut(stream, false)
end

return misdelivery
