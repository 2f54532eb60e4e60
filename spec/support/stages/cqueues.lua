--- A stage for loopcases.lua: controllers of cqueues.

local cqueues = require "cqueues"

local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

-- The controller in which a case runs.
local controller

local stage = {
  loop = require "cloudblue.connect.loop.cqueues",
  sleep = cqueues.sleep,
  coroutines = true,
}

function stage.spawn(fn)
  controller:wrap(fn)
end

function stage.every(seconds, fn)
  local running = true
  controller:wrap(function()
    while running do
      cqueues.sleep(seconds)
      if running then fn() end
    end
  end)
  return function() running = false end
end

--- Runs main in a coroutine of a controller of its own, until that has nothing left.
function stage.run(main)
  local problem
  controller = cqueues.new()
  controller:wrap(function()
    local ok, raised = xpcall(main, debug.traceback)
    if not ok then problem = raised end
  end)
  assert(controller:loop(60 * SLOWNESS))
  assert(not problem, problem)
  assert(controller:empty(), "the controller has coroutines left")
end

return stage
