--- Answers list requests: the page of a collection that a query asks for, with its Content-Range.

local copy = require "cloudblue.connect.sandbox.data.copy"
local fields = require "cloudblue.connect.sandbox.data.fields"
local order = require "cloudblue.connect.sandbox.data.order"
local query = require "cloudblue.connect.sandbox.api.query"
local reply = require "cloudblue.connect.sandbox.http.reply"

local listing = {}

--- The page without looking at any other object.
local function slice(plan, collection, show)
  local page = {}
  for number, object in ipairs(collection:slice(plan.offset, plan.limit)) do
    page[number] = show(object)
  end
  return page, collection:count()
end

--- The page of those that match, in the collection's own order. The others are not kept: a million
--- records are made one by one.
local function walk(plan, collection, show)
  local page, total = {}, 0
  for object in collection:each() do
    local shown = show(object)
    if plan.test(shown) then
      total = total + 1
      if total > plan.offset and #page < plan.limit then
        page[#page + 1] = shown
      end
    end
  end
  return page, total
end

--- The page of those that match, in the order that `sort` brings them into.
local function sortedPage(plan, collection, show, sort)
  local all = {}
  for object in collection:each() do
    local shown = show(object)
    if not plan.test or plan.test(shown) then
      all[#all + 1] = shown
    end
  end
  return table.move(sort(all), plan.offset + 1, math.min(plan.offset + plan.limit, #all), 1, {}), #all
end

--- The objects of the page, and how many there are on all pages.
local function collect(plan, collection, show, sort)
  if sort then
    return sortedPage(plan, collection, show, sort)
  elseif plan.test then
    return walk(plan, collection, show)
  end
  return slice(plan, collection, show)
end

--- An object without the members that select(-member) takes out. select(member) adds nothing: lists
--- show every member anyway.
local function selected(object, selection)
  local shown = copy.values(object)
  for _, member in ipairs(selection) do
    local holder = member.minus and shown or nil
    for number = 1, #member.path - 1 do
      holder = type(holder) == "table" and holder[member.path[number]] or nil
    end
    if type(holder) == "table" then
      holder[member.path[#member.path]] = nil
    end
  end
  return shown
end

local function asItIs(object)
  return object
end

--- What sorts the objects of one request; nil where the collection's own order does.
local function sorter(store, plan, hidden)
  local keys = plan.ordering or {}
  if not keys[1] and not store.options.shuffleLists then
    return nil
  end
  local draw = store:lottery()
  return function(objects)
    return order.sorted(objects, keys, draw, hidden)
  end
end

--- Answers a list request.
---@param store table
---@param request table
---@param collection table with slice(offset, limit), each(), count() and, where data/fields.lua has hidden ones,
--- hidden(object, name)
---@param name string what the objects are, a name of data/fields.lua
---@param show (fun(object: table): table)? how an object is shown in a list
---@return table reply
function listing.answer(store, request, collection, name, show)
  local function hidden(object, field)
    return collection:hidden(object, field)
  end
  local known = { filters = fields.filters(name), selects = fields.selects(name) }
  local plan, problem = query.plan(request.query, known, store.options.strictFilters, hidden)
  if not plan then
    return reply.badFilter("Bad filter: " .. problem)
  end
  local objects, total = collect(plan, collection, show or asItIs, sorter(store, plan, hidden))
  for number, object in ipairs(plan.select and objects or {}) do
    objects[number] = selected(object, plan.select)
  end
  local first = plan.limit == 0 and 0 or plan.offset
  local last = first + math.max(#objects - 1, 0)
  return reply.list(200, objects, { ["content-range"] = string.format("items %d-%d/%d", first, last, total) })
end

return listing
