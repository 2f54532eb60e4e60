--- Tables from the caller: lists and objects, which are two types in JSON and one in Lua.
--
-- A table is read as it stands. What its metatable would add to it (__index, __pairs) can't all be seen, and a
-- condition that is overlooked makes the list longer; such a table is refused.

local refusal = require "cloudblue.connect.rql.refusal"

local tables = {}

--- What a value is called in messages: JSON null is no userdata to the caller.
---@param value any
---@return string
function tables.describe(value)
  return value == tables.null and "null" or type(value)
end

--- JSON null.
tables.null = require("cjson").null

--- The number of entries of a list; nil for a table that is none: one with other keys, with a hole, or with entries
--- that only its metatable has.
---@param value table
---@return integer? length 0 for the empty table, which may be a list or an object
function tables.length(value)
  local count = 0
  for _ in next, value do count = count + 1 end
  for index = 1, count do
    if rawget(value, index) == nil then return nil end
  end
  return value[count + 1] == nil and count or nil
end

--- Raises a refusal for an object whose metatable may hold more than can be seen.
---@param value table
---@param path string
function tables.checkPlain(value, path)
  local meta = getmetatable(value)
  if meta == nil then return end
  if type(meta) ~= "table" or rawget(meta, "__index") ~= nil or rawget(meta, "__pairs") ~= nil then
    refusal.raise(path, "a table whose metatable may hold more than can be seen; a plain table expected")
  end
end

--- The keys of an object, sorted. Raises a refusal for a table with other keys than strings.
---@param value table
---@param path string
---@return string[]
function tables.keys(value, path)
  tables.checkPlain(value, path)
  local keys = {}
  for key in next, value do
    if type(key) ~= "string" then
      refusal.raise(path, "a list where an object was expected; put it under $and or $or, or, for values, $in")
    end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

--- The entries of a list, for a loop. Raises a refusal for what is no list, and for a list without entries.
---@param value any
---@param path string
---@return fun(list: table, index: integer): integer?, any
---@return table
---@return integer
function tables.entries(value, path)
  local length = type(value) == "table" and tables.length(value)
  if not length then refusal.raise(path, "a list expected, got " .. tables.describe(value)) end
  if length == 0 then refusal.raise(path, "an empty list; left out, the filter would match everything") end
  return ipairs(value)
end

return tables
