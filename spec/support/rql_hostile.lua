--- Random filters with hostile values, each with what it means, for spec/rql_random_spec.lua and the torture.
--
-- What a filter means is worked out beside it and not from its query: a tree as spec/support/rqlreader.lua gives,
-- or nothing where the filter must be refused.

local queries = require "spec.support.queries"
local reader = require "spec.support.rqlreader"
local rql = require "cloudblue.connect.rql"
local sandboxRql = require "cloudblue.connect.sandbox.data.rql"

local null = require("cjson").null
local random = math.random

local hostile = {}

local PIECES = {
  "a", "UR-1", "approved", " ", ",", "(", ")", "))", "&", "=", "|", ";", "#", "%", "%22", "%2", "+", "?", "/", ":", "@",
  "'", '"', "''", "\\", "\\\\", "*", "**", "\\*", "t", "null()", "empty()", "eq(a,b)", ")&eq(x,y", "or", "not(",
  "limit=1", "é", "текст", "日本", "😀", "2024-01-31T10:00:00+03:00", "-", ".", "~", "true", "0", "1e5", "\n", "\t",
  "\0", "\127", "\xFF", "\xC3", "\xED\xA0\x80", "\xE2\x80\xA8", "<script>", "$eq", "\"&a=\"", "'&a='",
}
local FIELDS = {
  "id", "status", "asset.external_uid", "eq", "not", "or", "in", "like", "ordering", "limit2", "a-b", "x_1",
}
local BAD_FIELDS = { "", "1a", "a b", "a)", "a=b", "é", "a,b", "$", "$$or", "t", "a&b", " a", "a\n", "-a", "a'", "(a" }
local NUMBERS = {
  0, 1, -1, 0.1, -0.0, 1 / 3, 1e15, 1e16, 2 ^ 53, 2 ^ 53 + 2.0, 2 ^ 63, -2 ^ 63, 1e20, 1e100, 1.7976931348623157e308,
  5e-324, 2.2250738585072014e-308, 1e-7, math.maxinteger, math.mininteger, 1 / 0, -1 / 0, 0 / 0,
}

