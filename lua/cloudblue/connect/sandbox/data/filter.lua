--- Evaluates an RQL tree (see rql.lua) on API objects.

local fields = require "cloudblue.connect.sandbox.data.fields"
local moment = require "cloudblue.connect.sandbox.data.moment"
local rql = require "cloudblue.connect.sandbox.data.rql"

local filter = {}

local ORDER = {
  gt = function(a, b) return a > b end,
  ge = function(a, b) return a >= b end,
  lt = function(a, b) return a < b end,
  le = function(a, b) return a <= b end,
}

--- A value of the query as what the field holds.
local function typed(value, field)
  if field.isTime then
    local seconds = moment.read(value)
    return seconds, not seconds and string.format("'%s' is no date, as %s is", value, field.name)
  elseif field.values and not field.values[value] then
    return nil, string.format("'%s' is no %s", value, field.name)
  end
  return value
end

--- A test for one value: equal to it, null, or empty.
local function equality(value, field)
  if value == rql.NULL then
    local problem = not field.lookups.null and string.format("%s is never null", field.name)
    return not problem and function(actual) return actual == nil end, problem
  elseif value == rql.EMPTY then
    local problem = (field.isTime or field.values) and string.format("%s is never empty", field.name)
    return not problem and function(actual) return actual == "" end, problem
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
  if problem then
    return nil, problem
  end
  return function(actual)
    return type(actual) == type(wanted) and compare(actual, wanted)
  end
end

local LIKE = { ["*"] = ".*", ["\\*"] = "%*", ["\\\\"] = "%\\" }

--- A Lua pattern for a `like`: `*` stands for anything, `\*` for a star, `\\` for a backslash.
local function likePattern(text)
  return "^" .. text:gsub("\\?[^%w]", function(found)
    return LIKE[found] or found:gsub(".", "%%%0")
  end) .. "$"
end

local function search(node)
  if type(node.value) ~= "string" then
    return nil, string.format("%s can't search for %s", node.op, tostring(node.value))
  elseif node.value:gsub("\\[\\*]", "x"):find("**", 1, true) then
    return nil, string.format("%s can't search for two stars in a row", node.op)
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

local function compileAll(node, filters, hidden)
  local tests = {}
  for number, term in ipairs(node) do
    local test, problem = compile(term, filters, hidden)
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
---@param filters table<string, table> the filters that exist, see fields.lua
---@param hidden fun(object: table, name: string): any returns what the objects do not show
---@return (fun(object: table): boolean)|nil test
---@return string? problem
function compile(node, filters, hidden)
  if node.op == "and" or node.op == "or" then
    return compileAll(node, filters, hidden)
  elseif node.op == "not" then
    local test, problem = compile(node[1], filters, hidden)
    return test and negated(test), problem
  elseif not TESTS[node.op] then
    return nil, node.op .. " can't be part of another expression"
  end
  local field = filters[node.field]
  if not field then
    return nil, string.format("there is no filter '%s' here", node.field)
  elseif not field.lookups[node.op] then
    return nil, string.format("%s can't be asked of %s", node.op, node.field)
  end
  local test, problem = TESTS[node.op](node, field)
  return test and function(object)
    return test(fields.value(object, field, hidden))
  end, problem
end
filter.compile = compile

--- A tree without the conditions on filters that don't exist, as the service reads it: it leaves them
--- out wherever they stand, whatever they are part of.
---@param node table
---@param filters table<string, table>
---@return table? node nil where nothing is left
function filter.known(node, filters)
  if node.field then
    return filters[node.field] and node
  elseif not node[1] then
    return node
  end
  local kept = { op = node.op }
  for _, term in ipairs(node) do
    kept[#kept + 1] = filter.known(term, filters)
  end
  return kept[1] and kept
end

return filter
