--- What holds in every host's loop, said once: cases that the specs of the loops go through, each in its own host. They
--- use nothing of busted, so that they run inside of a host as well.
---
--- A stage is a host in a case's hands:
---
---     loop              the table for client:attach
---     spawn(fn)         runs fn in a coroutine that may wait in the loop
---     sleep(seconds)    suspends such a coroutine, by the host's timer
---     every(seconds, fn) → stop   calls fn again and again, by the host's timer, until stop() is called
---     endpoint(way)     an endpoint of loopservice.lua
---     coroutines        true where the loop knows its coroutines from others

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"
local interference = require "spec.support.interference"
local socket = require "cqueues.socket"

local KEY <const> = "ApiKey SU-000-000-000:not-a-secret"
local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

-- How much later than it has to an end may come, in seconds: much more than any loop needs, and much less than forever.
local LATE <const> = 1 * SLOWNESS

local function check(condition, format, ...)
  if not condition then error(format:format(...), 2) end
  return condition
end

-- A client in a loop.
local function attached(loop, stage, way, options)
  local settings = { retries = 0 }
  for name, value in pairs(options or {}) do settings[name] = value end
  local client = connect.ConnectClient(stage.endpoint(way), KEY, settings)
  client:attach(loop)
  return client
end

-- An id that no other call has.
local last = 0
local function freshId()
  last = last + 1
  return ("UR-%06d"):format(last)
end

local function close(client)
  return client.usageRecords:close(freshId(), "B-1")
end

-- The stage's loop, with an account of its watches and waits.
local function accounted(loop)
  local account = { watches = 0, most = 0, begun = 0, waits = 0 }
  local counting = {
    token = loop.token,
    wake = loop.wake,
    park = function(token)
      account.waits = account.waits + 1
      return loop.park(token)
    end,
    watch = function(fd, onReadable)
      account.watches, account.begun = account.watches + 1, account.begun + 1
      account.most = math.max(account.most, account.watches)
      local endWatch = loop.watch(fd, onReadable)
      return function()
        account.watches = account.watches - 1
        return endWatch()
      end
    end,
  }
  return counting, account
end

-- Runs functions at once and waits until all are over. An error of one is raised here.
local function together(stage, functions)
  local left, problem = #functions, nil
  for _, fn in ipairs(functions) do
    stage.spawn(function()
      local ok, raised = xpcall(fn, debug.traceback)
      if not ok then problem = problem or raised end
      left = left - 1
    end)
  end
  while left > 0 do stage.sleep(0.005) end
  if problem then error(problem, 0) end
end

local function times(count, fn)
  local functions = {}
  for i = 1, count do functions[i] = function() return fn(i) end end
  return functions
end

-- How many descriptors this process has open, that of looking among them.
local function descriptors()
  local stat <close> = assert(io.open "/proc/self/stat")
  local pipe <close> = assert(io.popen(("ls /proc/%d/fd | wc -l"):format(stat:read "n")))
  return pipe:read "n"
end

-- Runs fn and says how long it took and what came of it.
local function timed(fn)
  local began = cqueues.monotime()
  local result, failure = fn()
  return cqueues.monotime() - began, result, failure
end

local cases = {}

