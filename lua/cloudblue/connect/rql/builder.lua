--- Filters that read like Lua.
--
--   R.status:eq("approved") & R.asset.external_uid:oneOf { "a", "b" } | ~R.closed_at:isNull()
--
-- `&` binds more strongly than `|`, and `~` more strongly than both, as everywhere in Lua. (`and`, `or` and
-- `not` cannot be used: Lua does not let a library have them.) Every name below R is a field, every object
-- is immutable, and `tostring` of a condition is its query.
--
-- A text is always a text here: R.name:eq("null()") looks for these six characters, and null is
-- `isNull()` or `eq(connect.null)`.

local null = require("cjson").null
local list = require "cloudblue.connect.rql.list"
local text = require "cloudblue.connect.rql.text"
local tree = require "cloudblue.connect.rql.tree"

local builder = {}

-- What the objects stand for is kept beside them, so that nobody can change it.
local fieldNames = setmetatable({}, { __mode = "k" })
local conditionNodes = setmetatable({}, { __mode = "k" })

local function describe(value)
  if fieldNames[value] then return "field " .. fieldNames[value] .. " without a comparison" end
  return type(value)
end

local function immutable()
  error("fields and conditions of connect.R cannot be changed", 2)
end

---@class cloudblue.connect.Condition
---@operator band(cloudblue.connect.Condition): cloudblue.connect.Condition
---@operator bor(cloudblue.connect.Condition): cloudblue.connect.Condition
---@operator bnot: cloudblue.connect.Condition
local Condition = { __name = "cloudblue.connect.Condition", __metatable = false, __newindex = immutable }

local function newCondition(node)
  local condition = setmetatable({}, Condition)
  conditionNodes[condition] = node
  return condition
end

local function operand(value, operator)
  local node = value ~= nil and conditionNodes[value]
  if not node then error(("bad operand of '%s' (condition expected, got %s)"):format(operator, describe(value)), 3) end
  return node
end

function Condition.__band(left, right)
  return newCondition(tree.all { operand(left, "&"), operand(right, "&") })
end

function Condition.__bor(left, right)
  return newCondition(tree.any { operand(left, "|"), operand(right, "|") })
end

function Condition.__bnot(condition)
  return newCondition(tree.negate(operand(condition, "~")))
end

function Condition.__tostring(condition)
  return tree.write(conditionNodes[condition])
end

-- Where the caller of a method stands, seen from `argumentError` and `nameOf`.
local CALLER = 4

local function argumentError(method, problem)
  error(("bad argument #1 to '%s' (%s)"):format(method, problem), CALLER)
end

local function nameOf(field, method)
  local name = field ~= nil and fieldNames[field]
  if not name then error(("bad self of '%s' (call it with a colon: R.field:%s)"):format(method, method), CALLER) end
  return name
end

local function oneValue(name, field, method, written, problem)
  local fieldName = nameOf(field, method)
  if not written then argumentError(method, problem) end
  return newCondition(tree.leaf(name .. "(" .. fieldName .. "," .. written .. ")"))
end

local function ordered(value)
  if value == null then return nil, "null has no order" end
  return text.value(value, false)
end

local function manyValues(name, field, method, values)
  local fieldName = nameOf(field, method)
  if type(values) ~= "table" or not list.length(values) then
    argumentError(method, "list expected, got " .. type(values))
  end
  local words = {}
  for index, value in ipairs(values) do
    local written, problem = text.value(value, false)
    if not written then argumentError(method, ("entry %d: %s"):format(index, problem)) end
    words[index] = written
  end
  if #words == 0 then argumentError(method, "the list is empty") end
  return newCondition(tree.leaf(name .. "(" .. fieldName .. ",(" .. table.concat(words, ",") .. "))"))
end

---@alias cloudblue.connect.rql.Value string|number|boolean|userdata

---@class cloudblue.connect.Field
local methods = {}

--- The field has this value. `connect.null` stands for null.
---@param value cloudblue.connect.rql.Value
---@return cloudblue.connect.Condition
function methods:eq(value)
  return (oneValue("eq", self, "eq", text.value(value, false)))
