--- A loop for a host that can do no more than sleep, for `client:attach`.
---
---     local loop = require "cloudblue.connect.loop.polling"(host.sleep)
---     client:attach(loop)
---
--- `sleep(seconds)` is the host's. Where it suspends the coroutine that calls it, as in hosts that run each script as a
--- coroutine, nothing more is needed: a waiting call sleeps and looks, again and again.
---
--- Where it puts the whole program to sleep, the loop runs the coroutines:
---
---     loop.spawn(function() client.usageRecords:close("UR-1", "B-1") end)
---     loop.run()                             -- until all of them are over
---     while loop.step() do sleep(0.01) end   -- the same, in the host's own rounds
---
--- A call that waits is looked after once a sleep: what it waits for is noticed that much later.

-- Sleeps begin this short, in seconds, and double for as long as nothing happens.
local SHORTEST <const>, LONGEST <const> = 0.001, 0.01

-- Raises the error that ended a coroutine. What it has to close is closed, as coroutine.wrap does.
local function rethrow(thread, problem)
  local text = type(problem) == "string" and problem or tostring(problem)
  local traceback = debug.traceback(thread, text)
  coroutine.close(thread)
  error(traceback, 0)
end

local function checkType(position, value, wanted, name)
  if type(value) ~= wanted then
    error(("bad argument #%d to 'polling' (%s expected, got %s)"):format(position, name, type(value)), 3)
  end
end

--- Makes a loop.
---@param sleep fun(seconds: number) the host's
---@param longest number? seconds that a waiting call sleeps at most before it looks again (0.01)
---@return cloudblue.connect.PollingLoop loop
local function polling(sleep, longest)
  longest = longest or LONGEST
  checkType(1, sleep, "function", "function")
  checkType(2, longest, "number", "number of seconds")

  local loop = {}
  local watches = {}
  -- The coroutines of spawn: true, or the token for which one is parked. Those of them that can go on, in order, each
  -- once.
  local spawned, due, isDue = {}, {}, {}

  -- A debug hook may wake others between any two steps of it: see queue.lua.
  local function addDue(thread)
    if not isDue[thread] then table.insert(due, thread) end
    isDue[thread] = true
  end

  -- Has each client do what is due. A watch may end, and another begin, meanwhile.
  local function look()
    local list = {}
    for watch in pairs(watches) do list[#list + 1] = watch end
    for _, watch in ipairs(list) do
      if watches[watch] then watch.onReadable() end
    end
  end

  function loop.watch(_, onReadable)
    local watch = { onReadable = onReadable }
    -- Made first: where memory ends for it, nothing is watched.
    local function endWatch() watches[watch] = nil end
    watches[watch] = true
    return endWatch
  end

  function loop.token()
    local thread, main = coroutine.running()
    return not main and { thread = thread, woken = false } or nil
  end

  function loop.park(token)
    local thread, pause = token.thread, SHORTEST
    -- Said first: a finalizer or a debug hook may wake it anywhere in here.
    local isSpawned = spawned[thread] ~= nil
    if isSpawned then spawned[thread] = token end
    while not token.woken do
      if isSpawned then
        coroutine.yield()
      else
        sleep(math.min(pause, longest))
        pause = 2 * pause
        look()
      end
    end
    if isSpawned then spawned[thread] = true end
    token.woken = false
  end

  function loop.wake(token)
    if spawned[token.thread] == token and not token.woken then addDue(token.thread) end
    token.woken = true
  end

  function loop.spawn(main)
    local thread = coroutine.create(main)
    spawned[thread] = true
    addDue(thread)
  end

  -- Resumes those that can go on now; those that they let go on are for the next time, and so are the others where one
  -- raises an error. One that yields by itself goes on the next time, too.
  local function resumeDue()
    local threads = due
    due = {}
    for i, thread in ipairs(threads) do
      local ok, problem = true, nil
      isDue[thread] = nil
      -- One that was woken on its way into park stands here though it went on by itself, and may be over.
      if spawned[thread] then ok, problem = coroutine.resume(thread) end
      if coroutine.status(thread) == "dead" then spawned[thread] = nil end
      if spawned[thread] == true then addDue(thread) end
      if not ok then
        for rest = i + 1, #threads do table.insert(due, threads[rest]) end
        rethrow(thread, problem)
      end
    end
    return #threads > 0
  end

  -- Returns whether a coroutine is left, and whether one was resumed.
  local function step()
    look()
    local resumed = resumeDue()
    return next(spawned) ~= nil, resumed
  end

  function loop.step()
    return (step())
  end

  function loop.run()
    local pause = SHORTEST
    local left, resumed = step()
    while left do
      if resumed then pause = SHORTEST end
      sleep(math.min(pause, longest))
      pause = 2 * pause
      left, resumed = step()
    end
  end

  return loop
end

return polling
