--- RQL: what a list is filtered by, as the query of a URL.
--
-- A filter is an object of the JavaScript SDK as a Lua table (rql/filter), a condition of `connect.R`
-- (rql/builder), or a query that is ready. The service leaves out what it does not know: a misspelled field's
-- name is no error there, and the list is longer than asked for.

local builder = require "cloudblue.connect.rql.builder"
local filter = require "cloudblue.connect.rql.filter"
local null = require("cjson").null
local refusal = require "cloudblue.connect.rql.refusal"
local text = require "cloudblue.connect.rql.text"
local tree = require "cloudblue.connect.rql.tree"

local rql = {}

--- Where a condition starts; see rql/builder.
rql.R = builder.R

---@class cloudblue.connect.rql.Options
---@field ordering string|string[]? fields, each with an optional sign: `-created`
---@field select string|string[]? what to add (`+items`) or leave out (`-items`)
---@field limit integer? at most so many entries
---@field offset integer? how many matches to leave out at the start

local KNOWN_OPTIONS = { ordering = true, select = true, limit = true, offset = true }

local function checkOptions(options)
  if options == nil then return {} end
  if type(options) ~= "table" then refusal.raise("", "table expected, got " .. type(options)) end
  for key in next, options do
    if not KNOWN_OPTIONS[key] then
      refusal.raise(tostring(key), "unknown option; known are limit, offset, ordering, select")
    end
  end
  return options
end

local function wholeNumber(name, value)
  if type(value) ~= "number" or value % 1 ~= 0 or value < 0 or value >= 0x1p53 then
    refusal.raise(name, "whole number from 0 expected, got " .. tostring(value))
  end
  return value // 1 | 0
end

-- What the query says beside its conditions: `given` keeps the numbers, `written` the text of each.
local function readControls(controls)
  local given, written = {}, {}
  for _, name in ipairs { "limit", "offset" } do
    local value = controls[name]
    if value ~= nil and value ~= null and value ~= "" then
      given[name] = wholeNumber(name, value)
      written[name] = ("%s=%d"):format(name, given[name])
    end
  end
  for _, name in ipairs { "ordering", "select" } do
    local value = controls[name]
    if value ~= nil and value ~= null and value ~= "" then
      local names = refusal.check(name, text.signedNames(value))
      if names ~= "" then written[name] = name .. "(" .. names .. ")" end
    end
  end
  return given, written
end

local function readFilters(filters)
  local node = builder.node(filters)
  if node then return { { key = "", text = tree.write(node) } }, {} end
  if filters == nil or filters == "" then return {}, {} end
  if type(filters) == "string" then
    return { { key = "", text = refusal.check("", text.readyQuery(filters)) } }, {}
  end
  if type(filters) ~= "table" or builder.isObject(filters) then
    local what = builder.isObject(filters) and "a field without a comparison" or type(filters)
    refusal.raise("", "filter (table, condition of connect.R or string) expected, got " .. what)
  end
  local terms, controls = filter.read(filters)
  for _, term in ipairs(terms) do
    term.text = tree.write(term.node)
  end
  return terms, controls
end

-- A key's place among the sorted keys of a filter object.
local SORT_KEY = { ordering = "$ordering", select = "$select" }

local function join(terms, written)
  for name, control in next, written do
    terms[#terms + 1] = { key = SORT_KEY[name] or name, text = control }
  end
  table.sort(terms, function(one, other) return one.key < other.key end)
  local texts = {}
  for index, term in ipairs(terms) do
    texts[index] = term.text
  end
  return table.concat(texts, "&")
end

local function mergeControls(inFilter, options)
  local merged = {}
  for name, value in next, inFilter do merged[name] = value end
  for name, value in next, options do
    if merged[name] ~= nil then refusal.raise(name, "stands in the filter too") end
    merged[name] = value
  end
  return merged
end

local function read(filters)
  local terms, controls = readFilters(filters)
  local given, written = readControls(controls)
  return { terms = terms, controls = controls, given = given, written = written }
end

local function addOptions(parts, options)
  local merged = mergeControls(parts.controls, checkOptions(options))
  parts.given, parts.written = readControls(merged)
  return parts
end

--- The parts of a filter, for those who write limit and offset themselves; never raises on misuse.
---@param filters table|string|nil see `rql.encode`
---@param options cloudblue.connect.rql.Options?
---@return table? parts for `rql.write`; its field `given` has limit and offset as integers, where they are given
---@return integer? position which of the two arguments is wrong
---@return string? problem
function rql.parts(filters, options)
  local parts, problem = refusal.catch(read, filters)
  if not parts then return nil, 1, problem end
  parts, problem = refusal.catch(addOptions, parts, options)
  if not parts then return nil, 2, problem end
  return parts
end

--- The query that some of a filter's parts make.
---@param parts table from `rql.parts`
---@param names string[] the controls to write: of `ordering`, `select`, `limit`, `offset`
---@return string query ready to stand after `?`; empty where there is nothing to ask for
function rql.write(parts, names)
  local written = {}
  for _, name in ipairs(names) do
    written[name] = parts.written[name]
  end
  return join(table.move(parts.terms, 1, #parts.terms, 1, {}), written)
end

local ALL_CONTROLS = { "ordering", "select", "limit", "offset" }

--- As `rql.encode`, but tells of misuse instead of raising; for callers with argument positions of their own.
---@param filters table|string|nil
---@param options cloudblue.connect.rql.Options?
---@return string? query
---@return integer? position which of the two arguments is wrong
---@return string? problem
function rql.tryEncode(filters, options)
  local parts, position, problem = rql.parts(filters, options)
  if not parts then return nil, position, problem end
  return rql.write(parts, ALL_CONTROLS)
end

--- The query of a filter.
--
-- A table is read as the JavaScript SDK reads its filter objects, a condition of `connect.R` as it stands, and
-- a string as a query that is ready (percent-encoded already; what a URL cannot carry is encoded).
-- Raises on what cannot be written: an unknown operator, a name that is no field's, a text with control
-- characters or with both kinds of quotation marks, invalid UTF-8, NaN.
---@param filters table|string|nil nil for no filter
---@param options cloudblue.connect.rql.Options?
---@return string query percent-encoded, ready to stand after `?`; empty where there is nothing to ask for
function rql.encode(filters, options)
  local query, position, problem = rql.tryEncode(filters, options)
  if not query then error(("bad argument #%d to 'encode' (%s)"):format(position, problem), 2) end
  return query
end

return rql
