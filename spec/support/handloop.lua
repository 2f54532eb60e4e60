--- A host's loop for `client:attach` that holds the module to what a loop may expect of it, for the specs.
---
---     local loop <close> = handloop.new()
---     client:attach(loop.functions)
---     local task = loop:spawn(function() return client.usageRecords:close("UR-1", "B-1") end)
---     loop:run()                    -- until all coroutines are over
---     task.results                  -- what it returned, packed; task.problem: what it raised
---
--- A spec may replace any of the four functions. What the module does wrong stands in `loop.problems`, and is raised at
--- the end: a descriptor that is watched twice, or watched when it is not open, or closed before its watch is ended; a
--- token that is another loop's; a coroutine that parks for another.

local cqueues = require "cqueues"

local handloop = {}

---@class HandLoop
---@field functions cloudblue.connect.Loop
---@field watches table<integer, fun()> descriptor → what to call when it is readable
---@field account {watches: integer, parks: integer, wakes: integer} how many there were
---@field problems string[]
local Loop = {}
Loop.__index = Loop

local function isOpen(fd)
  local info <close> = io.open("/proc/self/fdinfo/" .. fd)
  return info ~= nil
end

local function report(loop, problem)
  table.insert(loop.problems, problem)
  error(problem, 0)
end

local function watch(loop, fd, onReadable)
  if loop.watches[fd] then report(loop, "a descriptor is watched twice") end
  if not isOpen(fd) then report(loop, "a descriptor is watched that is not open") end
  loop.watches[fd] = onReadable
  loop.account.watches = loop.account.watches + 1
  return function()
    if loop.watches[fd] ~= onReadable then report(loop, "a watch is ended twice") end
    loop.watches[fd] = nil
    if not isOpen(fd) then report(loop, "a descriptor was closed before its watch is ended") end
  end
end

local function token(loop)
  local task = loop.tasks[coroutine.running()]
  return task and { loop = loop, task = task, parked = false, woken = false }
end

local function park(loop, t)
  loop.account.parks = loop.account.parks + 1
  if t.loop ~= loop then report(loop, "parked with another loop's token") end
  if t.task.thread ~= coroutine.running() then report(loop, "parked with another coroutine's token") end
  if not t.woken then
    t.parked = true
    coroutine.yield()
    t.parked = false
  end
  t.woken = false
end

local function wake(loop, t)
  loop.account.wakes = loop.account.wakes + 1
  if t.loop ~= loop then report(loop, "woken with another loop's token") end
  if t.woken then return end
  t.woken = true
  if t.parked then table.insert(loop.due, t.task) end
end

--- Makes one.
---@return HandLoop
function handloop.new()
  local loop = setmetatable({ watches = {}, tasks = {}, due = {}, problems = {}, left = 0,
    account = { watches = 0, parks = 0, wakes = 0 } }, Loop)
  loop.functions = {
    watch = function(fd, onReadable) return watch(loop, fd, onReadable) end,
    token = function() return token(loop) end,
    park = function(t) return park(loop, t) end,
    wake = function(t) return wake(loop, t) end,
  }
  return loop
end

--- Lets a task go on, whether it was woken or not.
function Loop:resume(task)
  local results = table.pack(coroutine.resume(task.thread))
  if coroutine.status(task.thread) ~= "dead" then return end
  self.tasks[task.thread] = nil
  self.left = self.left - 1
  if results[1] then
    task.results = table.pack(table.unpack(results, 2, results.n))
  else
    task.problem = results[2]
    self.problem = results[2]
  end
end

--- Runs a function in a coroutine of the loop, at once, until it parks.
---@param fn function
---@return table task
function Loop:spawn(fn)
  local task = { thread = coroutine.create(fn) }
  self.tasks[task.thread] = task
  self.left = self.left + 1
  self:resume(task)
  return task
end

--- Forgets a task, whose coroutine was closed or is to be dropped.
function Loop:forget(task)
  self.tasks[task.thread] = nil
  self.left = self.left - 1
end

--- How many descriptors are watched.
function Loop:watching()
  local count = 0
  for _ in pairs(self.watches) do count = count + 1 end
  return count
end

local function callReadable(loop, seconds)
  local list = {}
  for fd in pairs(loop.watches) do list[#list + 1] = { pollfd = fd, events = "r" } end
  -- Behind the objects, cqueues.poll takes its time-out.
  list[#list + 1] = seconds
  local ready = table.pack(cqueues.poll(table.unpack(list)))
  for i = 1, ready.n do
    local onReadable = type(ready[i]) == "table" and loop.watches[ready[i].pollfd]
    if onReadable then onReadable() end
  end
end

local function resumeDue(loop)
  local due = loop.due
  loop.due = {}
  for _, task in ipairs(due) do
    if loop.tasks[task.thread] and coroutine.status(task.thread) == "suspended" then loop:resume(task) end
  end
end

--- Waits at most so long for a watched descriptor, calls what is to be called, and lets go on who was woken.
---@param seconds number
function Loop:step(seconds)
  callReadable(self, #self.due > 0 and 0 or seconds)
  resumeDue(self)
end

--- Steps until a condition holds; not for ever.
---@param condition fun(): any
function Loop:waitFor(condition)
  local patience = cqueues.monotime() + 20
  while not condition() do
    if cqueues.monotime() > patience then error("the loop waits in vain", 2) end
    self:step(0.02)
  end
end

--- Steps until every task is over; raises what the last of them raised that did.
function Loop:run()
  self:waitFor(function() return self.left == 0 end)
  if self.problem ~= nil then error(self.problem, 0) end
end

--- The end: raises what the module did wrong.
function Loop:stop()
  if #self.problems > 0 then error(table.concat(self.problems, "\n"), 0) end
end

Loop.__close = Loop.stop

return handloop
