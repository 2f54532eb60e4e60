--- Telling lists from objects: JSON knows the difference, a Lua table does not.

local list = {}

--- The number of entries of a list; nil for a table that is none (other keys, or a hole).
---@param value table
---@return integer? length 0 for the empty table, which may be a list or an object
function list.length(value)
  local count = 0
  for _ in next, value do count = count + 1 end
  for index = 1, count do
    if rawget(value, index) == nil then return nil end
  end
  return count
end

return list
