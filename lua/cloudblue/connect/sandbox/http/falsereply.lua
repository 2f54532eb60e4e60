--- The faults that send a wrong reply over a working connection.
---
--- The function of a fault takes the rule and the right reply (nil where the fault does not need it) and returns
--- the reply to send.

local delivery = require "cloudblue.connect.sandbox.http.delivery"
local gzip = require "cloudblue.connect.sandbox.http.gzip"
local json = require "cloudblue.connect.sandbox.json"
local reply = require "cloudblue.connect.sandbox.http.reply"

local falsereply = {}

falsereply["garbage"] = function()
  return { status = 200, json = "<html>this is not the JSON you wait for" }
end

falsereply["empty"] = function()
  return { status = 200 }
end

local function retryAfter(rule)
  if rule.retryAfterDate then
    return os.date("!%a, %d %b %Y %H:%M:%S GMT", math.ceil(os.time() + rule.retryAfterDate)) --[[@as string]]
  end
  return rule.retryAfter and tostring(rule.retryAfter)
end

falsereply["status"] = function(rule)
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
  return answer
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

falsereply["alter"] = function(rule, answer)
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
  return answer
end

falsereply["gzip"] = function(rule, answer)
  local pieces = {}
  for piece in delivery.pieces(answer) do
    pieces[#pieces + 1] = piece
  end
  local packed = gzip.pack(table.concat(pieces))
  local headers = { ["content-encoding"] = "gzip" }
  for name, value in pairs(answer.headers or {}) do
    headers[name] = value
  end
  return {
    status = answer.status,
    type = answer.content and answer.content.type or answer.type,
    headers = pieces[1] and headers or answer.headers,
    json = pieces[1] and packed:sub(1, math.max(#packed - (rule.missing or 0), 0)),
  }
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

falsereply["oversized"] = function(rule)
  return { status = 200, content = padding(rule.bytes or 70000000) }
end

return falsereply
