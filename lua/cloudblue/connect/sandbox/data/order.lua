--- Puts API objects into an order.

local fields = require "cloudblue.connect.sandbox.data.fields"

local order = {}

--- Whether a value comes before another one: null comes last.
local function before(a, b)
  if a == nil or b == nil then
    return a ~= nil
  elseif type(a) ~= type(b) then
    return type(a) == "number"
  end
  return a < b
end

--- What an object is sorted by: the values of its keys, and the numbers that decide where those are equal.
local function rowOf(object, keys, draw, hidden)
  local row = { object = object, draw = draw() }
  for index, key in ipairs(keys) do
    row[index] = fields.value(object, key.field, hidden)
  end
  return row
end

--- Sorts objects. What is equal in all keys comes in the order of the numbers that `draw` returns.
---@param objects table[]
---@param keys table[] {{field=, minus=}, ...}, the first counts most
---@param draw fun(): integer
---@param hidden fun(object: table, name: string): any returns what the objects do not show
---@return table[] sorted
function order.sorted(objects, keys, draw, hidden)
  local rows, sorted = {}, {}
  for number, object in ipairs(objects) do
    rows[number] = rowOf(object, keys, draw, hidden)
    rows[number].number = number
  end
  table.sort(rows, function(a, b)
    for index, key in ipairs(keys) do
      if a[index] ~= b[index] then
        return before(a[index], b[index]) ~= key.minus
      end
    end
    if a.draw ~= b.draw then
      return a.draw < b.draw
    end
    return a.number < b.number
  end)
  for number, row in ipairs(rows) do
    sorted[number] = row.object
  end
  return sorted
end

return order
