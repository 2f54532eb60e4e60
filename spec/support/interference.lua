--- Lua code that runs in the middle of something else, where no other code expects it: in a debug hook, or in a
--- finalizer that the collector calls while memory is asked for.
---
---     local events = interference.count("call", records.close, records, ID)
---     local results = interference.at("call", 3, function() client:close() end, records.close, records, ID)
---     -- what pcall returned; nil where there was no third event

local interference = {}

-- Dead objects with finalizers that wait when the work begins; more than any work here meets.
local WAITING = 6000

--- In a debug hook for every event of a kind.
local function byHook(mask, count)
  return function(meddle, work, ...)
    local before, beforeMask, beforeCount = debug.gethook()
    local done, results = pcall(function(...)
      debug.sethook(meddle, mask, count)
      local results = table.pack(pcall(work, ...))
      debug.sethook(before, beforeMask, beforeCount)
      return results
    end, ...)
    if done then return results end
    debug.sethook(before, beforeMask, beforeCount)
    return table.pack(false, results) -- by an event right beside the work
  end
end

local function litter(meddle, live)
  local meta = { __gc = function() if live[1] then meddle() end end }
  for _ = 1, WAITING do setmetatable({}, meta) end
end

--- In finalizers. The collector has found many dead objects when the work begins, and at every allocation from then on
--- calls the finalizers of some more. (In steps of a large multiplier: each one asks for about as much as it pays for.)
local function byFinalizer(meddle, work, ...)
  local live, started = { false }, false
  collectgarbage()
  collectgarbage "stop"
  litter(function()
    started = true
    if live.working then meddle() end
  end, live)
  local mode, pause, multiplier = "incremental", 200, 100
  collectgarbage(mode, pause, 100, 1)
  live[1] = true
  repeat collectgarbage("step", 0) until started
  live.working = true
  collectgarbage "restart"
  local results = table.pack(pcall(work, ...))
  live[1] = false
  collectgarbage(mode, pause, multiplier, 13)
  collectgarbage()
  return results
end

local ways = {
  call = byHook "c",
  ["return"] = byHook "r",
  line = byHook "l",
  count = byHook("", 1),
  finalizer = byFinalizer,
}

--- The kinds of events, each with the step from one place in the work to the next: the collector calls finalizers in
--- groups of ten.
interference.kinds = { call = 1, ["return"] = 1, line = 1, count = 1, finalizer = 10 }

--- Does the work, and something else once in the middle of it.
---@param kind string see `interference.kinds`
---@param n integer at which event, from 1
---@param act fun() what is done there; an error in it is raised where it happens (in a finalizer: it is lost)
---@param work function
---@param ... any its arguments
---@return table? results what pcall(work, ...) returned, packed; nil where the work was over before
---@return table results the same, also where it was over before
function interference.at(kind, n, act, work, ...)
  local seen, happened = 0, false
  local function meddle()
    seen = seen + 1
    if seen ~= n then return end
    happened = true
    act()
  end
  local results = ways[kind](meddle, work, ...)
  return happened and results or nil, results
end

--- Does the work, and counts its events. Another time there may be more of them, or less.
---@param kind string
---@param work function
---@param ... any its arguments
---@return integer events
function interference.count(kind, work, ...)
  local seen = 0
  ways[kind](function() seen = seen + 1 end, work, ...)
  assert(kind ~= "finalizer" or seen < WAITING, "too much work for the finalizers that wait")
  return seen
end

--- Where to act in a work of so many events: at most `most` numbers, spread over it.
---@param kind string
---@param events integer
---@param most integer
---@return integer[]
function interference.places(kind, events, most)
  local list, step = {}, interference.kinds[kind]
  local stride = math.max(1, events // step // most)
  for n = 1, events, step * stride do list[#list + 1] = n end
  return list
end

return interference
