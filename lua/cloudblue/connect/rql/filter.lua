--- The JavaScript SDK's filter objects, as Lua tables.
--
--   { status = "approved", amount = { ["$gte"] = 10, ["$lt"] = 20 }, ["$or"] = { { a = 1 }, { b = 2 } } }
--
-- As in the SDK: fields are joined by "and"; JSON null, the empty text and the empty object put no condition;
-- the texts `null()` and `empty()` mean RQL's words; `$not` negates each of its operators by itself.
-- Two things differ, so that a filter never turns into another one: `$in` and `$out` refuse an empty list
-- (left out, the filter would match everything), and stars and backslashes of a `$like` are both escaped.
-- Keys are written in sorted order, lists in theirs.

local null = require("cjson").null
local builder = require "cloudblue.connect.rql.builder"
local list = require "cloudblue.connect.rql.list"
local refusal = require "cloudblue.connect.rql.refusal"
local text = require "cloudblue.connect.rql.text"
local tree = require "cloudblue.connect.rql.tree"

local filter = {}

-- Also ends a table that holds itself.
local MAX_DEPTH = 50

local check, raise = refusal.check, refusal.raise

local operatorNodes, filterNodes

-- What the SDK takes for "no condition".
local function isNothing(value)
  if value == null or value == "" then return true end
  return type(value) == "table" and next(value) == nil and not builder.isObject(value)
end

local function below(path, key)
  if type(key) == "number" then return path .. "[" .. key .. "]" end
  if not key:find("^%$?[A-Za-z0-9_.-]+$") then return path .. ("[%q]"):format(key:sub(1, 60)) end
  return path == "" and key or (path .. "." .. key)
end

local function enter(value, path, depth)
  if builder.isObject(value) then raise(path, "a condition of connect.R stands by itself, not inside a table") end
  if depth > MAX_DEPTH then raise(path, ("nested more than %d deep"):format(MAX_DEPTH)) end
end

local function sortedKeys(object, path)
  local keys = {}
  for key in next, object do
    if type(key) ~= "string" then
      raise(path, "a list where an object was expected; put it under $and or $or, or, for values, $in")
    end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local function entriesOf(value, path)
  if type(value) ~= "table" or not list.length(value) then raise(path, "a list expected, got " .. type(value)) end
  return ipairs(value)
end

local function written(value, path)
  return check(path, text.value(value, true))
end

local function comparison(name)
  return function(field, value, path)
    return { tree.leaf(name .. "(" .. field .. "," .. written(value, path) .. ")") }
  end
end

local function search(name)
  return function(field, value, path)
    return { tree.leaf(name .. "(" .. field .. "," .. check(path, text.likeValue(value)) .. ")") }
  end
end

local function listing(name)
  return function(field, values, path)
    local words = {}
    for index, value in entriesOf(values, path) do
      words[index] = written(value, below(path, index))
    end
    if #words == 0 then raise(path, "an empty list; left out, the filter would match everything") end
    return { tree.leaf(name .. "(" .. field .. ",(" .. table.concat(words, ",") .. "))") }
  end
end