end

--- The field has another value.
---@param value cloudblue.connect.rql.Value
---@return cloudblue.connect.Condition
function methods:ne(value)
  return (oneValue("ne", self, "ne", text.value(value, false)))
end

--- The field is greater than the value; dates are texts in ISO 8601.
---@param value string|number
---@return cloudblue.connect.Condition
function methods:gt(value)
  return (oneValue("gt", self, "gt", ordered(value)))
end

--- The field is at least the value.
---@param value string|number
---@return cloudblue.connect.Condition
function methods:ge(value)
  return (oneValue("ge", self, "ge", ordered(value)))
end

--- The field is less than the value.
---@param value string|number
---@return cloudblue.connect.Condition
function methods:lt(value)
  return (oneValue("lt", self, "lt", ordered(value)))
end

--- The field is at most the value.
---@param value string|number
---@return cloudblue.connect.Condition
function methods:le(value)
  return (oneValue("le", self, "le", ordered(value)))
end

--- The field has one of the values.
---@param values cloudblue.connect.rql.Value[] at least one
---@return cloudblue.connect.Condition
function methods:oneOf(values)
  return (manyValues("in", self, "oneOf", values))
end

--- The field has none of the values.
---@param values cloudblue.connect.rql.Value[] at least one
---@return cloudblue.connect.Condition
function methods:noneOf(values)
  return (manyValues("out", self, "noneOf", values))
end

--- The field holds the text somewhere. Stars and backslashes in it stand for themselves.
---@param value string not empty
---@return cloudblue.connect.Condition
function methods:like(value)
  return (oneValue("like", self, "like", text.likeValue(value)))
end

--- As `like`, whatever the case of the letters.
---@param value string not empty
---@return cloudblue.connect.Condition
function methods:ilike(value)
  return (oneValue("ilike", self, "ilike", text.likeValue(value)))
end

--- The field is null.
---@return cloudblue.connect.Condition
function methods:isNull()
  return (oneValue("eq", self, "isNull", text.NULL))
end

--- The field is the empty text.
---@return cloudblue.connect.Condition
function methods:isEmpty()
  return (oneValue("eq", self, "isEmpty", text.EMPTY))
end

local Field = { __name = "cloudblue.connect.Field", __metatable = false, __newindex = immutable }

local function newField(name)
  if not text.isName(name) then error(("%q is not a field's name"):format(tostring(name)), 3) end
  local field = setmetatable({}, Field)
  fieldNames[field] = name
  return field
end

function Field.__index(field, key)
  local method = methods[key]
  if method then return method end
  if type(key) ~= "string" then error("a field's name is a string, got " .. type(key), 2) end
  return (newField(fieldNames[field] .. "." .. key))
end

function Field.__tostring(field)
  return fieldNames[field]
end

local function operatorOnField(field, other)
  error(("a field needs a comparison before it is joined: R.%s:eq(…)"):format(
    fieldNames[field] or fieldNames[other]), 2)
end
Field.__band, Field.__bor, Field.__bnot = operatorOnField, operatorOnField, operatorOnField

--- The start of every condition: `R.name`, `R.outer.inner`, or `R["outer.inner"]` and `R("outer.inner")`, which
--- also reach a field named as a method (`R["outer.eq"]`).
---@class cloudblue.connect.R
---@field [string] cloudblue.connect.Field
builder.R = setmetatable({}, {
  __name = "cloudblue.connect.R",
  __metatable = false,
  __newindex = immutable,
  __index = function(_, name) return (newField(name)) end,
  __call = function(_, name) return (newField(name)) end,
  __tostring = function() return "connect.R" end,
})

--- The tree of a condition; nil for anything else.
---@param value any
---@return cloudblue.connect.rql.Node?
function builder.node(value)
  return value ~= nil and conditionNodes[value] or nil
end

--- Whether the value is R, one of its fields or one of its conditions.
---@param value any
---@return boolean
function builder.isObject(value)
  return value ~= nil and (value == builder.R or fieldNames[value] ~= nil or conditionNodes[value] ~= nil)
end

return builder
