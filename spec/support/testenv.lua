--- The surroundings of the core in a spec's hands: pauses are over at once, and the clock jumps over them.
---
---     local time <close> = testenv.start { random = { 0 } }   -- before the client is made
---     ... calls with retries ...
---     time.pauses()                                           -- {0.25, 0.5, 1}, in seconds

-- The module lies in the folder where the one under test was built.
local core = assert(package.searchpath("cloudblue.connect.core", package.cpath))
local path = core:gsub("/lib/cloudblue/connect/core%.so$", "/spec/testenv.so")
local open, problem = package.loadlib(path, "luaopen_testenv")
local native = assert(open, "not built (make core-tests): " .. tostring(problem))()

local testenv = {}

---@class TestEnv
---@field pauses fun(): number[] the pauses of calls since the start, in seconds by that clock
---@field clock fun(): number what the clock shows, in seconds; it starts at 1000
---@field pass fun(seconds: number) moves the clock
---From now on, `count` waits from the `first` on fail, or are interrupted by a signal. Returns how many there were
---since the last time.
---@field breakWaits fun(first: integer, count: integer, interrupted: boolean?): integer
local TestEnv = {
  pauses = native.pauses, clock = native.clock, pass = native.pass, breakWaits = native.breakWaits, stop = native.stop,
}
TestEnv.__index = TestEnv
TestEnv.__close = native.stop

--- Takes over: clients made from now on live in these surroundings. One at a time.
---@param options {random: number[]?, wall: number?, hurry: number?}? random: numbers in [0, 1) given out in turn
--- (0.5); wall: the date in seconds since the epoch (the real one); hurry: seconds that pass at once where a wait for
--- sockets has brought nothing for a few milliseconds (more, if that goes on), so that pauses beside calls in flight
--- take next to no time either
---@return TestEnv
function testenv.start(options)
  native.start(options or {})
  return setmetatable({}, TestEnv)
end

return testenv