local function range(field, bounds, path)
  if type(bounds) ~= "table" then raise(path, "an object with min and max expected, got " .. type(bounds)) end
  local nodes = {}
  for _, key in ipairs(sortedKeys(bounds, path)) do
    if key ~= "min" and key ~= "max" then raise(below(path, key), "a range has min and max only") end
  end
  for _, side in ipairs { { "min", "ge" }, { "max", "le" } } do
    local key, name = side[1], side[2]
    if bounds[key] ~= nil and not isNothing(bounds[key]) then
      nodes[#nodes + 1] = tree.leaf(name .. "(" .. field .. "," .. written(bounds[key], below(path, key)) .. ")")
    end
  end
  return nodes
end

-- Each operator is negated by itself: {$not = {$gt = 1, $lt = 9}} is not(gt) and not(lt).
local function negation(field, value, path, depth)
  if type(value) ~= "table" then raise(path, "operators or a list of them expected, got " .. type(value)) end
  local nodes = {}
  local items = list.length(value) and value or { value }
  for index, item in ipairs(items) do
    local itemPath = items == value and below(path, index) or path
    if not isNothing(item) then
      if type(item) ~= "table" then raise(itemPath, "operators expected, got " .. type(item)) end
      for _, key in ipairs(sortedKeys(item, itemPath)) do
        local node = tree.all(operatorNodes(field, { [key] = item[key] }, itemPath, depth + 1))
        nodes[#nodes + 1] = node and tree.negate(node)
      end
    end
  end
  return nodes
end

-- What a field, or an entry of its $and or $or, is set to: a value, or operators.
local function fieldNodes(field, value, path, depth)
  if isNothing(value) then return {} end
  if type(value) == "table" then return operatorNodes(field, value, path, depth) end
  return { tree.leaf(field .. "=" .. written(value, path)) }
end

local function groups(value, path, nodesOf)
  local nodes = {}
  for index, item in entriesOf(value, path) do
    local node = tree.all(nodesOf(item, below(path, index)))
    nodes[#nodes + 1] = node and tree.group(node)
  end
  return nodes
end

local function fieldGroups(field, value, path, depth)
  return groups(value, path, function(item, itemPath) return fieldNodes(field, item, itemPath, depth + 1) end)
end

local OPERATORS = {
  ["$eq"] = comparison("eq"),
  ["$ne"] = comparison("ne"),
  ["$gt"] = comparison("gt"),
  ["$ge"] = comparison("ge"),
  ["$gte"] = comparison("ge"),
  ["$lt"] = comparison("lt"),
  ["$le"] = comparison("le"),
  ["$lte"] = comparison("le"),
  ["$like"] = search("like"),
  ["$ilike"] = search("ilike"),
  ["$in"] = listing("in"),
  ["$out"] = listing("out"),
  ["$range"] = range,
  ["$not"] = negation,
  ["$and"] = fieldGroups,
  ["$or"] = function(...) return { tree.anyPairwise(fieldGroups(...)) } end,
}

local EMPTY_LIST_MATTERS = { ["$in"] = true, ["$out"] = true }

local function append(nodes, more)
  table.move(more, 1, #more, #nodes + 1, nodes)
end

function operatorNodes(field, operators, path, depth)
  enter(operators, path, depth)
  local nodes = {}
  for _, key in ipairs(sortedKeys(operators, path)) do
    local operator, value = OPERATORS[key], operators[key]
    if not operator then raise(below(path, key), "unknown operator") end
    if not isNothing(value) or type(value) == "table" and EMPTY_LIST_MATTERS[key] then
      append(nodes, operator(field, value, below(path, key), depth))
    end
  end
  return nodes
end

local function filterGroups(value, path, depth)
  return groups(value, path, function(item, itemPath)
    if isNothing(item) then return {} end
    if type(item) ~= "table" then raise(itemPath, "a filter expected, got " .. type(item)) end
    return filterNodes(item, itemPath, depth + 1)
  end)
end

local CONTROLS = { ["$ordering"] = "ordering", ["$select"] = "select", limit = "limit", offset = "offset" }

local function checkKey(key, path)
  if CONTROLS[key] or key == "$and" or key == "$or" then return end
  if key:sub(1, 1) == "$" then raise(path, "unknown operator; beside fields stand $and, $or, $ordering, $select") end
  if not text.isName(key) then raise(path, "not a field's name") end
end

local function keyNodes(key, value, path, depth)
  if key == "$and" then return filterGroups(value, path, depth) end
  if key == "$or" then return { tree.anyPairwise(filterGroups(value, path, depth)) } end
  if CONTROLS[key] then raise(path, "belongs to the whole filter, not inside $and or $or") end
  return fieldNodes(key, value, path, depth)
end

function filterNodes(object, path, depth)
  enter(object, path, depth)
  local nodes = {}
  for _, key in ipairs(sortedKeys(object, path)) do
    checkKey(key, below(path, key))
    if not isNothing(object[key]) then append(nodes, keyNodes(key, object[key], below(path, key), depth)) end
  end
  return nodes
end

--- Reads a filter object. Raises a refusal (see rql/refusal) that names the key.
---@param object table
---@return { key: string, node: table }[] terms one for each key that puts a condition, in sorted order
---@return table controls what the object says of `ordering`, `select`, `limit`, `offset`, as given
function filter.read(object)
  enter(object, "", 1)
  local terms, controls = {}, {}
  for _, key in ipairs(sortedKeys(object, "")) do
    local value = object[key]
    checkKey(key, below("", key))
    local node
    if isNothing(value) then
      node = nil
    elseif CONTROLS[key] then
      controls[CONTROLS[key]] = value
    else
      node = tree.all(keyNodes(key, value, key, 1))
    end
    if node then terms[#terms + 1] = { key = key, node = node } end
  end
  return terms, controls
end

return filter
