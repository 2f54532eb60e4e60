--- What is asked of a list on the command line, checked before it is sent. The service leaves out a filter that it does
--- not know, and the list is longer than asked for; so a filter has to be one of those that the API describes.

local core = require "cloudblue.connect.core"
local fields = require "cloudblue.connect.sandbox.data.fields"
local query = require "cloudblue.connect.sandbox.api.query"
local rql = require "cloudblue.connect.rql"

local filters = {}

local EMPTY <const> = "--where: the filter is empty, and would find everything"

-- What a query may hold besides filters, and the option for it.
local OPTIONS <const> = { limit = "--limit", ordering = "--order", select = "--columns" }

local function namesOf(collection, isWanted)
  local names = {}
  for name, field in pairs(fields.filters(collection)) do
    if isWanted(field) then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

--- The filters of a collection, sorted.
---@param collection "records"|"chunks"
---@return string[]
function filters.names(collection) return namesOf(collection, function() return true end) end

--- The orderings of a collection, sorted.
---@param collection "records"|"chunks"
---@return string[]
function filters.orderings(collection) return namesOf(collection, function(field) return field.ordering end) end

-- The problem of a wrong name, with the nearest right one.
local function unknown(name, names, what)
  return (core.unknownOption(name, names):gsub("^unknown option", "there is no " .. what))
end

local function inOptions(problem, collection)
  local name = problem:match("^there is no filter '(.*)' here$")
  if not name then return problem end
  return unknown(name, filters.names(collection), "filter") .. " (--any-filter sends it all the same)"
end

-- What stands in the query and is no filter; nil where all are.
local function strangerIn(parts)
  local name = next(parts.own)
  return name and ("%s is no filter%s"):format(name, OPTIONS[name] and (" (%s)"):format(OPTIONS[name]) or "")
end

--- Checks a filter in RQL: its form, and that the API describes each of its filters and what it is compared with.
---@param collection "records"|"chunks"
---@param where string such as `status=approved&ge(created_time,2026-01-01)`
---@param isAny boolean? whether filters that the API does not describe are let through
---@return string|nil query for `resource:all`
---@return string? problem beside nil
function filters.check(collection, where, isAny)
  -- A variable of the shell that is not set, most likely; it must not mean all there is.
  if not where:find "%S" then return nil, EMPTY end
  local parts, _, problem = rql.parts(where)
  if not parts then return nil, "--where: " .. problem end
  problem = strangerIn(parts)
  if problem then return nil, "--where: " .. problem end
  local text = rql.write(parts, {})
  if isAny then return text end
  local known = { filters = fields.filters(collection), selects = fields.selects(collection) }
  local plan
  plan, problem = query.plan(text, known, true, function() return nil end)
  if not plan then return nil, "--where: " .. inOptions(problem, collection) end
  if not plan.test then return nil, EMPTY end
  return text
end

--- Reads an ordering: `status` or `-created_time,status`.
---@param collection "records"|"chunks"
---@param order string
---@return string[]|nil fields each with its sign
---@return string? problem beside nil
function filters.readOrder(collection, order)
  local known, isKnown, list = filters.orderings(collection), {}, {}
  for _, name in ipairs(known) do isKnown[name] = true end
  for sign, name in (order .. ","):gmatch "%s*([+-]?)(.-)%s*," do
    if not isKnown[name] then
      return nil, ("--order: there is no ordering by '%s'; there is %s"):format(name, table.concat(known, ", "))
    end
    list[#list + 1] = sign .. name
  end
  return list
end

return filters
