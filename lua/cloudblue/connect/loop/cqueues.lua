--- The loop of cqueues, for `client:attach`: calls made in a controller's coroutines wait there.
---
---     client:attach(require "cloudblue.connect.loop.cqueues")
---     controller:wrap(function() client.usageRecords:close("UR-1", "B-1") end)
---
--- A call made anywhere else blocks: outside of a controller, and in a coroutine that another one resumed, as whoever
--- resumed it would get what a wait yields to the controller.
---
--- A watch is one coroutine in each controller whose coroutines wait, however many these are: a descriptor that is
--- ready has every coroutine resumed that polls it.

local condition = require "cqueues.condition"
local cqueues = require "cqueues"

---@class cloudblue.connect.loop.cqueues.Watch
---@field pollfd integer cqueues polls an object by these two fields
---@field events string
---@field onReadable fun()
---@field ended boolean
---@field dispatchers table<table, thread> controller → the coroutine in it that polls

---@type table<cloudblue.connect.loop.cqueues.Watch, boolean>
local watches = {}

local function dispatch(watch)
  while not watch.ended do
    cqueues.poll(watch)
    if not watch.ended then watch.onReadable() end
  end
end

-- Sees to it that the controller has a coroutine that polls. It has none where the watch began in another one, and
-- where an error has ended its own.
local function serve(watch, controller)
  local thread = watch.dispatchers[controller]
  if thread and coroutine.status(thread) ~= "dead" then return end
  thread = coroutine.create(function() dispatch(watch) end)
  -- In this order: where memory ends in either, the next call tries again.
  controller:attach(thread)
  watch.dispatchers[controller] = thread
end

-- The controller that runs the caller's coroutine itself, or nil.
local function current()
  local controller, direct = cqueues.running()
  return direct and controller or nil
end

-- The controllers of tokens; one that was given up is not to stay because of a call in it.
local controllers = setmetatable({}, { __mode = "kv" })

local loop = {}

--- Calls a function whenever the descriptor is readable. Called where `token` was.
---@param fd integer
---@param onReadable fun()
---@return fun() endWatch
function loop.watch(fd, onReadable)
  local watch = {
    pollfd = fd,
    events = "r",
    onReadable = onReadable,
    ended = false,
    dispatchers = setmetatable({}, { __mode = "k" }),
  }
  local function endWatch()
    watches[watch] = nil
    watch.ended = true
    -- A controller keeps a descriptor registered after its coroutine has gone on. One that is closed in that state
    -- would leave the controller with an entry for whatever gets the number next.
    cqueues.cancel(fd)
  end
  local controller = current()
  watches[watch] = true
  if controller then
    local served, problem = pcall(serve, watch, controller)
    if not served then
      endWatch()
      error(problem, 0)
    end
  end
  return endWatch
end

--- What stands for the running coroutine.
---@return table? token nil where no controller runs it directly
function loop.token()
  local controller = current()
  if not controller then return nil end
  for watch in pairs(watches) do serve(watch, controller) end
  local token = { condition = condition.new(), woken = false, parks = false }
  controllers[token] = controller
  return token
end

--- Suspends the running coroutine until it is woken.
---@param token table
function loop.park(token)
  token.parks = true
  if not token.woken then token.condition:wait() end
  token.woken, token.parks = false, false
end

--- Lets it go on, in the controller's next step.
---@param token table
function loop.wake(token)
  token.woken = true
  local reached = token.condition:signal()
  -- A finalizer or a debug hook may wake it after park has looked and before it waits: then it is signalled again when
  -- it does.
  local controller = reached == 0 and token.parks and controllers[token]
  if controller then controller:wrap(function() token.condition:signal() end) end
end

return loop
