--- A stage for loopcases.lua: Prosody, in a module of it.

local async = require "util.async"
local timer = require "util.timer"

local stage = {
  loop = require "cloudblue.connect.loop.prosody",
  sleep = async.sleep,
  coroutines = true,
}

function stage.spawn(fn)
  async.runner(fn):run(true)
end

function stage.every(seconds, fn)
  local running = true
  timer.add_task(seconds, function()
    if running then fn() end
    return running and seconds or nil
  end)
  return function() running = false end
end

return stage
