--- A stage for loopcases.lua: a script of examples/host_poll.c, which has these as globals.
-- luacheck: globals loop spawn sleep

local stage = { loop = loop, spawn = spawn, sleep = sleep, coroutines = true }

function stage.every(seconds, fn)
  local running = true
  spawn(function()
    while running do
      sleep(seconds)
      if running then fn() end
    end
  end)
  return function() running = false end
end

return stage
