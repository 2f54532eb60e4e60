--- What a list request asks for: conditions, ordering, select, and which page.

local filter = require "cloudblue.connect.sandbox.data.filter"
local router = require "cloudblue.connect.sandbox.http.router"
local rql = require "cloudblue.connect.sandbox.data.rql"

local query = {}

local DEFAULT_LIMIT, MAX_LIMIT = 100, 1000

--- More than this the service does not order by.
local MAX_ORDERING = 5

--- Takes limit or offset out of a term.
local function takePage(plan, term)
  local number = type(term.value) == "string" and term.value:match("^%d+$") and math.tointeger(tonumber(term.value))
  if term.op ~= "eq" or not number then
    return string.format("%s must be an integer that is not negative", term.field)
  elseif plan.given[term.field] then
    return term.field .. " stands there twice"
  end
  plan[term.field], plan.given[term.field] = number, true
  return nil
end

local function takeOrdering(plan, term, known)
  if plan.ordering then
    return "ordering stands there twice"
  elseif #term.fields > MAX_ORDERING then
    return string.format("there may be %d orderings at most", MAX_ORDERING)
  end
  plan.ordering = {}
  for number, wanted in ipairs(term.fields) do
    local field = known.filters[wanted.name]
    if not field or not field.ordering then
      return string.format("there is no ordering by '%s' here", wanted.name)
    end
    plan.ordering[number] = { field = field, minus = wanted.minus }
  end
  return nil
end

local function takeSelect(plan, term, known)
  if plan.select then
    return "select stands there twice"
  end
  plan.select = {}
  for number, wanted in ipairs(term.fields) do
    local path = known.selects[wanted.name]
    if not path then
      return string.format("there is no select of '%s' here", wanted.name)
    end
    plan.select[number] = { path = path, minus = wanted.minus }
  end
  return nil
end

--- The condition that one of the fields that are searched holds a text.
local function takeSearch(terms, term, known)
  if term.op ~= "eq" or type(term.value) ~= "string" then
    return "search takes a text"
  end
  local pattern = "*" .. term.value:gsub("^%*", ""):gsub("%*$", "") .. "*"
  local node = { op = "or" }
  for name, field in pairs(known.filters) do
    node[#node + 1] = field.search and { op = "ilike", field = name, value = pattern } or nil
  end
  terms[#terms + 1] = term.value ~= "" and node or nil
  return nil
end

--- Takes what a term says into the plan; conditions are added to `terms`.
local function take(plan, terms, term, known)
  if term.field == "limit" or term.field == "offset" then
    return takePage(plan, term)
  elseif term.op == "ordering" then
    return takeOrdering(plan, term, known)
  elseif term.op == "select" then
    return takeSelect(plan, term, known)
  elseif term.field == "search" then
    return takeSearch(terms, term, known)
  end
  terms[#terms + 1] = term
  return nil
end

--- Makes a plan from a query: {test=, limit=, offset=, ordering=, select=}. `test` is absent where
--- every object matches.
---@param text string as it came, percent-encoded
---@param known {filters: table, selects: table} see data/fields.lua
---@param isStrict boolean whether a filter that does not exist is an error; else it is left out
---@param hidden fun(object: table, name: string): any returns what the objects do not show
---@return table|nil plan
---@return string? problem
function query.plan(text, known, isStrict, hidden)
  local tree, problem = rql.parse(router.decoded(text))
  if not tree then
    return nil, problem
  end
  local plan, terms = { limit = DEFAULT_LIMIT, offset = 0, given = {} }, { op = "and" }
  for _, term in ipairs(tree) do
    problem = take(plan, terms, term, known)
    if problem then
      return nil, problem
    end
  end
  plan.limit = math.min(plan.limit, MAX_LIMIT)
  local condition = terms[1] and (isStrict and terms or filter.known(terms, known.filters))
  if condition then
    plan.test, problem = filter.compile(condition, known.filters, hidden)
  end
  return not problem and plan or nil, problem
end

return query
