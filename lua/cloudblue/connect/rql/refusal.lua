--- How misuse is refused in these modules: raised where it is found, however deep in a table, and caught in the two
--- places that know which argument it was: the methods of connect.R (rql/builder), and the reading of a filter and its
--- options (rql.lua).

local refusal = {}

local Refusal = {}

--- Raises: the value at `path` can't be written.
---@param path string where in the argument, e.g. `status.$not[2]`; empty for the argument itself
---@param problem string
function refusal.raise(path, problem)
  error(setmetatable({ message = path == "" and problem or (path .. ": " .. problem) }, Refusal), 0)
end

--- Calls a function and catches what it refuses; every other error goes on unchanged.
---@param work function
---@return any result, string? problem result is nil where there is a problem
function refusal.catch(work, ...)
  local done, result = pcall(work, ...)
  if done then return result end
  if getmetatable(result) == Refusal then return nil, result.message end
  error(result, 0)
end

return refusal
