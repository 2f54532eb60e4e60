--- How a filter that cannot be written is refused: raised where the fault is found, deep in a table, and caught
--- once at the module's door, which knows whose argument it was.

local refusal = {}

local Refusal = {}

--- Raises: the value at `path` cannot be written.
---@param path string where in the argument, e.g. `status.$not[2]`; empty for the argument itself
---@param problem string
function refusal.raise(path, problem)
  error(setmetatable({ message = path == "" and problem or (path .. ": " .. problem) }, Refusal), 0)
end

--- Raises unless there is a value; takes what a function gave that returns nil and the problem.
---@generic T
---@param path string
---@param value T?
---@param problem string?
---@return T value
function refusal.check(path, value, problem)
  if value == nil then refusal.raise(path, problem) end
  return value
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
