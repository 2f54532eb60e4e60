--- A stage for loopcases.lua: libuv's loop.

local uv = require "luv"

local stage = { loop = require "cloudblue.connect.loop.luv" }

function stage.spawn(fn)
  coroutine.wrap(fn)()
end

function stage.every(seconds, fn)
  local timer = uv.new_timer()
  local period = math.ceil(seconds * 1000)
  timer:start(period, period, fn)
  return function() timer:close() end
end

function stage.sleep(seconds)
  local thread = coroutine.running()
  local timer = uv.new_timer()
  timer:start(math.ceil(seconds * 1000), 0, function()
    timer:close()
    assert(coroutine.resume(thread))
  end)
  coroutine.yield()
end

--- Runs main in a coroutine, until the loop has nothing left.
function stage.run(main)
  local ok, problem
  coroutine.wrap(function() ok, problem = xpcall(main, debug.traceback) end)()
  uv.run()
  assert(ok ~= nil, "the loop ended before")
  assert(ok, problem)
end

return stage
