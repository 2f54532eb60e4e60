-- Many calls at once, by client:parallel: judged by what the service held, received, and no longer received.

local connect = require "cloudblue.connect"
local gate = require "spec.support.gate"
local handloop = require "spec.support.handloop"
local rawserver = require "spec.support.rawserver"
local scene = require "spec.support.scene"
local service = require "spec.support.service"
local stepping = require "spec.support.stepping"

local misuse = service.misuse

-- Ids of as many records.
local function ids(count)
  local list = {}
  for index = 1, count do list[index] = ("UR-%d"):format(index) end
  return list
end

-- Closes each id, and returns what came of them: id -> chunk, or the failure.
local function closeAll(s, limit, items)
  local results = {}
  for id, chunk, failure in s.client:parallel(limit, items, function(id) return s.records:close(id, "B-1") end) do
    assert.is_nil(results[id])
    results[id] = chunk or failure
  end
  return results
end

local function count(results)
  local n = 0
  for _, chunk in pairs(results) do
    assert.equal("closed", chunk.status)
    n = n + 1
  end
  return n
end

describe("client:parallel", function()
  it("runs as many at once as the limit says", function()
    local s <close> = gate.start { hold = 8 }
    assert.equal(20, count(closeAll(s, 8, ids(20))))
    assert.same({ most = 8, total = 20 }, s.raw:account())
  end)

  it("opens no more connections than maxConnections says", function()
    local s <close> = gate.start({ hold = 3, delay = 0.01 }, { maxConnections = 3 })
    assert.equal(12, count(closeAll(s, 8, ids(12))))
    assert.equal(3, s.raw:account().most)
    assert.equal(3, s.raw:connections())
  end)

  it("does one after the other with a limit of 1, in their order", function()
    local s <close> = gate.start { delay = 0 }
    local order = {}
    for id in s.client:parallel(1, ids(5), function(id) return s.records:close(id, "B-1") end) do
      order[#order + 1] = id
    end
    assert.same(ids(5), order)
    assert.equal(1, s.raw:account().most)
  end)

  it("returns the items in the order of completion, with all that the function returned", function()
    local s <close> = service.answering { service.closed("UR-1") }
    local order = {}
    local function work(item)
      -- The first waits for the service, the others for nothing.
      if item == 1 then assert(s.records:close("UR-1", "B-1")) end
      return nil, item, nil
    end
    for item, first, second, third in s.client:parallel(3, { 1, 2, 3 }, work) do
      assert.is_nil(first)
      assert.equal(item, second)
      assert.is_nil(third)
      order[#order + 1] = item
    end
    assert.same({ 2, 3, 1 }, order)
  end)

  it("does nothing for an empty list, and ends", function()
    local s <close> = gate.start { delay = 0 }
    for _ in s.client:parallel(4, {}, error) do error "a result" end
    assert.equal(0, s.raw:connections())
  end)

  it("reads its items as needed", function()
    local s <close> = gate.start { delay = 0 }
    local taken, results = 0, 0
    local function items()
      taken = taken + 1
      return taken <= 100 and "UR-" .. taken or nil
    end
    for _ in s.client:parallel(4, items, function(id) return s.records:close(id, "B-1") end) do
      results = results + 1
      -- Those at work, as many results that wait to be taken, and one that looks for the next item.
      assert.is_true(taken <= results + 2 * 4 + 1, taken)
    end
    assert.equal(100, results)
  end)

  it("reads no further than that when the functions don't wait", function()
    local s <close> = gate.start { delay = 0 }
    local taken = 0
    local function items()
      taken = taken + 1
      return taken
    end
    for item in s.client:parallel(4, items, function(item) return item end) do
      assert.is_true(taken <= item + 2 * 4 + 1, taken)
      if item == 1000 then break end
    end
  end)

  it("takes an iterator that has calls of its own", function()
    local s <close> = scene.start {}
    local closed = 0
    local records = s.client.usageRecords
    for _, chunk in s.client:parallel(8, records:all { status = "approved", limit = 37 }, function(record)
      return records:close(record.id, "B-1")
    end) do
      closed = closed + (chunk and 1 or 0)
      if closed == 40 then break end
    end
    assert.equal(40, closed)
  end)

  it("lets pauses pass side by side", function()
    -- Each second attempt is held until all eight are there: one pause after the other would never end.
    local s <close> = gate.start({ first = 503, hold = 8 }, { retries = 1 })
    assert.equal(8, count(closeAll(s, 8, ids(8))))
    assert.equal(16, s.raw:account().total)
  end)

  it("runs in coroutines, protected calls, metamethods and iterators of the function", function()
    local s <close> = gate.start { hold = 4 }
    local object = setmetatable({}, { __index = function(_, id) return (s.records:close(id, "B-1")) end })
    local ways = {
      function(id) return select(2, pcall(s.records.close, s.records, id, "B-1")) end,
      function(id) return object[id] end,
      function(id)
        local result
        for chunk in function(_, last) return not last and s.records:close(id, "B-1") or nil end do result = chunk end
        return result
      end,
      function(id) return select(2, xpcall(s.records.close, debug.traceback, s.records, id, "B-1")) end,
    }
    local outer = coroutine.wrap(function()
      local n = 0
      for _, chunk in s.client:parallel(4, { 1, 2, 3, 4 }, function(i) return ways[i]("UR-" .. i) end) do
        assert.equal("closed", chunk.status)
        n = n + 1
      end
      return n
    end)
    assert.equal(4, outer())
    assert.equal(4, s.raw:account().most)
  end)

  it("goes on on the wire while a call blocks in a coroutine that the function made", function()
    local s <close> = gate.start { hold = 3 }
    local results = {}
    for id, chunk in s.client:parallel(3, ids(3), function(id)
      if id ~= "UR-3" then return s.records:close(id, "B-1") end
      return coroutine.wrap(function() return s.records:close(id, "B-1") end)()
    end) do
      results[id] = chunk
    end
    assert.equal(3, count(results))
    assert.equal(3, s.raw:account().most)
  end)

  it("calls hooks, readers and sinks where they block, and the others go on", function()
    local s <close> = gate.start { hold = 2 }
    s.client:addAfterResponseHook(function(response)
      if response.url:find "UR%-1/" then assert(s.records:close("UR-9", "B-1")) end
    end)
    assert.equal(3, count(closeAll(s, 3, ids(3))))
    assert.equal(4, s.raw:account().total)
  end)

  it("runs functions that use several clients", function()
    local one <close> = gate.start { hold = 3 }
    local two <close> = gate.start { hold = 3 }
    local results = {}
    for item, chunk in one.client:parallel(6, { 1, 2, 3, 4, 5, 6 }, function(item)
      return (item % 2 == 0 and one or two).records:close("UR-" .. item, "B-1")
    end) do
      results[item] = chunk
    end
    assert.equal(6, count(results))
    assert.equal(3, one.raw:account().most)
    assert.equal(3, two.raw:account().most)
  end)

  it("goes on for all clients while one of them blocks", function()
    local one <close> = gate.start { hold = 2 }
    local two <close> = gate.start { hold = 2 }
    local n = 0
    for _, chunk in one.client:parallel(4, { 1, 2, 3, 4 }, function(item)
      local s = item <= 2 and one or two
      if item == 4 then
        return coroutine.wrap(function() return s.records:close("UR-4", "B-1") end)()
      end
      return s.records:close("UR-" .. item, "B-1")
    end) do
      assert.equal("closed", chunk.status)
      n = n + 1
    end
    assert.equal(4, n)
  end)

  it("runs in functions that it runs", function()
    local s <close> = gate.start { hold = 9 }
    local n = 0
    for _, inner in s.client:parallel(3, { 1, 2, 3 }, function(item)
      local closed = 0
      for _, chunk in s.client:parallel(3, { 1, 2, 3 }, function(i)
        return s.records:close(("UR-%d-%d"):format(item, i), "B-1")
      end) do
        closed = closed + (chunk and 1 or 0)
      end
      return closed
    end) do
      n = n + inner
    end
    assert.equal(9, n)
    assert.equal(9, s.raw:account().most)
  end)

  it("leaves calls made in its loop, which may block, to themselves", function()
    local s <close> = gate.start { hold = 4 }
    local n = 0
    for id in s.client:parallel(4, ids(8), function(id) return s.records:close(id, "B-1") end) do
      assert(s.records:close(id .. "-again", "B-1"))
      n = n + 1
    end
    assert.equal(8, n)
    assert.equal(16, s.raw:account().total)
  end)
end)

describe("client:parallel, ended early,", function()
  -- What the client sends after the work is over, and what has been received when one more call has gone through.
  local function sentAfter(s, work)
    local sent = 0
    s.client:addBeforeRequestHook(function() sent = sent + 1 end)
    work()
    local before = sent
    assert(s.records:close("UR-last", "B-1"))
    assert.is_true(s.raw:account().total <= sent)
    return sent - before - 1
  end

  it("sends nothing after a break, and cancels what is in flight", function()
    local s <close> = gate.start { delay = 0.02 }
    local more = sentAfter(s, function()
      for id in s.client:parallel(4, ids(100), function(id) return s.records:close(id, "B-1") end) do
        if id then break end
      end
    end)
    assert.equal(0, more)
    assert.is_true(s.raw:account().total < 20)
  end)

  it("sends nothing after an error in the loop", function()
    local s <close> = gate.start { delay = 0.02 }
    local more = sentAfter(s, function()
      local done, problem = pcall(function()
        for _ in s.client:parallel(4, ids(100), function(id) return s.records:close(id, "B-1") end) do
          error("enough", 0)
        end
      end)
      assert.is_false(done)
      assert.equal("enough", problem)
    end)
    assert.equal(0, more)
  end)

  it("raises an error of the function, with its traceback, and ends the others", function()
    local s <close> = gate.start { delay = 0.02 }
    local function boom() error "boom" end
    local problem
    local more = sentAfter(s, function()
      problem = misuse(function()
        for _ in s.client:parallel(4, ids(100), function(id)
          local chunk = s.records:close(id, "B-1")
          if id == "UR-2" then boom() end
          return chunk
        end) do end
      end)
    end)
    assert.equal(0, more)
    assert.matches("^boom\nstack traceback:", problem)
    assert.matches("in upvalue 'boom'", problem)
  end)

  it("returns what was done before the function raised, and raises then", function()
    local s <close> = gate.start { delay = 0 }
    local closed = {}
    local function work(item)
      if item == 3 then error("no more", 0) end
      return (assert(s.records:close("UR-" .. item, "B-1")))
    end
    local done, problem = pcall(function()
      for item in s.client:parallel(1, { 1, 2, 3 }, work) do closed[#closed + 1] = item end
    end)
    assert.is_false(done)
    assert.matches("^no more\n", problem)
    assert.same({ 1, 2 }, closed)
    assert.equal(2, s.raw:account().total)
  end)

  it("closes what the function left open when it raised, and ends its call", function()
    local s <close> = gate.start { delay = 0 }
    local closed, thread = 0, nil
    s.client:addBeforeRequestHook(function() error("no request", 0) end)
    assert.is_false(pcall(function()
      for _ in s.client:parallel(1, { "UR-1" }, function(id)
        local _ <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
        thread = coroutine.running()
        return s.records:close(id, "B-1")
      end) do end
    end))
    assert.equal(1, closed)
    assert.equal("dead", coroutine.status(thread))
  end)

  it("raises a memory error of the function as Lua does, without a traceback", function()
    local s <close> = gate.start { delay = 0 }
    local done, problem = pcall(function()
      for _ in s.client:parallel(1, { 1 }, function() return ("x"):rep(1 << 62) end) do end
    end)
    assert.is_false(done)
    assert.matches("resulting string too large", problem)
    done, problem = pcall(function()
      for _ in s.client:parallel(1, { 1 }, function() error("not enough memory", 0) end) do end
    end)
    assert.same({ false, "not enough memory" }, { done, problem })
  end)

  it("raises an error that is no string as it is", function()
    local s <close> = gate.start { delay = 0 }
    local thing = {}
    local done, problem = pcall(function()
      for _ in s.client:parallel(4, ids(3), function() error(thing) end) do end
    end)
    assert.is_false(done)
    assert.equal(thing, problem)
  end)

  it("raises an error of the iterator of the items", function()
    local s <close> = gate.start { delay = 0 }
    local problem = misuse(function()
      for _ in s.client:parallel(4, function() error "no more" end, print) do end
    end)
    assert.matches("^no more\n", problem)
  end)

  it("tells a function that yields by itself", function()
    local s <close> = gate.start { delay = 0 }
    assert.matches("^a function that client:parallel runs has yielded: only its calls may\n", misuse(function()
      for _ in s.client:parallel(2, ids(3), function() coroutine.yield() end) do end
    end))
  end)

  it("ends every call when the client is closed", function()
    local s <close> = gate.start { hold = 100 }
    local failures, started = {}, 0
    for id, chunk, failure in s.client:parallel(5, ids(5), function(id)
      started = started + 1
      if started < 5 then return s.records:close(id, "B-1") end
      s.client:close()
    end) do
      assert.is_nil(chunk)
      failures[id] = failure and failure.kind or "none"
    end
    assert.same({ ["UR-1"] = "cancelled", ["UR-2"] = "cancelled", ["UR-3"] = "cancelled", ["UR-4"] = "cancelled",
      ["UR-5"] = "none" }, failures)
  end)

  it("leaves nothing behind when its loop is never ended", function()
    local s <close> = gate.start { hold = 100 }
    local client = setmetatable({ connect.ConnectClient(s.client.endpoint, service.key) }, { __mode = "v" })
    do
      local records = client[1].usageRecords
      local next, run = client[1]:parallel(2, ids(2), function(id) return records:close(id, "B-1") end)
      -- The calls are in flight; the iterator is called from a coroutine that is then given up.
      local thread = coroutine.create(function() return next(run) end)
      debug.sethook(thread, function() error "given up" end, "", 500)
      assert.is_false(coroutine.resume(thread))
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(client[1])
  end)
end)

describe("client:parallel, ended by one of its own functions", function()
  it("comes to its end, and sends nothing more", function()
    local s <close> = gate.start { delay = 0 }
    local next, run, _, closing
    next, run, _, closing = s.client:parallel(2, ids(4), function(id)
      getmetatable(closing).__close(closing)
      return id
    end)
    local results = 0
    for _ in next, run do
      results = results + 1
      assert.is_true(results <= 4)
    end
    assert.is_true(results <= 1)
    assert.equal(0, s.raw:account().total)
  end)
end)

describe("client:parallel, its client stepped by a debug hook", function()
  for number = 1, 25 do
    it(("loses none of those it wakes, at instruction %d"):format(number), function()
      local s <close> = gate.start { hold = 8 }
      assert.equal(16, count(stepping(s.client, "/tasks.lua", number, function() return closeAll(s, 8, ids(16)) end)))
    end)
  end

  for number = 1, 25 do
    it(("loses none in a host's loop, at instruction %d"):format(number), function()
      local s <close> = gate.start { hold = 8 }
      local loop <close> = handloop.new()
      s.client:attach(loop.functions)
      stepping(s.client, "/tasks.lua", number, function()
        local task = loop:spawn(function() return count(closeAll(s, 8, ids(16))) end)
        loop:run()
        assert.equal(16, task.results[1])
      end)
    end)
  end
end)

describe("client:parallel in a host's loop", function()
  -- Closes so many records by tasks, in a coroutine of the loop; others may do something for an item before.
  local function spawn(loop, client, records, number, before)
    local items = {}
    for i = 1, number do items[i] = i end
    return loop:spawn(function()
      local closed = 0
      for _, chunk in client:parallel(number, items, function(i)
        if before then before(i) end
        return records:close("UR-" .. i, "B-1")
      end) do
        closed = closed + (chunk and 1 or 0)
      end
      return closed
    end)
  end

  it("waits there", function()
    local s <close> = gate.start { hold = 4 }
    local loop <close> = handloop.new()
    s.client:attach(loop.functions)
    local one = spawn(loop, s.client, s.records, 2)
    assert.is_nil(one.results)
    assert.equal(1, loop:watching())
    local two = spawn(loop, s.client, s.records, 2)
    loop:run()
    assert.same({ 2, 2 }, { one.results[1], two.results[1] })
    assert.equal(4, s.raw:account().most)
    assert.equal(0, loop:watching())
  end)

  it("goes on, and blocks, when the client is detached", function()
    local s <close> = gate.start { hold = 3 }
    local loop <close> = handloop.new()
    s.client:attach(loop.functions)
    local task = spawn(loop, s.client, s.records, 3)
    s.client:detach()
    assert.equal(0, loop:watching())
    loop:run()
    assert.equal(3, task.results[1])
    assert.equal(3, s.raw:account().total)
  end)

  it("goes on there when one of its functions attaches the client", function()
    local s <close> = gate.start { hold = 2 }
    local loop <close> = handloop.new()
    local task = loop:spawn(function()
      local closed = 0
      for _, chunk in s.client:parallel(3, { 1, 2, 3 }, function(i)
        if i < 3 then return s.records:close("UR-" .. i, "B-1") end
        s.client:attach(loop.functions)
      end) do
        closed = closed + (chunk and 1 or 0)
      end
      return closed
    end)
    loop:run()
    assert.equal(2, task.results[1])
    assert.is_true(loop.account.parks > 0)
    assert.equal(0, loop:watching())
  end)

  it("has it watch a client that has no loop, once for all runs, and as long as one needs it", function()
    local s <close> = gate.start { delay = 0 }
    local other <close> = gate.start { hold = 5 }
    local loop <close> = handloop.new()
    s.client:attach(loop.functions)
    local tasks = { spawn(loop, s.client, other.records, 2), spawn(loop, s.client, other.records, 2) }
    assert.equal(1, loop:watching())
    -- One of the runs ends early.
    tasks[3] = spawn(loop, s.client, other.records, 2, function(i) if i == 2 then error("enough", 0) end end)
    loop.problem = nil
    assert.matches("^enough", tasks[3].problem)
    assert.equal(1, loop:watching())
    tasks[4] = spawn(loop, s.client, other.records, 1)
    loop:run()
    assert.same({ 2, 2, 1 }, { tasks[1].results[1], tasks[2].results[1], tasks[4].results[1] })
    assert.equal(0, loop:watching())
    -- A call of its outside of tasks blocks as before.
    local parks = loop.account.parks
    loop:spawn(function() assert(other.records:close("UR-9", "B-1")) end)
    loop:run()
    assert.equal(parks, loop.account.parks)
  end)

  it("ends that watch before such a client is closed, or attached", function()
    for _, change in ipairs { "close", "attach" } do
      local s <close> = gate.start { delay = 0 }
      local other <close> = gate.start { hold = 2 }
      local loop <close> = handloop.new()
      s.client:attach(loop.functions)
      local task = spawn(loop, s.client, other.records, 2)
      other.client[change](other.client, change == "attach" and loop.functions or nil)
      loop:run()
      assert.equal(change == "close" and 0 or 2, task.results[1])
      assert.equal(0, loop:watching())
    end
  end)

  it("misses nobody who is woken while it is about to park", function()
    local s <close> = gate.start { delay = 0 }
    local other <close> = gate.start { delay = 0 }
    local loop <close> = handloop.new()
    local watch, token = loop.functions.watch, loop.functions.token
    -- The host steps until the calls are over, where it should only take note.
    local function step()
      local patience = s.raw:account().total
      while other.raw:account().total + s.raw:account().total < 2 and patience < 1000 do
        patience = patience + 1
        other.client:step(0.001)
        s.client:step(0.001)
      end
      for _ = 1, 20 do
        other.client:step(0.001)
        s.client:step(0.001)
      end
    end
    loop.functions.watch = function(...)
      local unwatch = watch(...)
      step()
      return unwatch
    end
    loop.functions.token = function()
      local t = token()
      if t then step() end
      return t
    end
    s.client:attach(loop.functions)
    local task = loop:spawn(function()
      local closed = 0
      for _, chunk in s.client:parallel(2, { s, other }, function(of) return of.records:close("UR-1", "B-1") end) do
        closed = closed + (chunk and 1 or 0)
      end
      return closed
    end)
    loop:run()
    assert.equal(2, task.results[1])
  end)

  it("goes on by the next one who is woken, when the loop could not wake it", function()
    local s <close> = gate.start { hold = 2 }
    local loop <close> = handloop.new()
    local wake, failed = loop.functions.wake, 0
    loop.functions.wake = function(token)
      failed = failed + 1
      if failed == 1 then error("not now", 0) end
      return wake(token)
    end
    s.client:attach(loop.functions)
    local task = spawn(loop, s.client, s.records, 2)
    local problems = {}
    while loop.left > 0 do
      local done, problem = pcall(loop.step, loop, 0.02)
      if not done then problems[#problems + 1] = problem end
    end
    assert.equal(2, task.results[1])
    assert.same({ "not now" }, problems)
  end)

  it("ends its watches when it is ended, though the loop raises", function()
    local s <close> = gate.start { delay = 0 }
    local one <close> = gate.start { hold = 9 }
    local two <close> = gate.start { hold = 9 }
    local loop <close> = handloop.new()
    local watch = loop.functions.watch
    loop.functions.watch = function(...)
      local unwatch = watch(...)
      return function()
        unwatch()
        error "no end"
      end
    end
    s.client:attach(loop.functions)
    local task = loop:spawn(function()
      for _ in s.client:parallel(3, { one, two, 3 }, function(of)
        if of ~= 3 then return of.records:close("UR-1", "B-1") end
        s.records:close("UR-1", "B-1")
      end) do
        error("enough", 0)
      end
    end)
    loop:waitFor(function() return loop.left == 0 end)
    assert.equal("enough", task.problem)
    assert.equal(0, loop:watching())
  end)
end)

describe("client:parallel refuses", function()
  local s
  setup(function() s = gate.start { delay = 0 } end)
  teardown(function() s:stop() end)

  it("a limit that is no positive integer", function()
    for _, limit in ipairs { 0, -1, 1.5, "4", false } do
      assert.equal(("bad argument #1 to 'parallel' (limit must be an integer, 1 or more, got %s)"):format(limit),
        misuse(function() s.client:parallel(limit, {}, print) end))
    end
  end)

  it("items that are no list and no iterator", function()
    assert.equal("bad argument #2 to 'parallel' (items must be a list or an iterator, got nil)",
      misuse(function() s.client:parallel(4, nil, print) end))
  end)

  it("what is no function, and one argument too many", function()
    assert.equal("bad argument #3 to 'parallel' (fn must be a function, got nil)",
      misuse(function() s.client:parallel(4, {}) end))
    assert.equal("bad argument #4 to 'parallel' (one argument too many: a number)",
      misuse(function() s.client:parallel(4, {}, print, 1) end))
  end)

  it("another object", function()
    assert.matches("ConnectClient expected", misuse(function() s.client.parallel({}, 4, {}, print) end))
  end)
end)

local DRAFT = "UF-2026-01-0000-0003"

describe("a file in a task", function()
  it("is read and written piece by piece, with its progress", function()
    local s <close> = scene.start {}
    local files = s.client.usageFiles
    local bytes = ("x"):rep(300000)
    local function upload(number)
      local left, seen = 30, 0
      local file, failure = files:upload(DRAFT, {
        name = "u" .. number .. ".xlsx",
        reader = function()
          left = left - 1
          return left >= 0 and bytes:sub(1, 10000) or nil
        end,
      }, { onProgress = function(done) seen = done end })
      return file, failure, seen
    end
    for _, file, failure, seen in s.client:parallel(3, { 1 }, upload) do
      assert(file, failure)
      assert.is_true(seen > 300000, seen)
    end
  end)
end)

-- The rawserver's own replies have no part in this: it is here for the status alone.
describe("a failure in a task", function()
  it("is what the call returns", function()
    local s <close> = service.answering { rawserver.reply(400, '{"error_code":"VAL_001","errors":["no"]}') }
    for _, chunk, failure in s.client:parallel(2, ids(1), function(id) return s.records:close(id, "B-1") end) do
      assert.is_nil(chunk)
      assert.equal("VAL_001", failure.errorCode)
    end
  end)
end)
