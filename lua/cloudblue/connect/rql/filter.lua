--- The JavaScript SDK's filter objects, as Lua tables.
--
--   { status = "approved", amount = { ["$gte"] = 10, ["$lt"] = 20 }, ["$or"] = { { a = 1 }, { b = 2 } } }
--
-- As in the SDK: fields are joined by "and"; the texts `null()` and `empty()` mean RQL's words; `$not` negates each of
-- its operators by itself. Keys are written in sorted order, lists in theirs.
--
-- Not as in the SDK: a condition that stands there is never left out, as the list would then be longer than asked for.
-- JSON null is `null()` and the empty text is `empty()`; an empty list or object where a condition should stand is
-- refused, and so is null where there is nothing to compare with it. (A key whose value is nil is not there for
-- Lua.) Stars and backslashes of a `$like` are both escaped.

local builder = require "cloudblue.connect.rql.builder"
local refusal = require "cloudblue.connect.rql.refusal"
local tables = require "cloudblue.connect.rql.tables"
local text = require "cloudblue.connect.rql.text"
local tree = require "cloudblue.connect.rql.tree"

local filter = {}

-- Also ends a table that holds itself.
local MAX_DEPTH = 50

local raise, describe = refusal.raise, tables.describe

local operatorNodes, filterNodes

local function below(path, key)
  if type(key) == "number" then return path .. "[" .. key .. "]" end
  if not key:find("^%$?[A-Za-z0-9_.-]+$") then return path .. ("[%q]"):format(key:sub(1, 60)) end
  return path == "" and key or (path .. "." .. key)
end

-- The keys of an object that stands where a condition should.
local function keysOf(value, path, depth)
  if builder.isObject(value) then raise(path, "a condition of connect.R stands by itself, not inside a table") end
  if depth > MAX_DEPTH then raise(path, ("nested more than %d deep"):format(MAX_DEPTH)) end
  local keys = tables.keys(value, path)
  if #keys == 0 then raise(path, "an empty table; left out, the filter would match everything") end
  return keys
end

local function comparison(name, writer)
  return function(field, value, path)
    return { tree.leaf(name .. "(" .. field .. "," .. writer(value, true, path) .. ")") }
  end
end

local function listing(name)
  return function(field, values, path)
    local words = {}
    for index, value in tables.entries(values, path) do
      words[index] = text.value(value, true, below(path, index))
    end
    return { tree.leaf(name .. "(" .. field .. ",(" .. table.concat(words, ",") .. "))") }
  end
end

local BOUNDS = { { "min", "ge" }, { "max", "le" } }

local function range(field, bounds, path, depth)
  if type(bounds) ~= "table" then raise(path, "an object with min and max expected, got " .. describe(bounds)) end
  for _, key in ipairs(keysOf(bounds, path, depth + 1)) do
    if key ~= "min" and key ~= "max" then raise(below(path, key), "a range has min and max only") end
  end
  local nodes = {}
  for _, bound in ipairs(BOUNDS) do
    local key, name = bound[1], bound[2]
    if bounds[key] ~= nil then
      local written = text.ordered(bounds[key], true, below(path, key))
      nodes[#nodes + 1] = tree.leaf(name .. "(" .. field .. "," .. written .. ")")
    end
  end
  return nodes
end

-- Each operator is negated by itself: {$not = {$gt = 1, $lt = 9}} is not(gt) and not(lt).
local function negateEach(nodes, field, operators, path, depth)
  if type(operators) ~= "table" then raise(path, "operators expected, got " .. describe(operators)) end
  for _, key in ipairs(keysOf(operators, path, depth)) do
    nodes[#nodes + 1] = tree.negate(tree.all(operatorNodes(field, { [key] = operators[key] }, path, depth)))
  end
end

local function negation(field, value, path, depth)
  local nodes = {}
  if type(value) ~= "table" then
    raise(path, "operators or a list of them expected, got " .. describe(value))
  elseif tables.length(value) == nil then
    negateEach(nodes, field, value, path, depth + 1)
  else
    for index, operators in tables.entries(value, path) do
      negateEach(nodes, field, operators, below(path, index), depth + 1)
    end
  end
  return nodes
end

-- What a field, or an entry of its $and or $or, is set to: a value, or operators.
local function fieldNodes(field, value, path, depth)
  if type(value) == "table" then return operatorNodes(field, value, path, depth) end
  return { tree.leaf(field .. "=" .. text.value(value, true, path)) }
end

local function groups(value, path, nodesOf)
  local nodes = {}
  for index, item in tables.entries(value, path) do
    nodes[index] = tree.group(tree.all(nodesOf(item, below(path, index))))
  end
  return nodes
end

local function fieldGroups(field, value, path, depth)
  return groups(value, path, function(item, itemPath) return fieldNodes(field, item, itemPath, depth + 1) end)
end

-- What becomes of field, value, path and depth: a list of nodes, of which all hold.
local OPERATORS = {
  ["$eq"] = comparison("eq", text.value),
  ["$ne"] = comparison("ne", text.value),
  ["$gt"] = comparison("gt", text.ordered),
  ["$ge"] = comparison("ge", text.ordered),
  ["$gte"] = comparison("ge", text.ordered),
  ["$lt"] = comparison("lt", text.ordered),
  ["$le"] = comparison("le", text.ordered),
  ["$lte"] = comparison("le", text.ordered),
  ["$like"] = comparison("like", text.pattern),
  ["$ilike"] = comparison("ilike", text.pattern),
  ["$in"] = listing("in"),
  ["$out"] = listing("out"),
  ["$range"] = range,
  ["$not"] = negation,
  ["$and"] = fieldGroups,
  ["$or"] = function(...) return { tree.anyPairwise(fieldGroups(...)) } end,
}

local function append(nodes, more)
  table.move(more, 1, #more, #nodes + 1, nodes)
end

function operatorNodes(field, operators, path, depth)
  local nodes = {}
  for _, key in ipairs(keysOf(operators, path, depth)) do
    local operator = OPERATORS[key]
    if not operator then raise(below(path, key), "unknown operator") end
    append(nodes, operator(field, operators[key], below(path, key), depth))
  end
  return nodes
end

local function filterGroups(value, path, depth)
  return groups(value, path, function(item, itemPath)
    if type(item) ~= "table" then raise(itemPath, "a filter expected, got " .. describe(item)) end
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
  checkKey(key, path)
  if key == "$and" then return filterGroups(value, path, depth) end
  if key == "$or" then return { tree.anyPairwise(filterGroups(value, path, depth)) } end
  if CONTROLS[key] then raise(path, "belongs to the whole filter, not inside $and or $or") end
  return fieldNodes(key, value, path, depth)
end

function filterNodes(object, path, depth)
  local nodes = {}
  for _, key in ipairs(keysOf(object, path, depth)) do
    append(nodes, keyNodes(key, object[key], below(path, key), depth))
  end
  return nodes
end

--- Reads a filter object; an empty one is no filter. Raises a refusal (see rql/refusal) that names the key.
---@param object table no object of connect.R
---@return { key: string, node: cloudblue.connect.rql.Node }[] terms one for each key that puts a condition, in sorted
--- order
---@return table controls what the object says of `ordering`, `select`, `limit`, `offset`, as given
function filter.read(object)
  local terms, controls = {}, {}
  for _, key in ipairs(tables.keys(object, "")) do
    local value = object[key]
    if CONTROLS[key] then
      controls[CONTROLS[key]] = value
    else
      terms[#terms + 1] = { key = key, node = tree.all(keyNodes(key, value, below("", key), 1)) }
    end
  end
  return terms, controls
end

return filter
