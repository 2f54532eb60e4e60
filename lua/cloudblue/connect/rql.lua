--- RQL: what a list is filtered by, as the query of a URL.
--
-- A filter is an object of the JavaScript SDK as a Lua table (rql/filter), a condition of `connect.R`
-- (rql/builder), or a query that is ready. The service leaves out what it does not know: a misspelled field's
-- name is no error there, and the list is longer than asked for.

local builder = require "cloudblue.connect.rql.builder"
local core = require "cloudblue.connect.core"
local filter = require "cloudblue.connect.rql.filter"
local refusal = require "cloudblue.connect.rql.refusal"
local tables = require "cloudblue.connect.rql.tables"
local text = require "cloudblue.connect.rql.text"
local tree = require "cloudblue.connect.rql.tree"

local null, raise = tables.null, refusal.raise

local rql = {}

--- Where a condition starts; see rql/builder.
rql.R = builder.R

-- The names of the options, in the order of a message.
local OPTIONS = { "limit", "offset", "ordering", "select" }

local function wholeNumber(name, value)
  if type(value) ~= "number" or value % 1 ~= 0 or value < 0 or value >= 0x1p53 then
    raise(name, "whole number from 0 expected, got " .. (value == null and "null" or tostring(value)))
  end
  return value // 1 | 0
end

-- What the query says beside its conditions: `given` keeps the numbers, `written` the text of each. These are no
-- conditions: one that is null, or an empty list or text, says nothing.
local function readControls(controls)
  local given, written = {}, {}
  for _, name in ipairs { "limit", "offset" } do
    local value = controls[name]
    if value ~= nil and value ~= null then
      given[name] = wholeNumber(name, value)
      written[name] = ("%s=%d"):format(name, given[name])
    end
  end
  for _, name in ipairs { "ordering", "select" } do
    local value = controls[name]
    if value ~= nil and value ~= null and value ~= "" then
      local names = text.signedNames(value, name)
      if names ~= "" then written[name] = name .. "(" .. names .. ")" end
    end
  end
  return given, written
end

-- A query that is ready: the rules are the core's. Which of limit, offset, ordering and select it holds itself is read
-- as the service reads it: the whole decoded first, nothing within quotation marks, everywhere a term may begin.
local function readReady(query)
  local encoded, problem = core.encodeQuery(query)
  if not encoded then raise("", problem) end
  local plain = encoded:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end)
  plain = "&" .. plain:gsub("([\"']).-%1", "%1%1")
  local own = {}
  for _, name in ipairs { "limit", "offset" } do
    own[name] = plain:find("[&,(|;]" .. name .. "=") or plain:find("[&,(|;]%l%l%(" .. name .. ",")
  end
  for _, name in ipairs { "ordering", "select" } do
    own[name] = plain:find("[&,(|;]" .. name .. "%(")
  end
  return { { key = "", text = encoded } }, own
end

-- The terms of a filter, the controls in a filter object, and those that a ready query holds itself.
local function readFilters(filters)
  local node = builder.node(filters)
  if node then return { { key = "", text = tree.write(node) } }, {}, {} end
  if filters == nil or filters == "" then return {}, {}, {} end
  if type(filters) == "string" then
    local terms, own = readReady(filters)
    return terms, {}, own
  end
  if type(filters) ~= "table" or builder.isObject(filters) then
    local what = builder.isObject(filters) and "a field without a comparison" or tables.describe(filters)
    raise("", "filter (table, condition of connect.R or string) expected, got " .. what)
  end
  local terms, controls = filter.read(filters)
  for _, term in ipairs(terms) do
    term.text = tree.write(term.node)
  end
  return terms, controls, {}
end

local function read(filters)
  local terms, controls, own = readFilters(filters)
  local given, written = readControls(controls)
  return { terms = terms, controls = controls, own = own, given = given, written = written }
end

local function checkNames(options, known)
  if type(options) ~= "table" then raise("", "table expected, got " .. tables.describe(options)) end
  local names = {}
  for _, name in ipairs(known) do names[name] = true end
  for key in next, options do
    if not names[key] then raise("", core.unknownOption(key, known)) end
  end
  tables.checkPlain(options, "")
end

local function addOptions(parts, options, known)
  if options == nil then return parts end
  checkNames(options, known)
  local merged = {}
  for name, value in next, parts.controls do merged[name] = value end
  for _, name in ipairs(OPTIONS) do
    local value = options[name]
    if value ~= nil and (merged[name] ~= nil or parts.own[name]) then raise(name, "stands in the filter too") end
    merged[name] = merged[name] == nil and value or merged[name]
  end
  parts.given, parts.written = readControls(merged)
  return parts
end

--- The parts of a filter, for a caller that writes limit and offset itself.
---@param filters cloudblue.connect.Filter?
---@param options table?
---@param known string[]? the names of the options that there are; else limit, offset, ordering and select
---@return table? parts for `rql.write`; its field `given` has limit and offset as integers, where they are given, and
--- `own` the names of those that a ready query holds itself
---@return integer? position which of the two arguments is wrong
---@return string? problem
function rql.parts(filters, options, known)
  local parts, problem = refusal.catch(read, filters)
  if not parts then return nil, 1, problem end
  parts, problem = refusal.catch(addOptions, parts, options, known or OPTIONS)
  if not parts then return nil, 2, problem end
  return parts
end

-- A key's place among the sorted keys of a filter object.
local SORT_KEY = { ordering = "$ordering", select = "$select" }

--- The query that some of a filter's parts make.
---@param parts table from `rql.parts`
---@param names string[] the controls to write: of `ordering`, `select`, `limit`, `offset`
---@return string query ready to stand after `?`; empty where there is nothing to ask for
function rql.write(parts, names)
  local terms = table.move(parts.terms, 1, #parts.terms, 1, {})
  for _, name in ipairs(names) do
    local written = parts.written[name]
    if written then terms[#terms + 1] = { key = SORT_KEY[name] or name, text = written } end
  end
  table.sort(terms, function(one, other) return one.key < other.key end)
  local texts = {}
  for index, term in ipairs(terms) do
    texts[index] = term.text
  end
  return table.concat(texts, "&")
end

--- The query of a filter.
--
-- A table is read as the JavaScript SDK reads its filter objects, but that no condition in it is left out (rql/filter);
-- a condition of `connect.R` as it stands; and a string as a query that is ready: percent-encodings stay, what a URL
-- can't carry is encoded, and what would end or break the query is refused (`cbc_url_check_query`). Refused is, too,
-- what can't be written: an unknown operator, a name that is no field's, a text with control characters or with both
-- kinds of quotation marks, invalid UTF-8, NaN.
---@param filters cloudblue.connect.Filter? nil for no filter
---@param options cloudblue.connect.rql.Options?
---@return string? query percent-encoded, ready to stand after `?`; empty where there is nothing to ask for
---@return integer? position beside nil: which of the two arguments is wrong
---@return string? problem
function rql.encode(filters, options)
  local parts, position, problem = rql.parts(filters, options)
  if not parts then return nil, position, problem end
  return rql.write(parts, OPTIONS)
end

return rql
