--- The sandbox's JSON codec: an instance of lua-cjson of its own, whose settings nothing else changes.

local cjson = require "cjson"

local codec = cjson.new()
codec.encode_invalid_numbers(false)
codec.decode_invalid_numbers(false)
codec.encode_keep_buffer(true)

local json = {}

--- What JSON null is in a table. A light userdata, the same in every instance of lua-cjson.
json.null = codec.null

--- The text of a value. Integral floats are written as integers, so amounts and counters look
--- alike whether they came from Lua or from a request.
---@param value any a table of strings, numbers, booleans, json.null and tables of these
---@return string text
function json.encode(value)
  return codec.encode(value)
end

--- The value of a text.
---@param text string
---@return any|nil value nil when the text is no JSON
---@return string? problem what is wrong with it
function json.decode(text)
  local ok, value = pcall(codec.decode, text)
  if ok then
    return value
  end
  return nil, (tostring(value):gsub("^.-:%d+: ", ""))
end

--- A decoded value with integers where it has integral floats: lua-cjson 2.1.0 decodes every number
--- to a float.
---@param value any what json.decode returned; changed in place when it is a table
---@return any value
function json.integers(value)
  if type(value) == "table" then
    for key, member in pairs(value) do
      value[key] = json.integers(member)
    end
  elseif math.type(value) == "float" then
    return math.tointeger(value) or value
  end
  return value
end

local function withoutNulls(value)
  if type(value) == "table" then
    for key, member in pairs(value) do
      value[key] = withoutNulls(member)
    end
  elseif value == json.null then
    return nil
  end
  return value
end

--- A decoded value as Lua would have written it: with integers, and a null member is absent.
---@param value any what json.decode returned; changed in place when it is a table
---@return any value
function json.native(value)
  return withoutNulls(json.integers(value))
end

local function written(number)
  return tonumber(string.format("%.14g", number))
end

--- Looks for a number that lua-cjson would not write as the same value: it writes 14 significant
--- digits. An amount of money must not change on its way.
---@param value any
---@param path string what the value is called in the answer
---@return string? where the path of the first such number; nil when every number is exact
function json.inexact(value, path)
  if type(value) == "number" then
    return written(value) ~= value and path or nil
  elseif type(value) == "table" then
    for key, member in pairs(value) do
      local where = json.inexact(member, path .. "." .. tostring(key))
      if where then
        return where
      end
    end
  end
  return nil
end

return json
