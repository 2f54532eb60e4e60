--- Random JSON texts, each with what it means. The meaning is worked out beside the text and not from it, so it is the
--- reading that every reader is held against: integers exact and integers, strings strings, the last of two fields of
--- one name. Spellings are as various as JSON allows, and marks, digits and escapes stand where they can hurt.

local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local null = require("cjson").null
local random = math.random

local texts = {}

-- ==== Strings =======================================================================================================

local ESCAPES = {
  ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ['"'] = '\\"', ["\\"] = "\\\\",
  ["/"] = "\\/",
}
local PIECES = {
  "a", "id", "5", "42", "-1", "0.5", "1e5", "1234567890123456", "-9007199254740993", " ", ":", ",", "{", "}", "[", "]",
  "é", "日", "\u{7FF}", "\u{FFFF}", "\u{10000}", "\u{1F600}", "\u{10FFFF}", "\0", "\1", "\1\1", "\2", "\3", "\4", "\5",
  "\6", "\7", "\8", "\9", "\n", "\r", "\f", "\x1F", "\x7F", '"', "\\", "/", "\\u0001", "u0001", "null", "true", "\\b",
}

local function hex(unit)
  return ("\\u" .. (random(2) == 1 and "%04x" or "%04X")):format(unit)
end

local function asUnicode(code)
  if code < 0x10000 then return hex(code) end
  code = code - 0x10000
  return hex(0xD800 + (code >> 10)) .. hex(0xDC00 + (code & 0x3FF))
end

-- lua-cjson takes control characters as they are, too; only NUL, quotes and backslashes need an escape.
local function spell(code)
  local character = utf8.char(code)
  local how = random(4)
  if how == 1 then return asUnicode(code) end
  if how == 2 and ESCAPES[character] then return ESCAPES[character] end
  if code == 0 or character == '"' or character == "\\" then return asUnicode(code) end
  return character
end

local function stringOf(plain)
  local written, meant = {}, {}
  for index = 1, random(0, random(3) == 1 and 12 or 3) do
    local piece = PIECES[random(#PIECES)]
    if not plain then
      meant[index] = piece
      for _, code in utf8.codes(piece) do written[#written + 1] = spell(code) end
    elseif not piece:find '[%z"\\]' then
      meant[#meant + 1], written[#written + 1] = piece, piece
    end
  end
  return '"' .. table.concat(written) .. '"', table.concat(meant)
end

-- ==== Numbers =======================================================================================================

local KNOWN = {
  "0", "-0", "-0.0", "0e0", "1.0", "7.00", "1E5", "1e+5", "1.5e3", "9007199254740992", "9007199254740993",
  "-9007199254740993", "9007199254740993.0", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
  "-9223372036854775809", "12345678901234567890", "999999999999999", "1000000000000000", "0.1", "0.30000000000000004",
  "5e-324", "2.2250738585072014e-308", "1.7976931348623157e308", "1234567890123456.7", "1e15", "1e16", "1e300",
}

local function digits(count)
  local list = { tostring(random(1, 9)) }
  for index = 2, count do list[index] = tostring(random(0, 9)) end
  return table.concat(list)
end

local function numeral(plain)
  if plain then
    return (random(2) == 1 and "-" or "") .. digits(random(15)) .. (random(3) == 1 and "." .. digits(random(15)) or "")
  end
  if random(3) == 1 then return KNOWN[random(#KNOWN)] end
  local text = (random(3) == 1 and "-" or "") .. digits(random(random(2) == 1 and 6 or 25))
  if random(3) == 1 then text = text .. "." .. digits(random(random(2) == 1 and 3 or 25)) end
  if random(6) == 1 then
    text = text .. (random(2) == 1 and "e" or "E") .. ({ "", "+", "-" })[random(3)] .. random(60)
  end
  return text
end

--- What a JSON number means: an integer where it is one within 64 bits, or whole and below 2^53.
---@param text string
---@return number
function texts.meaning(text)
  local number = assert(tonumber(text), text)
  if math.type(number) == "float" and number % 1 == 0 and math.abs(number) < 2 ^ 53 then
    return math.tointeger(number) --[[@as integer]]
  end
  return number
end

-- ==== Values ========================================================================================================

local function space()
  return random(8) == 1 and (" \t\r\n"):sub(random(4), random(4)) or ""
end

local value

local function list(depth, plain)
  local written, meant = {}, {}
  for index = 1, random(0, 4) do
    local text
    text, meant[index] = value(depth, plain)
    written[index] = space() .. text .. space()
  end
  return "[" .. table.concat(written, ",") .. "]", meant
end

--- An object, with these fields first.
local function object(depth, plain, written, meant)
  for _ = 1, random(0, 5) do
    local name, key = stringOf(plain)
    -- Now and then a name twice: the last field of it is meant.
    for _ = 1, random(6) == 1 and 2 or 1 do
      local text
      text, meant[key] = value(depth, plain)
      written[#written + 1] = space() .. name .. space() .. ":" .. space() .. text .. space()
    end
  end
  return "{" .. table.concat(written, ",") .. "}", meant
end

local SCALARS = {
  function(plain) return stringOf(plain) end,
  function(plain)
    local text = numeral(plain)
    return text, texts.meaning(text)
  end,
  function() return "true", true end,
  function() return "false", false end,
  function() return "null", null end,
}

function value(depth, plain)
  local kind = random(depth > 0 and 8 or 5)
  if kind <= 2 or kind > 5 and depth == 0 then return SCALARS[kind](plain) end
  if kind <= 5 then return SCALARS[random(2, 5)](plain) end
  if kind == 6 then return list(depth - 1, plain) end
  return object(depth - 1, plain, {}, {})
end

--- A random list or object.
---@return string text
---@return table meaning
function texts.any()
  if random(2) == 1 then return list(4, false) end
  return object(4, false, {}, {})
end

--- A random object with the id "U".
---@param plain boolean without anything that the scanner leaves to decoding
---@return string text
---@return table meaning
function texts.record(plain)
  local text, meaning = object(2, plain, { '"x":1' }, { x = 1 })
  meaning.id = "U"
  return text:sub(1, -2) .. ',"id":"U"}', meaning
end

-- ==== Comparing =====================================================================================================

--- Whether two values are the same, kinds of numbers included.
function texts.same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then
    return rawequal(a, b) and math.type(a) == math.type(b)
  end
  for key, inner in next, a do
    if not texts.same(inner, b[key]) then return false end
  end
  for key in next, b do
    if a[key] == nil then return false end
  end
  return true
end

--- Has a client read random texts as replies; raises for one that is read as something else than it means.
---@param count integer how many texts
function texts.read(count)
  local written, meant, replies = {}, {}, {}
  for index = 1, count do
    written[index], meant[index] = texts.any()
    replies[index] = rawserver.reply(200, written[index])
  end
  local s <close> = service.answering(replies)
  for index = 1, count do
    local got, failure = s.client:request("GET", "/x")
    if not texts.same(meant[index], got) then
      error(("%s read as something else: %s"):format(failure or "", written[index]), 0)
    end
  end
end

return texts
