--- Tasks: many calls at once, each written as if it were the only one.
---
--- A run has a few workers, each a coroutine that takes an item, calls the function with it, and takes the next. Where
--- a call of theirs has to wait, the module suspends the worker (`loop.park`) and wakes it when the call can go on
--- (`loop.wake`), as it does in a host's loop. The run resumes those that are awake, from the loop that takes the
--- results, and waits itself when there are none: as a call would.

local core = require "cloudblue.connect.core"
local misuse = require "cloudblue.connect.misuse"
local queue = require "cloudblue.connect.queue"

local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield
local status, close = coroutine.status, coroutine.close
local pack, unpack, insert, remove = table.pack, table.unpack, table.insert, table.remove

local tasks = {}

-- The workers by their coroutines. A coroutine that fn makes itself is none: calls in it block.
local workers = setmetatable({}, { __mode = "k" })

---@class cloudblue.connect.tasks.Worker
---@field run cloudblue.connect.tasks.Run
---@field thread thread
---@field awake boolean it is in run.awake
---@field ended boolean it found no more items, or its run was closed

---@class cloudblue.connect.tasks.Run
---@field client cloudblue.connect.ConnectClient whose loop the run waits in
---@field limit integer workers at most
---@field fn function
---@field take fun(): any the next item, nil after the last
---@field workers table<cloudblue.connect.tasks.Worker, true>
---@field count integer of workers
---@field awake cloudblue.connect.Queue those to be resumed
---@field wanting cloudblue.connect.tasks.Worker[] those that want an item while another takes one
---@field taking boolean one takes an item
---@field ended boolean there are no more items
---@field full cloudblue.connect.tasks.Worker[] those that wait for results to be taken
---@field results table[] from firstResult to lastResult
---@field firstResult integer
---@field lastResult integer
---@field wake function? of the loop in which the run itself is parked
---@field tokens any[] what it is woken by; none while it is not parked, and once it is woken
---@field parked boolean
---@field borrowed cloudblue.connect.ConnectClient[] what the loop watches for it, see `borrow`
---@field failed boolean
---@field problem any what fn, or the iterator, raised
local Run = {}
Run.__index = Run

-- ==== Waking =========================================================================================================

-- A debug hook that lets a client go on may wake a worker, or the run, between any two steps of this file, as said in
-- queue.lua. Waking one twice does no harm.

-- Wakes a run that is parked in a loop. Where that raises, the next one who is awake tries again.
local function wakeRun(run)
  local token = remove(run.tokens)
  if token == nil then return end
  local done, problem = pcall(run.wake, token)
  if done then return end
  if run.parked and #run.tokens == 0 then insert(run.tokens, token) end
  error(problem, 0)
end

local function wake(worker)
  local run = worker.run
  if not worker.awake then
    -- In this order: where memory ends, the next wake tries again.
    queue.put(run.awake, worker)
    worker.awake = true
  end
  if run.tokens[1] ~= nil then wakeRun(run) end
end

-- ==== Workers ========================================================================================================

-- A worker that waits yields itself; whatever else it yields comes from fn.
core.setTasks(workers, yield, wake)

