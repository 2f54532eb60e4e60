--- How names and values are written in an RQL query.
--
-- Two layers protect a value, and both are needed. The service percent-decodes the whole query before it
-- reads RQL in it, so percent-encoding alone hides no delimiter: quotation marks keep `,` `)` `&` inside the
-- value. Percent-encoding keeps the value whole on its way there, where `&`, `#` or `+` would mean something.
--
-- Every function returns the text ready for the URL, or raises a refusal (rql/refusal) of the value at `path`.
-- Only the base, string and table libraries are used; a host need not open more.

local refusal = require "cloudblue.connect.rql.refusal"
local tables = require "cloudblue.connect.rql.tables"

local null, raise = tables.null, refusal.raise

local text = {}

local MAX_NAME = 255

-- The words of RQL that stand for no text.
text.NULL = "null()"
text.EMPTY = "empty()"

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

local function quoted(bytes, path)
  if not bytes:find('"', 1, true) then return "%22" .. percentEncode(bytes) .. "%22" end
  if not bytes:find("'", 1, true) then return "%27" .. percentEncode(bytes) .. "%27" end
  return raise(path, "the text holds both kinds of quotation marks, which RQL can't carry")
end

local function bareOrQuoted(bytes, path)
  if bytes:find(BARE_WORD) and bytes ~= TUPLE then return percentEncode(bytes) end
  return quoted(bytes, path)
end

local function checkText(bytes, path)
  if bytes:find("[%z\1-\31\127]") then raise(path, "the text holds a control character") end
  local at = badUtf8(bytes)
  if at then raise(path, ("the text is not UTF-8 (byte %d)"):format(at)) end
end

-- The fewest digits that read back as the same number, and the place of the point: how many of them stand before it.
-- Whatever the locale writes for the point is passed over.
local function digitsOf(number)
  for count = 15, 17 do
    local written = ("%." .. count - 1 .. "e"):format(number)
    if count == 17 or tonumber(written) == number then
      local first, rest, exponent = written:match("(%d)[^%de]*(%d*)e([+-]%d+)")
      return (first .. rest):gsub("0+$", ""), tonumber(exponent) + 1
    end
  end
end

-- A number that is not whole, never with an exponent: the service cuts a decimal so many bytes after its point, and
-- with them the exponent.
local function fractionText(number)
  local digits, point = digitsOf(number)
  local sign = number < 0 and "-" or ""
  if point <= 0 then return sign .. "0." .. ("0"):rep(-point) .. digits end
  return sign .. digits:sub(1, point) .. "." .. digits:sub(point + 1)
end

-- Reads back as the same number. A whole number is written as an integer: JSON decoders return integers as floats,
-- too, and the service takes no "1.0" or "1e+20" for an integer field.
local function numberText(number, path)
  if number ~= number or number == 1 / 0 or number == -1 / 0 then
    raise(path, "NaN and infinity have no place in a query")
  end
  if number % 1 ~= 0 then return fractionText(number) end
  if number >= -0x1p63 and number < 0x1p63 then return ("%d"):format(number) end
  return ("%.0f"):format(number)
end

--- Whether a field's name can stand in a query as it is: a letter, then letters, digits and `_` `.` `-`;
-- not the name `t`, which the service can't read.
---@param name any
---@return boolean
function text.isName(name)
  return type(name) == "string" and #name <= MAX_NAME and name ~= TUPLE and name:find(PLAIN_NAME) ~= nil
end

-- null and the empty text are RQL's words, however they are written; `words`: its words may also stand as texts, as in
-- the JavaScript SDK. nil for every other value.
local function wordOf(value, words)
  if value == null or words and value == text.NULL then return text.NULL end
  if value == "" or words and value == text.EMPTY then return text.EMPTY end
  return nil
end

--- A value as RQL writes it.
---@param value any text (UTF-8), number, boolean or JSON null
---@param words boolean whether the texts `null()` and `empty()` mean RQL's words, as in the JavaScript SDK
---@param path string
---@return string
function text.value(value, words, path)
  local word = wordOf(value, words)
  if word then return word end
  local kind = type(value)
  if kind == "string" then
    checkText(value, path)
    -- The service unquotes before it looks for this word, so quotation marks would not keep it a text.
    if value == text.EMPTY then raise(path, "the service takes this text for its word empty()") end
    return bareOrQuoted(value, path)
  end
  if kind == "number" then return numberText(value, path) end
  if kind == "boolean" then return value and "true" or "false" end
  return raise(path, "text, number, boolean or null expected, got " .. kind)
end

--- A value to be compared by its order: greater, less, a range.
---@param value any
---@param words boolean see `text.value`
---@param path string
---@return string
function text.ordered(value, words, path)
  local word = wordOf(value, words)
  if word then raise(path, (word == text.NULL and "null" or "the empty text") .. " has no order") end
  return text.value(value, words, path)
end

--- A value to be found anywhere in a text: wildcards around it; its own stars and backslashes stand for themselves.
---@param value any text, not empty, or number
---@param _ boolean as `text.value` has it; a text is always a text here
---@param path string
---@return string
function text.pattern(value, _, path)
  if type(value) == "number" then return "*" .. numberText(value, path) .. "*" end
  if type(value) ~= "string" then raise(path, "text expected, got " .. tables.describe(value)) end
  if value == "" then raise(path, "the text is empty; everything would match") end
  checkText(value, path)
  return bareOrQuoted("*" .. value:gsub("[\\*]", "\\%0") .. "*", path)
end

--- The fields of an ordering or a selection: each with an optional sign, comma between.
---@param fields any a field's name, or a list of them
---@param path string
---@return string written empty for an empty list
function text.signedNames(fields, path)
  if type(fields) == "string" then fields = { fields } end
  if type(fields) ~= "table" or not tables.length(fields) then
    raise(path, "a field's name or a list of them expected, got " .. tables.describe(fields))
  end
  local written = {}
  for index, field in ipairs(fields) do
    local sign, name = "", field
    if type(field) == "string" then sign, name = field:match("^([+-]?)(.*)$") end
    if not text.isName(name) then
      raise(path, ("entry %d is not a field's name with an optional sign"):format(index))
    end
    written[index] = percentEncode(sign) .. name
  end
  return table.concat(written, ",")
end

return text
