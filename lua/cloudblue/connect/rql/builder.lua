--- Filters that read like Lua.
--
--   R.status:eq("approved") & R.asset.external_uid:oneOf { "a", "b" } | ~R.closed_at:isNull()
--
-- `&` binds more strongly than `|`, and `~` more strongly than both, as everywhere in Lua. (`and`, `or` and
-- `not` can't be used: Lua does not let a library have them.) Every name below R is a field, every object
-- is immutable, and `tostring` of a condition is its query. The methods and the types are described in meta.lua.
--
-- A text is always a text here: R.name:eq("null()") looks for these six characters, and null is
-- `isNull()` or `eq(connect.null)`. The empty text is RQL's `empty()`: `isEmpty()` or `eq("")`.

local misuse = require "cloudblue.connect.misuse"
local refusal = require "cloudblue.connect.rql.refusal"
local tables = require "cloudblue.connect.rql.tables"
local text = require "cloudblue.connect.rql.text"
local tree = require "cloudblue.connect.rql.tree"

local builder = {}

-- What the objects stand for is kept outside of them, so that it can't be changed.
local fieldNames = setmetatable({}, { __mode = "k" })
local conditionNodes = setmetatable({}, { __mode = "k" })

local function describe(value)
  if fieldNames[value] then return "field " .. fieldNames[value] .. " without a comparison" end
  return tables.describe(value)
end

local function immutable()
  error("fields and conditions of connect.R can't be changed", 2)
end

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

-- Where the caller of a method stands, seen from `comparison`.
local CALLER = 3

-- Names that the service takes for the page, wherever they stand, and for no condition.
local NO_FIELDS = { limit = true, offset = true }

-- The condition that a method makes of its argument.
local function comparison(name, field, method, writer, value)
  local fieldName = field ~= nil and fieldNames[field]
  if not fieldName then
    error(("bad self of '%s' (call it with a colon: R.field:%s)"):format(method, method), CALLER)
  end
  if NO_FIELDS[fieldName] then error(fieldName .. " is an option beside the filter, and no field", CALLER) end
  local written, problem = refusal.catch(writer, value, false, "")
  if not written then misuse.argument(method, 1, problem, CALLER) end
  return newCondition(tree.leaf(name .. "(" .. fieldName .. "," .. written .. ")"))
end

local function listing(values)
  local words = {}
  for index, value in tables.entries(values, "") do
    words[index] = text.value(value, false, "entry " .. index)
  end
  return "(" .. table.concat(words, ",") .. ")"
end

local function wordNull() return text.NULL end

local function wordEmpty() return text.EMPTY end

-- What a method writes: the operator of RQL, and what its argument becomes, where it has one (`arguments`).
local METHODS = {
  eq = { "eq", text.value },
  ne = { "ne", text.value },
  gt = { "gt", text.ordered },
  ge = { "ge", text.ordered },
  lt = { "lt", text.ordered },
  le = { "le", text.ordered },
  oneOf = { "in", listing },
  noneOf = { "out", listing },
  like = { "like", text.pattern },
  ilike = { "ilike", text.pattern },
  isNull = { "eq", wordNull, arguments = 0 },
  isEmpty = { "eq", wordEmpty, arguments = 0 },
}

local methods = {}

for method, how in next, METHODS do
  local name, writer = how[1], how[2]
  methods[method] = function(field, value, ...)
    if how.arguments == 0 then misuse.more(method, 0, 2, value) end
    misuse.more(method, 1, 2, ...)
    return (comparison(name, field, method, writer, value)) -- no tail call, which would lose the caller's place
  end
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
---@type cloudblue.connect.R
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