-- Takes the next item for a worker, one worker after the other: an iterator may have calls of its own, and wait.
local function takeItem(run, worker)
  local wanting = run.wanting
  while run.taking do
    wanting[#wanting + 1] = worker
    yield(worker)
  end
  local item
  if not run.ended then
    run.taking = true
    item = run.take()
    run.taking = false
    run.ended = item == nil
  end
  if wanting[1] then wake(remove(wanting, 1)) end
  return item
end

-- More results than the limit are not collected: then a worker waits until some are taken.
local function addResult(run, worker, ...)
  local result, last = pack(...), run.lastResult + 1
  run.results[last] = result
  run.lastResult = last
  while run.lastResult - run.firstResult >= run.limit do
    run.full[#run.full + 1] = worker
    yield(worker)
  end
end

local work

local function startWorker(run)
  local worker = { run = run, awake = false, ended = false }
  worker.thread = create(work)
  workers[worker.thread] = worker
  run.workers[worker] = true
  run.count = run.count + 1
  wake(worker)
end

-- The body of a worker. There are as many as have found an item, and one more that looks for the next.
function work(worker)
  local run = worker.run
  local alone = true
  while true do
    local item = takeItem(run, worker)
    if item == nil then break end
    if alone and run.count < run.limit then startWorker(run) end
    alone = false
    addResult(run, worker, item, run.fn(item))
  end
  worker.ended = true
end

-- ==== Runs ===========================================================================================================

-- As Lua's own message of it, which no message handler sees.
local OUT_OF_MEMORY <const> = "not enough memory"

local function fail(run, worker, problem)
  run.failed, run.problem = true, problem
  if type(problem) == "string" and problem ~= OUT_OF_MEMORY then
    run.problem = debug.traceback(worker.thread, problem)
  end
end

-- A worker that fails is ended with the others.
local function resumeWorker(run, worker)
  worker.awake = false
  local ok, what = resume(worker.thread, worker)
  if what == worker then return end
  if worker.ended then
    -- It is no longer counted where it has closed its own run.
    if run.workers[worker] then
      run.workers[worker] = nil
      run.count = run.count - 1
    end
  elseif ok then
    fail(run, worker, "a function that client:parallel runs has yielded: only its calls may")
  else
    fail(run, worker, what)
  end
end

-- Resumes those that are awake now, until there is a result, or one has failed.
local function resumeAwake(run)
  while run.firstResult > run.lastResult and not run.failed do
    local worker = queue.take(run.awake)
    if not worker then return end
    -- One that has ended since has nothing to wait for.
    if not worker.ended then resumeWorker(run, worker) end
  end
end

-- The clients that are lent to a loop, each with the number of runs for which the loop watches it.
local lent = setmetatable({}, { __mode = "k" })

-- While a run is parked in a loop, that watches the clients of tasks that have no loop of their own.
local function borrow(run, watch)
  for _, client in ipairs(core.unattached()) do
    if not lent[client] then core.lend(client, watch) end
    lent[client] = (lent[client] or 0) + 1
    run.borrowed[#run.borrowed + 1] = client
  end
end

local function giveBack(run)
  local borrowed = run.borrowed
  while #borrowed > 0 do
    local client = remove(borrowed)
    lent[client] = lent[client] > 1 and lent[client] - 1 or nil
    if not lent[client] then core.takeBack(client) end
  end
end

-- Waits until a worker is awake, or perhaps less.
local function waitForWorkers(run)
  local token, park, wakeUp, watch = core.waiting(run.client)
  if token == nil then
    core.waitForTasks()
    return
  end
  run.wake, run.parked = wakeUp, true
  insert(run.tokens, token)
  -- Functions of the host have run, and run in here: they may have woken somebody.
  if queue.isEmpty(run.awake) then
    if watch then borrow(run, watch) end
    park(token)
  end
  run.parked = false
  remove(run.tokens)
  giveBack(run)
end

-- Ends every worker where it stands, and with it its call: what is in flight is cancelled, nothing more is sent.
function Run:__close()
  self.ended, self.parked = true, false
  remove(self.tokens)
  local list = self.workers
  self.workers, self.count = {}, 0
  for worker in pairs(list) do
    worker.ended = true
    -- One that runs is within os.exit.
    if status(worker.thread) ~= "normal" and status(worker.thread) ~= "running" then close(worker.thread) end
  end
  giveBack(self)
end

local function takeResult(run)
  local first = run.firstResult
  local result = run.results[first]
  run.results[first] = nil
  if first < run.lastResult then
    run.firstResult = first + 1
  else
    run.firstResult, run.lastResult = 1, 0
  end
  local full = run.full
  if full[1] then wake(remove(full)) end
  return unpack(result, 1, result.n)
end

-- The iterator: the next result, in the order of completion. What was done before one failed is returned before that is
-- raised.
local function nextResult(run)
  while true do
    resumeAwake(run)
    if run.failed then Run.__close(run) end
    if run.firstResult <= run.lastResult then return takeResult(run) end
    if run.failed then error(run.problem, 0) end
    if run.count == 0 then return nil end
    if queue.isEmpty(run.awake) then waitForWorkers(run) end
  end
end

--- An iterator over the items of a list.
---@param list any[]
---@return fun(): any item nil after the last
function tasks.each(list)
  local index = 0
  return function()
    index = index + 1
    return list[index]
  end
end

--- Runs a function for many items, at most so many at once: a loop over the results, in the order of completion.
---
---     for record, chunk, failure in client:parallel(16, records, function(record)
---       return client.usageRecords:close(record.id, record.billing)
---     end) do … end
---
--- A function runs in a coroutine of its own. While a call of its waits, the others run; the function may use any
--- call, of several clients, and parallel itself. The module's functions that take one of yours (hooks, readers, sinks,
--- onProgress) call it where it can't be suspended: a call in there blocks, and so does one in a coroutine that the
--- function makes. What else is in flight goes on meanwhile.
---
--- Breaking out of the loop, or an error in it, ends the functions where they stand: what is in flight is cancelled (it
--- may have reached the service), nothing more is sent.
---@param limit integer how many run at once, 1 or more. The client's `maxConnections` bounds the connections
---@param items any[]|fun(): any a list, or an iterator, whose first value counts; read as needed
---@param fn fun(item: any): ... what it returns comes behind the item; an error ends the loop, with its traceback
---@return fun(): ... iterator item, and what fn returned
function tasks.parallel(client, limit, items, fn, ...)
  if math.type(limit) ~= "integer" or limit < 1 then
    misuse.argument("parallel", 1, "limit must be an integer, 1 or more, got " .. tostring(limit), 2)
  end
  if type(items) ~= "table" and type(items) ~= "function" then
    misuse.argument("parallel", 2, "items must be a list or an iterator, got " .. type(items), 2)
  end
  if type(fn) ~= "function" then misuse.argument("parallel", 3, "fn must be a function, got " .. type(fn), 2) end
  misuse.more("parallel", 3, 2, ...)
  core.waiting(client)
  local run = setmetatable({
    client = client, limit = limit, fn = fn, take = type(items) == "table" and tasks.each(items) or items,
    workers = {}, count = 0, awake = queue.new(), wanting = {}, full = {}, taking = false, ended = false,
    results = {}, firstResult = 1, lastResult = 0, tokens = {}, parked = false, borrowed = {}, failed = false,
  }, Run)
  startWorker(run)
  return nextResult, run, nil, run
end

return tasks
