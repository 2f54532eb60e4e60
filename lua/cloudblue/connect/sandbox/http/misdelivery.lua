--- Writes replies to the wire the wrong way: what each fault of faults.lua does.
---
--- Each function takes {stream=, wake=} (the stream of lua-http, and a condition that ends every
--- waiting), the rule, and the right reply; it gives whether the connection is still in use. `delay`
--- is not among them: its reply is right, and server.lua only waits for it.

local cqueues = require "cqueues"
local delivery = require "cloudblue.connect.sandbox.http.delivery"
local gzip = require "cloudblue.connect.sandbox.http.gzip"
local json = require "cloudblue.connect.sandbox.json"
local reply = require "cloudblue.connect.sandbox.http.reply"
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

--- Answers what is no HTTP. (lua-http closes without a word where it can't read the first line.)
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
    -- The client sent more instead of closing: its bytes are no news from here on.
    client = nil
  end
end

misdelivery["refuse"] = function(exchange)
  return cut(exchange.stream, true)
end
misdelivery["reset-before"] = misdelivery["refuse"]
misdelivery["reset-after"] = misdelivery["refuse"]

misdelivery["hang"] = function(exchange, rule)
  misdelivery.wait(exchange.stream.connection.socket, exchange.wake, rule.seconds)
  return cut(exchange.stream, false)
end

--- Sends the head and a part of the body; gives whether that worked.
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

misdelivery["truncate"] = function(exchange, rule, answer)
  sendPart(exchange.stream, answer, rule.bytes)
  return cut(exchange.stream, false)
end

misdelivery["reset-middle"] = function(exchange, rule, answer)
  if sendPart(exchange.stream, answer, rule.bytes) then
    -- A reset takes back what the client has not read yet; so it gets the time to read.
    cqueues.sleep(0.02)
  end
  return cut(exchange.stream, true)
end

misdelivery["slow"] = function(exchange, rule, answer)
  local stream, size = exchange.stream, rule.bytes or 64
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

misdelivery["garbage"] = function(exchange)
  return delivery.send(exchange.stream, { status = 200, json = "<html>this is not the JSON you wait for" }) or true
end

misdelivery["empty"] = function(exchange)
  return delivery.send(exchange.stream, { status = 200 }) or true
end

local function retryAfter(rule)
  if rule.retryAfterDate then
    return os.date("!%a, %d %b %Y %H:%M:%S GMT", math.ceil(os.time() + rule.retryAfterDate)) --[[@as string]]
  end
  return rule.retryAfter and tostring(rule.retryAfter)
end

misdelivery["status"] = function(exchange, rule)
  local answer = { status = rule.status, headers = { ["retry-after"] = retryAfter(rule) } }
  for name, value in pairs(rule.headers or {}) do
    answer.headers[name:lower()] = value
  end
  if rule.status == 204 or rule.status == 304 then
    answer.json = nil
  elseif rule.body then
    answer.json = rule.body
  elseif rule.plain then
    answer.type, answer.json = "text/html", string.format("<html><h1>%d</h1></html>", rule.status)
  else
    local message = string.format("The sandbox was told to answer %d here", rule.status)
    answer.json = json.encode { error_code = "FAULT_" .. rule.status, errors = { message } }
  end
  return delivery.send(exchange.stream, answer) or true
end

--- An object of the API with what a rule sets, and without what it leaves out.
local function altered(object, rule)
  for name, value in pairs(rule.set or {}) do
    object[name] = value
  end
  for _, name in ipairs(rule.without or {}) do
    object[name] = nil
  end
  return object
end

misdelivery["alter"] = function(exchange, rule, answer)
  if answer.json and not answer.refused then
    local value = json.decode(answer.json)
    local isList = answer.json:sub(1, 1) == "["
    for number, entry in ipairs(isList and value or {}) do
      value[number] = altered(entry, rule)
    end
    local made = isList and reply.list(answer.status, value, answer.headers) or reply.ok(altered(value, rule))
    made.status = rule.status or answer.status
    answer = made
  end
  return delivery.send(exchange.stream, answer) or true
end

--- Sends the head and the body of a reply in chunks; the end is missing. Gives whether that worked.
local function sendChunks(stream, answer)
  local head = delivery.head(answer, 0)
  head:delete("content-length")
  head:append("transfer-encoding", "chunked")
  if not stream:write_headers(head, false) then
    return false
  end
  for piece in delivery.pieces(answer) do
    if not stream:write_chunk(piece, false) then
      return false
    end
  end
  return true
end

--- Lines of about `bytes`, each with a name of its own.
local function paddingLines(bytes)
  local lines, line = {}, ("x"):rep(1000)
  for number = 1, math.ceil(bytes / #line) do
    lines[number] = { "x-padding-" .. number, line:sub(1, bytes - (number - 1) * #line) }
  end
  return lines
end

misdelivery["trailers"] = function(exchange, rule, answer)
  local stream = exchange.stream
  if delivery.length(answer) == 0 then
    return delivery.send(stream, answer) or true
  end
  local connection = stream.connection
  local lines = paddingLines(rule.bytes or 0)
  for name, value in pairs(rule.trailers or { ["x-trailer"] = "of the sandbox" }) do
    lines[#lines + 1] = { name, value }
  end
  -- Past the stream, which keeps some names for itself.
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

misdelivery["gzip"] = function(exchange, rule, answer)
  local pieces = {}
  for piece in delivery.pieces(answer) do
    pieces[#pieces + 1] = piece
  end
  local packed = gzip.pack(table.concat(pieces))
  local headers = { ["content-encoding"] = "gzip" }
  for name, value in pairs(answer.headers or {}) do
    headers[name] = value
  end
  return delivery.send(exchange.stream, {
    status = answer.status,
    type = answer.content and answer.content.type or answer.type,
    headers = pieces[1] and headers or answer.headers,
    json = pieces[1] and packed:sub(1, math.max(#packed - (rule.missing or 0), 0)),
  }) or true
end

--- A valid JSON object of a given size.
local function padding(length)
  local first, last = "{\"padding\":\"", "\"}"
  local block = ("x"):rep(65536)
  length = math.max(length, #first + #last)
  return {
    type = "application/json",
    length = length,
    each = function()
      local left = length - #first - #last
      return coroutine.wrap(function()
        coroutine.yield(first)
        while left > 0 do
          local piece = block:sub(1, left)
          left = left - #piece
          coroutine.yield(piece)
        end
        coroutine.yield(last)
      end)
    end,
  }
end

misdelivery["oversized"] = function(exchange, rule)
  return delivery.send(exchange.stream, { status = 200, content = padding(rule.bytes or 70000000) })
    or cut(exchange.stream, false)
end

return misdelivery
