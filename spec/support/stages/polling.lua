--- A stage for loopcases.lua: a host that puts the whole program to sleep, whose coroutines the loop runs.

local cqueues = require "cqueues"
local timers = require "spec.support.stages.timers"

local loop = require "cloudblue.connect.loop.polling"(cqueues.sleep)

local stage = { loop = loop, every = timers.every, spawn = loop.spawn, coroutines = true }

function stage.sleep(seconds)
  local wakeUp = cqueues.monotime() + seconds
  while cqueues.monotime() < wakeUp do coroutine.yield() end
end

--- Runs main in a coroutine of the loop, until that has none left.
function stage.run(main)
  local problem
  loop.spawn(function()
    local ok, raised = xpcall(main, debug.traceback)
    if not ok then problem = raised end
  end)
  while loop.step() do timers.round() end
  assert(not problem, problem)
end

return stage
