--- A stage for loopcases.lua: a host whose scripts are coroutines, and whose sleep suspends the one that calls it.

local timers = require "spec.support.stages.timers"

local scripts = 0

local function resume(thread)
  assert(coroutine.resume(thread))
  if coroutine.status(thread) == "dead" then scripts = scripts - 1 end
end

local stage = { every = timers.every }

function stage.sleep(seconds)
  local thread = coroutine.running()
  timers.after(seconds, function() resume(thread) end)
  coroutine.yield()
end

function stage.spawn(fn)
  scripts = scripts + 1
  resume(coroutine.create(fn))
end

stage.loop = require "cloudblue.connect.loop.polling"(stage.sleep)

--- Runs main as a script, until none is left.
function stage.run(main)
  local problem
  stage.spawn(function()
    local ok, raised = xpcall(main, debug.traceback)
    if not ok then problem = raised end
  end)
  while scripts > 0 do timers.round() end
  assert(not problem, problem)
end

return stage
