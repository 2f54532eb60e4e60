--- How names and values are written in an RQL query.
--
-- Two layers protect a value, and both are needed. The service percent-decodes the whole query before it
-- reads RQL in it, so percent-encoding alone hides no delimiter: quotation marks keep `,` `)` `&` inside the
-- value. Percent-encoding keeps the value whole on its way there, where `&`, `#` or `+` would mean something.
--
-- Every function gives the text ready for the URL, or nil and what is wrong with the value.
-- Only the base, string and table libraries are used; a host need not open more.

local null = require("cjson").null
local list = require "cloudblue.connect.rql.list"

local text = {}

local MAX_NAME = 255

-- The words of RQL that stand for no text.
local WORDS = { ["null()"] = "null()", ["empty()"] = "empty()" }
text.NULL = WORDS["null()"]
text.EMPTY = WORDS["empty()"]

-- The service reads a bare `t` as the start of a tuple, t(…), and refuses the query.
local TUPLE = "t"

-- Written out, as %w follows the host's locale.
local BARE_WORD = "^[A-Za-z0-9_*+\\%-][A-Za-z0-9_.:+@*\\%-]*$"
local PLAIN_NAME = "^[A-Za-z][A-Za-z0-9_.%-]*$"
local NEEDS_ENCODING = "[^A-Za-z0-9_.~*:@%-]"

local ENCODED = {}
for code = 0, 255 do
  ENCODED[string.char(code)] = string.format("%%%02X", code)
end

--- Percent-encodes all but what a URL's query may carry as it is (RFC 3986, 3.4) and RQL's delimiters.
---@param bytes string
---@return string
local function percentEncode(bytes)
  return (bytes:gsub(NEEDS_ENCODING, ENCODED))
end

-- The bounds of a UTF-8 sequence's second byte, by first byte, where they are not 80..BF (RFC 3629, 4):
-- they keep out overlong forms, surrogates and what lies past U+10FFFF.
local SECOND_LOW = { [0xE0] = 0xA0, [0xF0] = 0x90 }
local SECOND_HIGH = { [0xED] = 0x9F, [0xF4] = 0x8F }

local function sequenceLength(first)
  if first < 0x80 then return 1 end
  if first >= 0xC2 and first <= 0xDF then return 2 end
  if first >= 0xE0 and first <= 0xEF then return 3 end
  if first >= 0xF0 and first <= 0xF4 then return 4 end
  return nil
end

--- Where the first byte stands that is no part of a UTF-8 character; nil where there is none.
---@param bytes string
---@return integer?
local function badUtf8(bytes)
  local at = bytes:find("[\128-\255]")
  while at and at <= #bytes do
    local first, second, third, fourth = bytes:byte(at, at + 3)
    local length = sequenceLength(first)
    if not length then return at end
    if length > 1 then
      if not second or second < (SECOND_LOW[first] or 0x80) or second > (SECOND_HIGH[first] or 0xBF) then return at end
      if length > 2 and (not third or third < 0x80 or third > 0xBF) then return at end
      if length > 3 and (not fourth or fourth < 0x80 or fourth > 0xBF) then return at end
    end
    at = at + length
  end
  return nil
end

local function quoted(bytes)
  if not bytes:find('"', 1, true) then return "%22" .. percentEncode(bytes) .. "%22" end
  if not bytes:find("'", 1, true) then return "%27" .. percentEncode(bytes) .. "%27" end
  return nil, "the text holds both kinds of quotation marks, which RQL cannot carry"
end

local function bareOrQuoted(bytes)
  if bytes:find(BARE_WORD) and bytes ~= TUPLE then return percentEncode(bytes) end
  return quoted(bytes)
end

local function textProblem(bytes)
  if bytes:find("[%z\1-\31\127]") then return "the text holds a control character" end
  local at = badUtf8(bytes)
  return at and ("the text is not UTF-8 (byte %d)"):format(at) or nil
end

