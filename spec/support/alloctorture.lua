-- Runs spec/torture/alloc.lua in a process of its own, because libcurl takes its memory functions once.

local alloctorture = {}

-- The interpreter that runs this, without its options.
local function interpreter()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return arg[first]
end

--- Tries public calls while memory ends.
---@param every integer try allocation 1, 1 + every, …
---@return boolean passed
---@return integer points how many allocation points were tried
---@return string report what went wrong
function alloctorture.run(every)
  local command = ("LSAN_OPTIONS=suppressions=spec/torture/lsan.supp %s spec/torture/alloc.lua %d 2>&1"):format(
    interpreter(), every)
  local pipe = assert(io.popen(command))
  local points, report = 0, {}
  for line in pipe:lines() do
    points = tonumber(line:match "^# (%d+) allocation points tried") or points
    if not line:find "^ok " then report[#report + 1] = line end
  end
  local passed = pipe:close()
  return passed == true, points, table.concat(report, "\n")
end

return alloctorture
