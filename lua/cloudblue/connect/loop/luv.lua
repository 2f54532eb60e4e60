--- libuv's loop, for `client:attach`: calls made in coroutines wait in it. It is the loop of the module `luv`.
---
---     client:attach(require "cloudblue.connect.loop.luv")
---     coroutine.wrap(function() client.usageRecords:close("UR-1", "B-1") end)()
---     uv.run()
---
--- libuv knows nothing of coroutines, so every coroutine is taken for one that the loop may resume; where none runs, a
--- call blocks. A generator is no such coroutine, because a waiting call yields to whoever resumed it. What it yields
--- is `loop.waiting`, which raises when it is looked into, so that the consumer does not take it for the end.
---
--- A coroutine is resumed in a callback of the loop only. An error that it raises is raised there, with its traceback:
--- the loop treats it as any callback's.

local queue = require "cloudblue.connect.queue"
local uv = require "luv"

local loop = {}

local function misplaced()
  error("a call waits here, but not in a coroutine of the loop", 2)
end

--- What a waiting call yields.
loop.waiting = setmetatable({}, {
  __index = misplaced,
  __newindex = misplaced,
  __call = misplaced,
  __name = "cloudblue.connect: waiting",
})

-- The coroutines in park, and those that were woken before they came there.
local parked = setmetatable({}, { __mode = "k" })
local woken = setmetatable({}, { __mode = "k" })

-- Those that can go on, and the timer that sees to them where no callback does.
local due = queue.new()
local timer

-- Raises the error that ended a coroutine. What it has to close is closed, as coroutine.wrap does.
local function rethrow(thread, problem)
  local text = type(problem) == "string" and problem or tostring(problem)
  local traceback = debug.traceback(thread, text)
  coroutine.close(thread)
  error(traceback, 0)
end

local resumeAll

-- Whether a callback is under way that ends with resumeAll.
local inCallback = false

local function later()
  if timer then return end
  local own = uv.new_timer()
  timer = own
  own:start(0, 0, function()
    own:close()
    timer = nil
    resumeAll()
  end)
end

local function resume(thread)
  -- Somebody else may have resumed it meanwhile.
  if not parked[thread] or coroutine.status(thread) ~= "suspended" then return true end
  return coroutine.resume(thread)
end

-- No callback is under way any more; who is due then, or was put in meanwhile, has to wait for one.
local function endCallback()
  inCallback = false
  if not queue.isEmpty(due) then later() end
end

-- Runs in a callback of the loop. An error leaves the others to the next one.
function resumeAll()
  inCallback = true
  local thread = queue.take(due)
  while thread do
    local ok, problem = resume(thread)
    if not ok then
      endCallback()
      rethrow(thread, problem)
    end
    thread = queue.take(due)
  end
  endCallback()
end

local function onPoll(onReadable, problem)
  if problem then error("the client's descriptor can't be watched: " .. problem) end
  inCallback = true
  local ok, raised = pcall(onReadable)
  inCallback = false
  if not ok then
    later()
    error(raised, 0)
  end
  resumeAll()
end

--- Calls a function whenever the descriptor is readable.
---@param fd integer
---@param onReadable fun()
---@return fun() endWatch
function loop.watch(fd, onReadable)
  local poll
  -- Made first: where memory ends for them, nothing is watched.
  local function endWatch()
    poll:stop()
    if not poll:is_closing() then poll:close() end
  end
  local function onEvent(problem) onPoll(onReadable, problem) end
  poll = assert(uv.new_poll(fd))
  local started, problem = poll:start("r", onEvent)
  if started then return endWatch end
  endWatch()
  error(problem)
end

--- What stands for the running coroutine: itself.
---@return thread? token nil where there is none
function loop.token()
  local thread, main = coroutine.running()
  return not main and thread or nil
end

--- Suspends the running coroutine until it is woken. Whoever resumes it before then lets its call look again.
---@param token thread
function loop.park(token)
  -- Said first: a finalizer or a debug hook may wake it anywhere in here.
  parked[token] = true
  if not woken[token] then coroutine.yield(loop.waiting) end
  parked[token], woken[token] = nil, nil
end

--- Lets it go on, in a callback of the loop.
---@param token thread
function loop.wake(token)
  if not parked[token] then
    woken[token] = true
    return
  end
  queue.put(due, token)
  if not inCallback then later() end
end

return loop
