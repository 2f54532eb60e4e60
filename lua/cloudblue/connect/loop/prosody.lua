--- The loop of Prosody 0.12 and later, for `client:attach` in a module of it.
---
---     client:attach(require "cloudblue.connect.loop.prosody")
---
--- A call waits where `util.async` can wait: in a runner, as for stanzas, HTTP requests and the tasks of mod_cron. It
--- blocks elsewhere: in a timer, in an event outside of runners, in a coroutine of one's own inside of one.
---
--- It uses what all of Prosody's network backends (epoll, select, event) have alike.

local async = require "util.async"
local server = require "net.server"
local time = require "util.time"
local timer = require "util.timer"

-- Prosody's epoll backend runs its timers only when no descriptor is ready, and one with many calls in flight is ready
-- again and again. After so many seconds of that the watch pauses until the timers have run.
local TURN <const> = 0.005
local NEEDS_TURNS <const> = server.get_backend() == "epoll"

-- The runner of a coroutine is the first argument of its main function: util.async finds it there, too. A coroutine
-- without one was made by somebody else, and who resumed it would get what a wait yields to the runner.
local function inRunner(thread)
  local level = 0
  while debug.getinfo(thread, level, "l") do level = level + 1 end
  local _, runner = debug.getlocal(thread, level - 1, 1)
  return type(runner) == "table" and runner.thread == thread
end

local loop = {}

-- Calls a function of a watch, and lets the timers have their turn.
local function fair(onReadable)
  local began, resting
  return function(handle)
    if not began then
      began = time.monotonic()
      timer.add_task(0, function()
        began = nil
        if resting and not handle.ended then handle:setflags(true) end
        resting = false
      end)
    end
    onReadable()
    if not resting and not handle.ended and time.monotonic() - began > TURN then
      resting = true
      handle:setflags(false)
    end
  end
end

-- Calls a function of a watch. The event backend's library looks at the event once more when its callback is over, in
-- which the watch may have ended: until then the event is held here.
local function holding(onReadable)
  return function(handle)
    local event = handle.wantread
    onReadable()
    return event
  end
end

--- Calls a function whenever the descriptor is readable.
---@param fd integer
---@param onReadable fun()
---@return fun() endWatch
function loop.watch(fd, onReadable)
  local handle
  -- Made first: where memory ends for it, nothing is watched.
  local function endWatch()
    handle.ended = true
    -- The event backend's handle has no close.
    if handle.close then handle:close() else handle:setflags(false) end
  end
  handle = server.watchfd(fd, (NEEDS_TURNS and fair or holding)(onReadable))
  return endWatch
end

--- What stands for the running coroutine.
---@return table? token nil outside of a runner
function loop.token()
  if not async.ready() or not inRunner(coroutine.running()) then return nil end
  return { thread = coroutine.running(), woken = false }
end

--- Suspends the running coroutine until it is woken.
---@param token table
function loop.park(token)
  -- Said first: a finalizer or a debug hook may wake it anywhere in here, and in wait.
  local wait, done = async.waiter()
  token.done = done
  if not token.woken then wait() end
  token.woken, token.done = false, nil
end

--- Lets it go on: at once, as util.async does.
---@param token table
function loop.wake(token)
  local done = token.done
  token.woken, token.done = true, nil
  if not done then return end
  if coroutine.status(token.thread) == "suspended" then
    done()
  else
    timer.add_task(0, done)
  end
end

return loop
