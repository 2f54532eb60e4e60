--- Argument errors of the functions that are written in Lua, in the words of those in C (cbl_aux.h).

local misuse = {}

--- Raises "bad argument #1 to 'all' (…)".
---@param method string
---@param position integer of the argument; the object of a method is not counted
---@param problem string
---@param level integer whose place the message gets, as for `error`, seen from the function that calls this
function misuse.argument(method, position, problem, level)
  error(("bad argument #%d to '%s' (%s)"):format(position, method, problem), level + 1)
end

--- Raises where a value stands behind the last argument.
---@param method string
---@param last integer how many arguments there are
---@param level integer see `misuse.argument`
---@param ... any what stands behind them
function misuse.more(method, last, level, ...)
  for index = 1, select("#", ...) do
    local value = select(index, ...)
    if value ~= nil then
      misuse.argument(method, last + index, "one argument too many: a " .. type(value), level + 1)
    end
  end
end

return misuse