local function pick(list) return list[random(#list)] end

local function randomText()
  local pieces = {}
  for index = 1, random(3) == 1 and random(8) or random(2) do pieces[index] = pick(PIECES) end
  return table.concat(pieces)
end

local function randomNumber()
  local kind = random(4)
  if kind == 1 then return pick(NUMBERS) end
  if kind == 2 then return random(0) end
  if kind == 3 then return string.unpack("d", string.pack("j", random(0))) end
  return (random() - 0.5) * 10 ^ random(-20, 20)
end

-- A number's meaning is the number, however it is written.
local function numberMeaning(number)
  return math.tointeger(number) and ("%d"):format(number) or ("%a"):format(number)
end

-- Numbers are asked of these fields only, so that a text that looks like a number stays a text.
local NUMBER_FIELDS = { amount = true, ["item.price"] = true }

local function canCarry(text)
  local bothQuotes = text:find('"', 1, true) and text:find("'", 1, true)
  return utf8.len(text) and not text:find("[%c]") and not bothQuotes
end

local function textMeaning(text, isBuilder)
  if text == "" then return reader.EMPTY end
  if not isBuilder and text == "null()" then return reader.NULL end
  if not isBuilder and text == "empty()" then return reader.EMPTY end
  return canCarry(text) and text ~= "empty()" and text or nil
end

--- A value for a field of the kind.
---@return any value
---@return any meaning nil where it must be refused
local function randomValue(isNumber, isBuilder)
  if isNumber then
    local number = randomNumber()
    local finite = number == number and number ~= 1 / 0 and number ~= -1 / 0
    return number, finite and numberMeaning(number) or nil
  end
  local kind = random(12)
  if kind == 1 then return true, "true" end
  if kind == 2 then return null, reader.NULL end
  local text = randomText()
  return text, textMeaning(text, isBuilder)
end

local function randomField()
  if random(4) == 1 then return pick { "amount", "item.price" }, true, true end
  if random(60) == 1 then return pick(BAD_FIELDS), false, false end
  return pick(FIELDS), true, false
end

local function randomList(isNumber, isBuilder)
  local values, meanings = {}, {}
  repeat
    local value, meaning = randomValue(isNumber, isBuilder)
    values[#values + 1] = value
    meanings[#meanings + 1] = meaning
  until random(2) == 1
  return values, #meanings == #values and meanings or nil
end

local COMPARISONS = { "eq", "ne", "gt", "ge", "lt", "le" }
local ORDERS = { gt = true, ge = true, lt = true, le = true }

-- null and the empty text have no order.
local function comparisonTree(name, field, meaning)
  if meaning == nil or ORDERS[name] and (meaning == reader.NULL or meaning == reader.EMPTY) then return nil end
  return { name, field, meaning }
end

local SDK_NAMES = { ge = "$gte", le = "$lte" }

local function pattern(text) return reader.ANY .. text .. reader.ANY end

-- A comparison in the SDK's form: field, operators, tree (nil where it must be refused).
local function sdkComparison()
  local field, isName, isNumber = randomField()
  local kind = random(4)
  if kind == 1 then
    local name = pick { "in", "out" }
    local values, meanings = randomList(isNumber, false)
    return field, { ["$" .. name] = values }, isName and meanings and { name, field, table.unpack(meanings) } or nil
  end
  local value, meaning = randomValue(isNumber, false)
  if kind == 2 and type(value) == "string" then
    local name = pick { "like", "ilike" }
    local tree = isName and value ~= "" and canCarry(value) and { name, field, pattern(value) } or nil
    return field, { ["$" .. name] = value }, tree
  end
  local name = pick(COMPARISONS)
  return field, { [SDK_NAMES[name] or "$" .. name] = value }, isName and comparisonTree(name, field, meaning) or nil
end

-- A field set to a value, without an operator.
local function sdkEquation()
  local field, isName, isNumber = randomField()
  local value, meaning = randomValue(isNumber, false)
  return field, value, isName and comparisonTree("eq", field, meaning) or nil
end

-- What says nothing where a condition should stand. It must be refused.
local function nothing() return pick { {}, null, "" } end

local function sdkFilter(depth)
  local kind = depth > 0 and random(5) or 1
  if kind == 1 then
    local field, value, tree = sdkEquation()
    return { [field] = value }, tree
  end
  if kind == 2 then
    local field, operators, tree = sdkComparison()
    return { [field] = operators }, tree
  end
  if kind == 3 then
    local field, operators, tree = sdkComparison()
    if random(40) == 1 then return { [field] = { ["$not"] = nothing() } }, nil end
    return { [field] = { ["$not"] = random(2) == 1 and operators or { operators } } }, tree and { "not", tree }
  end
  local name = kind == 4 and "and" or "or"
  local list, tree = {}, { name }
  for index = 1, random(3) do
    local part
    list[index], part = sdkFilter(depth - 1)
    tree = tree and part and table.move({ part }, 1, 1, #tree + 1, tree)
  end
  if random(40) == 1 then list[random(#list + 1)], tree = nothing(), nil end
  if random(40) == 1 then list, tree = {}, nil end
  return { ["$" .. name] = list }, tree
end

local METHODS = { ["in"] = "oneOf", out = "noneOf" }

-- The builder raises at the method already, so a condition is made by a function.
local function builderComparison(R)
  local field, isName, isNumber = randomField()
  local kind = random(5)
  if kind == 1 then
    local name = pick { "in", "out" }
    local values, meanings = randomList(isNumber, true)
    local tree = isName and meanings and { name, field, table.unpack(meanings) } or nil
    return function() return R[field][METHODS[name]](R[field], values) end, tree
  end
  local value, meaning = randomValue(isNumber, true)
  if kind == 2 and type(value) == "string" then
    local name = pick { "like", "ilike" }
    local tree = isName and value ~= "" and canCarry(value) and { name, field, pattern(value) } or nil
    return function() return R[field][name](R[field], value) end, tree
  end
  local name = pick(COMPARISONS)
  return function() return R[field][name](R[field], value) end,
    isName and comparisonTree(name, field, meaning) or nil
end

local function builderCondition(R, depth)
  local kind = depth > 0 and random(4) or 1
  if kind == 1 then return builderComparison(R) end
  local left, leftTree = builderCondition(R, depth - 1)
  if kind == 2 then return function() return ~left() end, leftTree and { "not", leftTree } end
  local right, rightTree = builderCondition(R, depth - 1)
  local both = leftTree and rightTree
  if kind == 3 then return function() return left() & right() end, both and { "and", leftTree, rightTree } end
  return function() return left() | right() end, both and { "or", leftTree, rightTree }
end

--- The next random filter.
---@param R table where conditions start
---@return fun(): table make gives the filter, or raises where it cannot be made
---@return table? tree what it means; nil where it must be refused
function hostile.filter(R)
  if random(2) == 1 then return builderCondition(R, random(0, 4)) end
  local filter, tree = sdkFilter(random(0, 4))
  return function() return filter end, tree
end

--- A tree with every number written in one way.
---@param tree table
---@return table
function hostile.evenNumbers(tree)
  local even = {}
  for index, part in ipairs(tree) do
    local isValue = index > 2 and NUMBER_FIELDS[tree[2]]
    local number = isValue and type(part) == "string" and tonumber(part)
    even[index] = type(part) == "table" and next(part) and hostile.evenNumbers(part)
      or number and numberMeaning(number) or part
  end
  return even
end

local function meaning(tree) return reader.meaning(hostile.evenNumbers(tree)) end

-- One filter: true where it was written and reads back as the same, false where it was refused as it must be; raises
-- otherwise.
local function tryOne()
  local make, tree = hostile.filter(rql.R)
  local done, query = pcall(function() return (queries.encode(make())) end)
  assert((tree ~= nil) == done, (done and "not refused: " or "refused: ") .. tostring(query))
  if done then
    local back = assert(reader.read(query))
    assert(meaning(tree) == meaning(back), "read back as another one: " .. query)
    assert(sandboxRql.parse(reader.decode(query)))
  else
    local isMisuse = query:find("bad argument #1 ", 1, true) or query:find("is not a field's name", 1, true)
    assert(isMisuse, "no misuse: " .. query)
  end
  return done
end

--- Tries so many random filters, each of which is written and reads back as the same, or is refused where it must be.
--- Raises, with the seed that shows it again, where one does not.
---@param runs integer
---@param seed integer of the first; every filter has its own, one more than the one before
---@return integer written how many were written; the others were refused
function hostile.many(runs, seed)
  local written = 0
  for run = seed, seed + runs - 1 do
    math.randomseed(run)
    local ok, result = pcall(tryOne)
    if not ok then error(("%s\n  again: RQL_SEED=%d RQL_RUNS=1"):format(tostring(result), run), 0) end
    written = written + (result and 1 or 0)
  end
  return written
end

return hostile