-- Shortest form that reads back as the same number. A whole number is written as an integer: JSON decoders
-- hand out integers as floats too, and the service takes no "1.0" or "1e+20" for an integer field.
local function numberText(number)
  if number ~= number or number == 1 / 0 or number == -1 / 0 then
    return nil, "NaN and infinity have no place in a query"
  end
  if number % 1 == 0 and number >= -0x1p63 and number < 0x1p63 then return ("%d"):format(number) end
  if number % 1 == 0 then return ("%.0f"):format(number) end
  for digits = 15, 17 do
    local written = ("%." .. digits .. "g"):format(number)
    -- A host's locale may write another decimal point than RQL's, of one byte or more.
    if tonumber(written) == number then return percentEncode((written:gsub("[^%d+e%-]+", "."))) end
  end
end

--- Whether a field's name can stand in a query as it is: a letter, then letters, digits and `_` `.` `-`;
-- not the name `t`, which the service cannot read.
---@param name any
---@return boolean
function text.isName(name)
  return type(name) == "string" and #name <= MAX_NAME and name ~= TUPLE and name:find(PLAIN_NAME) ~= nil
end

--- A value as RQL writes it.
---@param value string|number|boolean|userdata text (UTF-8), number, boolean or JSON null
---@param words boolean whether the texts `null()` and `empty()` mean RQL's words, as in the JavaScript SDK
---@return string? written, string? problem
function text.value(value, words)
  local kind = type(value)
  if kind == "string" then
    if words and WORDS[value] then return WORDS[value] end
    local problem = textProblem(value)
    if problem then return nil, problem end
    -- The service unquotes before it looks for this word, so quotation marks would not keep it a text.
    if value == text.EMPTY then return nil, "the service takes this text for its word empty()" end
    return bareOrQuoted(value)
  end
  if kind == "number" then return numberText(value) end
  if kind == "boolean" then return value and "true" or "false" end
  if value == null then return text.NULL end
  return nil, "text, number, boolean or null expected, got " .. kind
end

--- A value to be found anywhere in a text: wildcards around it; its own stars and backslashes stand for themselves.
---@param value string|number not empty
---@return string? written, string? problem
function text.likeValue(value)
  if type(value) == "number" then
    local written, problem = numberText(value)
    if not written then return nil, problem end
    return "*" .. written .. "*"
  end
  if type(value) ~= "string" then return nil, "text expected, got " .. type(value) end
  if value == "" then return nil, "the text is empty; everything would match" end
  local problem = textProblem(value)
  if problem then return nil, problem end
  return bareOrQuoted("*" .. value:gsub("[\\*]", "\\%0") .. "*")
end

--- The fields of an ordering or a selection: each with an optional sign, comma between.
---@param fields string|string[]
---@return string? written, string? problem
function text.signedNames(fields)
  if type(fields) == "string" then fields = { fields } end
  if type(fields) ~= "table" or not list.length(fields) then
    return nil, "a field's name or a list of them expected, got " .. type(fields)
  end
  local written = {}
  for index, field in ipairs(fields) do
    local sign, name = "", field
    if type(field) == "string" then sign, name = field:match("^([+-]?)(.*)$") end
    if not text.isName(name) then
      return nil, ("entry %d is not a field's name with an optional sign"):format(index)
    end
    written[index] = percentEncode(sign) .. name
  end
  return table.concat(written, ",")
end

--- A query that somebody else wrote, made safe for a URL: percent-encodings stay, the bytes that a URL cannot
--- carry (such as `|`, `"` and UTF-8) are encoded. What would end or break the query is refused.
---@param query string
---@return string? query, string? problem
function text.readyQuery(query)
  if query:find("^%?") then return nil, "a query is given without its leading ?" end
  if query:find("[%z\1-\32\127]") then
    return nil, "the query holds a space or a control character; write %20 for a space"
  end
  if query:find("#", 1, true) then return nil, "the query holds a #; write %23" end
  if query:gsub("%%[0-9A-Fa-f][0-9A-Fa-f]", ""):find("%", 1, true) then
    return nil, "the query holds a % that starts no percent-encoding; write %25"
  end
  if badUtf8(query) then return nil, "the query is not UTF-8" end
  return (query:gsub("[^A-Za-z0-9_.~*:@!$&'(),;=/?%%+%-]", ENCODED))
end

return text
