--- Writes replies to the wire the wrong way: what each fault of faults.lua does.
---
--- Each function takes {stream=, wake=} (the stream of lua-http, and a condition that ends every
--- waiting), the rule, and the right reply; it gives whether the connection is still in use. `delay`
--- is not among them: its reply is right, and server.lua only waits for it.

local cqueues = require "cqueues"
local delivery = require "cloudblue.connect.sandbox.delivery"
local json = require "cloudblue.connect.sandbox.json"
local reset = require "cloudblue.connect.sandbox.reset"

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
  if rule.plain then
    answer.type, answer.json = "text/html", string.format("<html><h1>%d</h1></html>", rule.status)
  elseif rule.status ~= 204 and rule.status ~= 304 then
    local message = string.format("The sandbox was told to answer %d here", rule.status)
    answer.json = json.encode { error_code = "FAULT_" .. rule.status, errors = { message } }
  end
  return delivery.send(exchange.stream, answer) or true
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
