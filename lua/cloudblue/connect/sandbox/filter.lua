--- Evaluates an RQL tree (see rql.lua) on API objects.

local json = require "cloudblue.connect.sandbox.json"
local rql = require "cloudblue.connect.sandbox.rql"

local filter = {}

--- The member of an object that a path of names leads to; nil where it is null or absent.
---@param object table
---@param path string[]
---@return any
function filter.resolve(object, path)
  for _, name in ipairs(path) do
    if type(object) ~= "table" then
      return nil
    end
    object = object[name]
  end
  if object == json.null then
    return nil
  end
  return object
end

local ORDER = {
  gt = function(a, b) return a > b end,
  ge = function(a, b) return a >= b end,
  lt = function(a, b) return a < b end,
  le = function(a, b) return a <= b end,
}

--- A value of the query as what the field holds: a number, a boolean or a string.
local function typed(value, field)
  if field.kind == "number" then
    local number = tonumber(value)
    return number, not number and string.format("'%s' is not a number, as %s is", value, field.name)
  elseif field.kind == "boolean" then
    local known = value == "true" or value == "false"
    return value == "true", not known and string.format("'%s' is neither true nor false, as %s is", value, field.name)
  elseif field.kind then
    local article = field.kind == "object" and "an" or "a"
    return nil, string.format("%s is %s %s and can't be compared with a value", field.name, article, field.kind)
  end
  return value
end

--- A test for one value: equal to it, null, or empty.
local function equality(value, field)
  if value == rql.NULL then
    return function(actual) return actual == nil end
  elseif value == rql.EMPTY then
    return function(actual) return actual == "" end
  end
  local wanted, problem = typed(value, field)
  if problem then
    return nil, problem
  end
  return function(actual) return actual == wanted end
end

local function negated(test)
  return function(actual) return not test(actual) end
end

local function ordered(node, field)
  if type(node.value) ~= "string" then
    return nil, string.format("%s can't compare with %s", node.op, tostring(node.value))
  end
  local compare = ORDER[node.op]
  local wanted, problem = typed(node.value, field)
  if problem or type(wanted) == "boolean" then
    return nil, problem or string.format("%s can't compare %s", node.op, field.name)
  end
  return function(actual)
    return type(actual) == type(wanted) and compare(actual, wanted)
  end
end

--- A Lua pattern for a `like`: `*` stands for anything, `\*` for a star.
local function likePattern(text)
  local escaped = text:gsub("\\%*", "\0"):gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0"):gsub("%*", ".*")
  return "^" .. escaped:gsub("%z", "%%*") .. "$"
end

local function search(node, field)
  if type(node.value) ~= "string" then
    return nil, string.format("%s can't search for %s", node.op, tostring(node.value))
  elseif field.kind then
    return nil, string.format("%s can't search in %s, a %s", node.op, field.name, field.kind)
  end
  local fold = node.op == "ilike"
  local pattern = likePattern(fold and node.value:lower() or node.value)
  return function(actual)
    return type(actual) == "string" and (fold and actual:lower() or actual):find(pattern) ~= nil
  end
end

local function listing(node, field)
  local tests = {}
  for number, value in ipairs(node.values) do
    local test, problem = equality(value, field)
    if not test then
      return nil, problem
    end
    tests[number] = test
  end
  local function among(actual)
    for _, test in ipairs(tests) do
      if test(actual) then
        return true
      end
    end
    return false
  end
  return node.op == "in" and among or negated(among)
end

local function equal(node, field)
  local test, problem = equality(node.value, field)
  if test and node.op == "ne" then
    return negated(test)
  end
  return test, problem
end

--- op → function (node, field) → test of the field's value, or nil and what is wrong
local TESTS = {
  eq = equal, ne = equal, gt = ordered, ge = ordered, lt = ordered, le = ordered,
  like = search, ilike = search, ["in"] = listing, out = listing,
}

local compile

local function compileAll(node, fields)
  local tests = {}
  for number, term in ipairs(node) do
    local test, problem = compile(term, fields)
    if not test then
      return nil, problem
    end
    tests[number] = test
  end
  local untilFound = node.op == "or"
  return function(object)
    for _, test in ipairs(tests) do
      if test(object) == untilFound then
        return untilFound
      end
    end
    return not untilFound
  end
end

--- Makes a test for objects out of a tree.
---@param node table
---@param fields fun(name: string): table? the fields that exist: name → {name=, path=, kind=}
---@return (fun(object: table): boolean)|nil test
---@return string? problem
function compile(node, fields)
  if node.op == "and" or node.op == "or" then
    return compileAll(node, fields)
  elseif node.op == "not" then
    local test, problem = compile(node[1], fields)
    return test and negated(test), problem
  elseif not TESTS[node.op] then
    return nil, node.op .. " can't be part of another expression"
  end
  local field = fields(node.field)
  if not field then
    return nil, string.format("there is no field '%s' here", node.field)
  end
  local test, problem = TESTS[node.op](node, field)
  if field.constant then
    return test and function()
      return test(field.constant)
    end, problem
  end
  return test and function(object)
    return test(filter.resolve(object, field.path))
  end, problem
end
filter.compile = compile

--- Compares two values for an ordering: null comes last, numbers before strings.
local function before(a, b)
  if a == nil or b == nil then
    return a ~= nil
  elseif type(a) ~= type(b) then
    return type(a) == "number"
  elseif type(a) == "boolean" then
    return not a and b
  end
  return a < b
end

--- Sorts objects in place; objects that are alike keep their places.
---@param objects table[]
---@param keys table[] {{path=, minus=}, ...}, the first counts most
function filter.sort(objects, keys)
  local place = {}
  for number, object in ipairs(objects) do
    place[object] = number
  end
  table.sort(objects, function(a, b)
    for _, key in ipairs(keys) do
      local left, right = filter.resolve(a, key.path), filter.resolve(b, key.path)
      if left ~= right then
        return before(left, right) ~= key.minus
      end
    end
    return place[a] < place[b]
  end)
end

return filter
