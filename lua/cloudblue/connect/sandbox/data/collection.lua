--- An ordered collection of API objects, indexed by id.

local Collection = {}
Collection.__index = Collection

--- Makes a collection.
---@param objects table[]? API objects with an `id` each
---@return table collection
function Collection.new(objects)
  local self = setmetatable({ list = {}, byId = {} }, Collection)
  for _, object in ipairs(objects or {}) do
    self:add(object)
  end
  return self
end

--- Adds an object at the end.
---@param object table
---@return table object
function Collection:add(object)
  self.list[#self.list + 1] = object
  self.byId[object.id or object] = object
  return object
end

--- The object with this id.
---@param id string
---@return table? object
function Collection:get(id)
  return self.byId[id]
end

--- Takes an object out.
---@param id string
---@return table? object the one that was there
function Collection:remove(id)
  local object = self.byId[id]
  for index, candidate in ipairs(self.list) do
    if candidate == object then
      table.remove(self.list, index)
      self.byId[id] = nil
      return object
    end
  end
  return nil
end

--- How many objects there are.
---@return integer
function Collection:count()
  return #self.list
end

--- The objects at the positions offset+1 … offset+limit.
---@param offset integer
---@param limit integer
---@return table[] objects
function Collection:slice(offset, limit)
  return table.move(self.list, offset + 1, math.min(offset + limit, #self.list), 1, {})
end

--- Walks over the objects in order.
---@return fun(): table?
function Collection:each()
  local index = 0
  return function()
    index = index + 1
    return self.list[index]
  end
end

return Collection
