--- Copies of data.

local copy = {}

--- A copy of plain values, nested tables included.
---@param value any
---@return any
function copy.values(value)
  if type(value) ~= "table" then
    return value
  end
  local made = {}
  for key, member in pairs(value) do
    made[key] = copy.values(member)
  end
  return made
end

--- A copy of objects: with their metatables, and what is one table in several places is one table there, too.
---@param value any
---@param copies table<table, table> what is copied to what: begins with what is not to be copied, and grows
---@return any
function copy.objects(value, copies)
  if type(value) ~= "table" then
    return value
  elseif not copies[value] then
    local made = setmetatable({}, getmetatable(value))
    copies[value] = made
    for key, member in next, value do
      made[copy.objects(key, copies)] = copy.objects(member, copies)
    end
  end
  return copies[value]
end

return copy
