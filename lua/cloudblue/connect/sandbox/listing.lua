--- Lists: filters, ordering, select, and pages with their Content-Range.

local fields = require "cloudblue.connect.sandbox.fields"
local filter = require "cloudblue.connect.sandbox.filter"
local reply = require "cloudblue.connect.sandbox.reply"
local router = require "cloudblue.connect.sandbox.router"
local rql = require "cloudblue.connect.sandbox.rql"
local seed = require "cloudblue.connect.sandbox.seed"

local listing = {}

local DEFAULT_LIMIT, MAX_LIMIT = 100, 1000

--- Takes limit or offset out of a term.
local function takePage(plan, term)
  local number = type(term.value) == "string" and term.value:match("^%d+$") and math.tointeger(tonumber(term.value))
  if term.op ~= "eq" or not number then
    return string.format("%s must be an integer that is not negative", term.field)
  end
  plan[term.field] = number
  return nil
end

--- Takes ordering(...) or select(...) out of a term.
local function takeProperties(plan, term, known)
  if plan[term.op] then
    return term.op .. " stands there twice"
  end
  plan[term.op] = {}
  for number, wanted in ipairs(term.fields) do
    local field = known[wanted.name]
    if not field then
      return string.format("there is no field '%s' here", wanted.name)
    end
    plan[term.op][number] = { path = field.path, minus = wanted.minus }
  end
  return nil
end

--- Makes a plan from a query: {test=, limit=, offset=, ordering=, select=}. `test` is absent where
--- every object matches.
---@param query string as it came, percent-encoded
---@param known table<string, table> the fields, see fields.lua
---@return table|nil plan
---@return string? problem
local function planOf(query, known)
  local tree, problem = rql.parse(router.decoded(query))
  if not tree then
    return nil, problem
  end
  local plan, terms = { limit = DEFAULT_LIMIT, offset = 0 }, { op = "and" }
  for _, term in ipairs(tree) do
    if term.field == "limit" or term.field == "offset" then
      problem = takePage(plan, term)
    elseif term.fields then
      problem = takeProperties(plan, term, known)
    else
      terms[#terms + 1] = term
    end
    if problem then
      return nil, problem
    end
  end
  plan.limit = math.min(plan.limit, MAX_LIMIT)
  if terms[1] then
    plan.test, problem = filter.compile(terms, function(name)
      return known[name]
    end)
  end
  return not problem and plan or nil, problem
end

--- The objects of the page, and how many there are on all pages.
local function collect(plan, collection, show)
  local page, total, all = {}, 0, {}
  if not plan.test and not plan.ordering then
    for number, object in ipairs(collection:slice(plan.offset, plan.limit)) do
      page[number] = show(object)
    end
    return page, collection:count()
  end
  for object in collection:each() do
    object = show(object)
    if not plan.test or plan.test(object) then
      total = total + 1
      if plan.ordering then
        all[total] = object
      elseif total > plan.offset and #page < plan.limit then
        page[#page + 1] = object
      end
    end
  end
  if plan.ordering then
    filter.sort(all, plan.ordering)
    table.move(all, plan.offset + 1, math.min(plan.offset + plan.limit, total), 1, page)
  end
  return page, total
end

--- An object without the members that select(-member) takes out. select(member) adds nothing: lists
--- show every member anyway.
local function selected(object, selection)
  local copy = seed.copy(object)
  for _, member in ipairs(selection) do
    local holder = member.minus and copy or nil
    for number = 1, #member.path - 1 do
      holder = type(holder) == "table" and holder[member.path[number]] or nil
    end
    if type(holder) == "table" then
      holder[member.path[#member.path]] = nil
    end
  end
  return copy
end

local function asItIs(object)
  return object
end

--- Answers a list request.
---@param request table
---@param collection table with slice(offset, limit), each() and count()
---@param name string what the objects are, a name of fields.lua
---@param show (fun(object: table): table)? how an object is shown in a list
---@return table reply
function listing.answer(request, collection, name, show)
  local plan, problem = planOf(request.query, fields.of(name))
  if not plan then
    return reply.badFilter("Bad filter: " .. problem)
  end
  local objects, total = collect(plan, collection, show or asItIs)
  for number, object in ipairs(plan.select and objects or {}) do
    objects[number] = selected(object, plan.select)
  end
  local first = plan.limit == 0 and 0 or plan.offset
  local last = first + math.max(#objects - 1, 0)
  return reply.list(200, objects, { ["content-range"] = string.format("items %d-%d/%d", first, last, total) })
end

return listing