-- needs: only for a stage with that property.
local function case(name, run, needs)
  cases[#cases + 1] = { name = name, run = run, needs = needs }
end

case("keeps the host's time while 1,000 records are closed", function(stage)
  local client <close> = attached(stage.loop, stage, "slow")
  local next, inFlight, ticks = 0, 0, 0
  local stop = stage.every(0.01, function()
    if inFlight > 0 then ticks = ticks + 1 end
  end)
  together(stage, times(64, function()
    while next < 1000 do
      next = next + 1
      inFlight = inFlight + 1
      local chunk = assert(close(client))
      inFlight = inFlight - 1
      check(chunk.status == "closed", "a record is %s", chunk.status)
    end
  end))
  stop()
  -- One by one in blocking calls there would be none: the timer could tick only between two calls.
  check(ticks >= 10, "the timer ticked only %d times while calls were in flight", ticks)
end)

case("ends a call on time without a timer of the host", function(stage)
  local client <close> = attached(stage.loop, stage, "hang", { timeout = 0.3 })
  local seconds, chunk, failure = timed(function() return close(client) end)
  check(not chunk and failure.kind == "transport" and failure.outcome == "unknown", "it ended as %s", failure)
  check(seconds > 0.29 and seconds < 0.3 + LATE, "it took %.3f s", seconds)
end)

case("ends a call at its deadline without a timer of the host", function(stage)
  local client <close> = attached(stage.loop, stage, "hang", { deadline = 0.3, retries = 1000 })
  local seconds, chunk, failure = timed(function() return close(client) end)
  check(not chunk and failure.outcome == "unknown", "it ended as %s", failure)
  check(seconds > 0.25 and seconds < 0.3 + LATE, "it took %.3f s", seconds)
end)

case("ends a pause on time without a timer of the host", function(stage)
  local loop, account = accounted(stage.loop)
  local client <close> = attached(loop, stage, "busy", { retries = 1 })
  local id = freshId()
  local seconds, record = timed(function() return client.usageRecords:get(id) end)
  check(record and record.id == id, "there is no record")
  check(seconds > 0.05 and seconds < 1 + LATE, "it took %.3f s", seconds)
  check(account.waits > 0, "it did not wait in the loop")
end)

case("watches the client's descriptor once, and only while a call waits", function(stage)
  local loop, account = accounted(stage.loop)
  local client <close> = attached(loop, stage, "slow")
  check(account.watches == 0, "it is watched before any call")
  together(stage, times(20, function()
    assert(close(client))
  end))
  check(account.waits >= 20, "only %d waits for 20 calls", account.waits)
  check(account.most == 1, "%d watches at once", account.most)
  check(account.watches == 0, "it is watched after the last call")
end)

case("serves two clients at once", function(stage)
  local one <close> = attached(stage.loop, stage, "slow")
  local other <close> = attached(stage.loop, stage, "fast")
  together(stage, times(20, function(i)
    local client = i % 2 == 0 and one or other
    assert(close(client))
  end))
end)

case("lets a call that has a task's coroutine between it and the host wait", function(stage)
  local client <close> = attached(stage.loop, stage, "slow")
  local closed, ticks = 0, 0
  local stop = stage.every(0.005, function() ticks = ticks + 1 end)
  local ids = {}
  for i = 1, 20 do ids[i] = freshId() end
  for _, chunk, failure in client:parallel(8, ids, function(id) return client.usageRecords:close(id, "B-1") end) do
    check(chunk, "%s", failure)
    closed = closed + 1
  end
  stop()
  check(closed == 20, "%d closed", closed)
  check(ticks > 0, "the timer did not tick")
end)

case("leaves the calls to themselves when it is detached, and takes new ones when attached again", function(stage)
  local loop, account = accounted(stage.loop)
  local client <close> = attached(loop, stage, "late")
  local closed, detached = 0, false
  local function closeOne()
    assert(close(client))
    check(detached, "a call was over before the client was detached")
    closed = closed + 1
  end
  together(stage, {
    closeOne,
    closeOne,
    function()
      stage.sleep(0.02)
      check(account.waits >= 2, "%d calls were waiting", account.waits)
      detached = true
      client:detach()
      check(account.watches == 0, "the descriptor is still watched")
    end,
  })
  check(closed == 2, "%d of 2 calls ended", closed)
  local waits = account.waits
  assert(close(client))
  check(account.waits == waits, "a call waited in a loop that was detached")
  client:attach(loop)
  assert(close(client))
  check(account.waits > waits, "the call did not wait in the loop")
  check(account.watches == 0, "the descriptor is still watched")
end)

case("ends waiting calls when the client is closed", function(stage)
  local loop, account = accounted(stage.loop)
  local client = attached(loop, stage, "hang")
  local ended = {}
  local functions = times(3, function(i)
    local chunk, failure = close(client)
    ended[i] = not chunk and failure.kind
  end)
  functions[4] = function()
    stage.sleep(0.05)
    check(account.waits >= 3, "%d calls were waiting", account.waits)
    client:close()
    check(account.watches == 0, "the descriptor is still watched")
  end
  together(stage, functions)
  for i = 1, 3 do check(ended[i] == "cancelled", "call %d ended as %s", i, ended[i]) end
end)

case("leaves no descriptor behind", function(stage)
  local function round()
    local client <close> = attached(stage.loop, stage, "fast")
    together(stage, times(5, function() assert(close(client)) end))
    local hanging = attached(stage.loop, stage, "hang")
    together(stage, {
      function() close(hanging) end,
      function()
        stage.sleep(0.01)
        hanging:close()
      end,
    })
  end
  -- The service may be in this process, and closes its ends of the connections in its own time.
  local function count(most)
    local found
    for _ = 1, 50 do
      collectgarbage()
      found = descriptors()
      if found <= most then break end
      stage.sleep(0.02)
    end
    return found
  end
  round()
  stage.sleep(0.1)
  local before = count(math.huge)
  for _ = 1, 10 do round() end
  local after = count(before)
  check(after <= before, "%d descriptors before, %d after", before, after)
end)

case("watches a descriptor until the watch ends", function(stage)
  local ours, theirs = socket.pair()
  local token, seen = assert(stage.loop.token()), 0
  local endWatch
  endWatch = stage.loop.watch(ours:pollfd(), function()
    seen = seen + 1
    if seen < 3 then return end
    endWatch()
    stage.loop.wake(token)
  end)
  theirs:xwrite("x", "bn")
  stage.loop.park(token)
  -- It is still readable.
  stage.sleep(0.02)
  check(seen == 3, "called %d times", seen)
  ours:close()
  theirs:close()
end)

case("lets the host's timers run while a descriptor stays readable", function(stage)
  local ours, theirs = socket.pair()
  local token, ticks, began = assert(stage.loop.token()), 0, cqueues.monotime()
  local endWatch, stop
  local function finish()
    stop()
    endWatch()
    stage.loop.wake(token)
  end
  endWatch = stage.loop.watch(ours:pollfd(), function()
    if cqueues.monotime() - began > 2 * LATE then finish() end
  end)
  stop = stage.every(0.01, function()
    ticks = ticks + 1
    if ticks == 5 then finish() end
  end)
  theirs:xwrite("x", "bn")
  stage.loop.park(token)
  check(ticks == 5, "the timer ticked %d times", ticks)
  ours:close()
  theirs:close()
end)

case("has a call return to a coroutine's own coroutine, which the host does not resume", function(stage)
  local client <close> = attached(stage.loop, stage, "slow")
  local inner = coroutine.wrap(function()
    local chunk, failure = close(client)
    return "returned", chunk, failure
  end)
  local what, chunk, failure = inner()
  check(what == "returned" and chunk, "it got %s, %s", what, failure)
end, "coroutines")

case("lets a coroutine go on that was woken before it parked", function(stage)
  local token = assert(stage.loop.token())
  stage.loop.wake(token)
  stage.loop.wake(token)
  stage.loop.park(token)
end)

case("lets a coroutine go on that is woken at any moment of its way into park", function(stage)
  for n = 1, 40 do
    local token, woken, ticks = assert(stage.loop.token()), false, 0
    local function wake()
      woken = true
      stage.loop.wake(token)
    end
    local stop = stage.every(0.002, function()
      ticks = ticks + 1
      if not woken or ticks == 50 then wake() end -- park has no such moment; or it was lost
    end)
    interference.at("count", n, wake, stage.loop.park, token)
    stop()
    check(ticks < 50, "what came at instruction %d was lost", n)
    stage.loop.wake(token)
    stage.loop.park(token)
  end
end)

case("lets a coroutine go on when it is woken, and park again", function(stage)
  local steps = {}
  local token = assert(stage.loop.token())
  for i = 1, 2 do
    local stop
    stop = stage.every(0.01, function()
      stop()
      steps[#steps + 1] = "woken " .. i
      stage.loop.wake(token)
    end)
    stage.loop.park(token)
    steps[#steps + 1] = "went on"
  end
  local done = table.concat(steps, ", ")
  check(done == "woken 1, went on, woken 2, went on", "%s", done)
end)

---@class LoopCases
local loopcases = {}

--- The cases for a stage.
---@param stage table
---@return { name: string, run: fun(stage: table) }[]
function loopcases.of(stage)
  local list = {}
  for _, each in ipairs(cases) do
    if not each.needs or stage[each.needs] then list[#list + 1] = each end
  end
  return list
end

--- Goes through all cases inside of a host and writes what came of each into the file LOOP_RESULTS, for loops.lua. To
--- be called in a coroutine that may wait in the loop.
---@param stage table without `endpoint`, which LOOP_SERVICE says
function loopcases.report(stage)
  local base = os.getenv "LOOP_SERVICE"
  function stage.endpoint(way) return ("%s/%s/v1"):format(base, way) end
  local file <close> = assert(io.open(os.getenv "LOOP_RESULTS", "w"))
  for _, each in ipairs(loopcases.of(stage)) do
    local ok, problem = xpcall(each.run, debug.traceback, stage)
    file:write(("%q, %q\0"):format(each.name, ok and "" or tostring(problem)))
    file:flush()
  end
end

return loopcases
