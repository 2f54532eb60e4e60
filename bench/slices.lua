-- How a program of a row does its things: as many as its last argument says, or, where that is "-", as bench/slices.c
-- asks it, slice by slice.

local slices = {}

--- Whether a program with that count works slice by slice: it writes nothing of its own then.
---@param count string a number, or "-"
---@return boolean
function slices.asked(count) return count == "-" end

--- Calls fn with the numbers of the first and the last of the things to be done, from 1.
---@param count string a number, or "-"
---@param fn fun(first: integer, last: integer)
function slices.run(count, fn)
  if not slices.asked(count) then return fn(1, tonumber(count)) end
  local done = 0
  for line in io.lines() do
    local last = done + tonumber(line)
    fn(done + 1, last)
    done = last
    print()
    io.stdout:flush()
  end
end

return slices
