-- Who waits parked, whatever the host's loop does meanwhile: judged by what the service received, and by a loop that
-- sees what it is asked to do (spec/support/handloop.lua).

local child = require "spec.support.child"
local cqueues = require "cqueues"
local connect = require "cloudblue.connect"
local gate = require "spec.support.gate"
local handloop = require "spec.support.handloop"
local service = require "spec.support.service"

local Scene = {}
Scene.__index = Scene

function Scene:__close()
  self.service:stop()
  self.loop:stop()
end

-- A service (see gate.lua) with a client attached to a loop.
local function start(options, client)
  local s = gate.start(options, client)
  local loop = handloop.new()
  s.client:attach(loop.functions)
  return setmetatable({ service = s, raw = s.raw, client = s.client, records = s.records, loop = loop }, Scene)
end

local function close(s, id)
  return function() return s.records:close(id, "B-1") end
end

-- Closes so many records, each in a coroutine of the loop.
local function closeMany(s, count, first)
  local tasks = {}
  for i = first or 1, (first or 1) + count - 1 do tasks[#tasks + 1] = s.loop:spawn(close(s, "UR-" .. i)) end
  return tasks
end

local function assertClosed(tasks)
  for _, task in ipairs(tasks) do
    assert(task.results and task.results[1], task.problem or task.results and task.results[2] or "not over")
    assert.equal("closed", task.results[1].status)
  end
end

describe("calls in a loop", function()
  it("wait side by side, watched once, and only while they wait", function()
    local s <close> = start { hold = 8 }
    local loop = s.loop
    local tasks = closeMany(s, 8)
    assert.equal(1, loop:watching())
    loop:run()
    assertClosed(tasks)
    assert.equal(0, loop:watching())
    assert.same({ most = 8, total = 8 }, s.raw:account())
  end)

  it("go on when they are woken twice, or before they park", function()
    local s <close> = start { hold = 4 }
    local loop = s.loop
    local functions = loop.functions
    local wake, park = functions.wake, functions.park
    function functions.wake(token)
      wake(token)
      token.woken = false
      wake(token)
    end
    function functions.park(token)
      for _ = 1, 3 do
        loop:step(0.005)
        s.client:step()
      end
      return park(token)
    end
    s.client:attach(functions)
    local tasks = closeMany(s, 4)
    loop:run()
    assertClosed(tasks)
    assert.equal(4, s.raw:account().total)
  end)

  it("park again when park returns at once, however often", function()
    local s <close> = start { hold = 2 }
    local loop = s.loop
    local functions, left = loop.functions, 100000
    local park = functions.park
    function functions.park(token)
      left = left - 1
      if left < 0 then return park(token) end
    end
    s.client:attach(functions)
    local tasks = closeMany(s, 2)
    loop:run()
    assertClosed(tasks)
    assert.is_true(left < 0)
    assert.equal(2, s.raw:account().total)
  end)

  it("go on with nobody but the spec that steps and resumes them", function()
    local s <close> = start { hold = 2 }
    local loop = s.loop
    local woken = {}
    loop.functions.wake = function(token) woken[#woken + 1] = token end
    s.client:attach(loop.functions)
    local tasks = closeMany(s, 2)
    loop:waitFor(function() return #woken == 2 end)
    -- Each is woken once for what has come, and waits until it is let go on.
    for _ = 1, 3 do s.client:step() end
    assert.equal(2, #woken)
    for _, token in ipairs(woken) do loop:resume(token.task) end
    loop:run()
    assertClosed(tasks)
  end)

  it("go on inside wake, and step the client there", function()
    local s <close> = start { hold = 6 }
    local loop = s.loop
    loop.functions.wake = function(token)
      s.client:step()
      token.woken = true
      if token.parked then loop:resume(token.task) end
      s.client:step()
    end
    s.client:attach(loop.functions)
    local tasks = {}
    for i = 1, 6 do
      tasks[i] = loop:spawn(function()
        assert(s.records:close("UR-" .. i, "B-1"))
        return s.records:close("UR-again-" .. i, "B-1")
      end)
    end
    loop:run()
    assertClosed(tasks)
    assert.equal(12, s.raw:account().total)
  end)
end)

describe("a function of the loop that raises", function()
  -- A first call meets the error; the others are as ever.
  local function endsOneCall(spoil, expected, sent)
    local s <close> = start { delay = 0.02 }
    local loop = s.loop
    local functions, armed = {}, true
    for name, fn in pairs(loop.functions) do functions[name] = fn end
    spoil(functions, function(...)
      if not armed then return false, ... end
      armed = false
      return true, ...
    end)
    s.client:attach(functions)
    local first = loop:spawn(close(s, "UR-first"))
    assert.matches(expected, tostring(first.problem))
    loop.problem = nil
    assert.equal(0, loop:watching())
    local tasks = closeMany(s, 3)
    loop:run()
    assertClosed(tasks)
    assert.equal(0, loop:watching())
    s.client:detach()
    assert(s.records:close("UR-last", "B-1"))
    local total = s.raw:account().total
    assert.is_true(total >= 4 and total <= 4 + sent, total)
  end

  for _, name in ipairs { "token", "park", "watch" } do
    it("ends the call with its error, and no other: " .. name, function()
      endsOneCall(function(functions, spoiled)
        local fn = functions[name]
        functions[name] = function(...)
          if spoiled() then error("no " .. name, 0) end
          return fn(...)
        end
      end, "^no " .. name .. "$", 1)
    end)
  end

  it("ends the call when watch returns no function", function()
    for _, what in ipairs { 1, "x", false } do
      endsOneCall(function(functions, spoiled)
        local watch = functions.watch
        functions.watch = function(...)
          if spoiled() then return what end
          return watch(...)
        end
      end, "the loop's watch must return a function, got " .. type(what), 1)
    end
  end)

  it("is raised by step when all are woken: wake", function()
    local s <close> = start { hold = 3 }
    local loop = s.loop
    local wake, count = loop.functions.wake, 0
    loop.functions.wake = function(token)
      wake(token)
      count = count + 1
      error("wake " .. count, 0)
    end
    s.client:attach(loop.functions)
    local tasks = closeMany(s, 3)
    local problems = {}
    while loop.left > 0 do
      local done, problem = pcall(loop.step, loop, 0.02)
      if not done then problems[#problems + 1] = problem end
    end
    assertClosed(tasks)
    assert.equal(3, count)
    assert.equal("wake 1", problems[1])
    assert.equal(0, loop:watching())
  end)

  it("becomes a warning where a watch ends", function()
    local s <close> = start { delay = 0 }
    local loop = s.loop
    local watch = loop.functions.watch
    loop.functions.watch = function(...)
      local unwatch = watch(...)
      return function()
        unwatch()
        error "no end"
      end
    end
    s.client:attach(loop.functions)
    local tasks = closeMany(s, 2)
    loop:run()
    assertClosed(tasks)
  end)
end)

describe("a coroutine that ends while its call is parked", function()
  -- The connection is free again for a call that had to wait for one.
  it("by coroutine.close: its request is cancelled, and one that waited for a connection goes on", function()
    local s <close> = start({ hold = 2 }, { maxConnections = 1, connectTimeout = 60 })
    local loop = s.loop
    local first = loop:spawn(close(s, "UR-1"))
    loop:waitFor(function() return s.raw:account().total == 1 end)
    local second = loop:spawn(close(s, "UR-2"))
    -- Past what libcurl looks at in the first moments of a connection.
    local later = cqueues.monotime() + 0.5
    loop:waitFor(function() return cqueues.monotime() > later end)
    loop:forget(first)
    assert.is_true(coroutine.close(first.thread))
    loop:run()
    assertClosed { second }
    assert.equal(2, s.raw:account().total)
    assert.equal(2, s.raw:connections())
  end)

  it("by the error of a debug hook", function()
    local s <close> = start { hold = 100 }
    local loop = s.loop
    local task = loop:spawn(close(s, "UR-1"))
    loop:waitFor(function() return s.raw:account().total == 1 end)
    debug.sethook(task.thread, function()
      debug.sethook()
      error("given up", 0)
    end, "crl")
    loop:resume(task)
    assert.equal("given up", task.problem)
    assert.equal(0, loop:watching())
  end)

  it("by the collector: nothing is left of it, and nothing more is sent", function()
    local s <close> = start { hold = 100 }
    local loop = s.loop
    -- Tokens that hold nothing.
    loop.functions.token = function() return 7 end
    loop.functions.park = coroutine.yield
    loop.functions.wake = function() end
    s.client:attach(loop.functions)
    do
      local thread = coroutine.wrap(function() return s.records:close("UR-1", "B-1") end)
      assert.equal(7, thread())
      thread = nil -- luacheck: ignore
    end
    loop:waitFor(function() return s.raw:account().total == 1 end)
    assert.equal(1, loop:watching())
    collectgarbage()
    collectgarbage()
    assert.equal(0, loop:watching())
    assert.equal(1, s.raw:account().total)
  end)

  it("together with its client, in one sweep", function()
    local s <close> = start { hold = 100 }
    local loop = s.loop
    local seen = setmetatable({}, { __mode = "v" })
    do
      local functions = { token = function() return 7 end, park = coroutine.yield, wake = function() end }
      local watches = setmetatable({}, { __mode = "v" })
      function functions.watch(fd, onReadable)
        watches[fd] = onReadable
        return function() end
      end
      local client = connect.ConnectClient(s.client.endpoint, service.key)
      client:attach(functions)
      seen.client = client
      coroutine.wrap(function() return client.usageRecords:close("UR-1", "B-1") end)()
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(seen.client)
    assert.equal(0, #loop.problems)
  end)

  -- A finalizer may resume what it still reaches, after the finalizer of the call in there.
  it("and is resumed by a finalizer: the call raises", function()
    local s <close> = gate.start { hold = 100 }
    local came
    do
      local box = setmetatable({}, { __gc = function(box) came = table.pack(coroutine.resume(box.thread)) end })
      local client = connect.ConnectClient(s.client.endpoint, service.key)
      client:attach {
        token = function() return 7 end,
        park = coroutine.yield,
        wake = function() end,
        watch = function() return function() end end,
      }
      box.thread = coroutine.create(function() return client.usageRecords:close("UR-1", "B-1") end)
      assert.is_true(coroutine.resume(box.thread))
    end
    collectgarbage()
    collectgarbage()
    assert.is_false(came[1])
    assert.matches("the call was collected", came[2], 1, true)
  end)
end)

describe("a client that is changed by the functions of its loop", function()
  -- Does something in a function of the loop, once; a call is parked already, and another one is about to.
  local function during(name, act, outcome)
    local s <close> = start { hold = 2 }
    local loop = s.loop
    local functions = {}
    for n, fn in pairs(loop.functions) do functions[n] = fn end
    local armed = false
    local function meddle()
      if not armed then return end
      armed = false
      act(s.client, loop)
    end
    if name == "unwatch" then
      function functions.watch(...)
        local unwatch = loop.functions.watch(...)
        return function()
          unwatch()
          meddle()
        end
      end
    else
      functions[name] = function(...)
        if name == "watch" then
          local unwatch = loop.functions.watch(...)
          meddle()
          return unwatch
        end
        meddle()
        return loop.functions[name](...)
      end
    end
    s.client:attach(functions)
    local tasks = {}
    if name ~= "watch" then tasks[1] = loop:spawn(close(s, "UR-1")) end
    armed = true
    for i = #tasks + 1, 2 do tasks[i] = loop:spawn(close(s, "UR-" .. i)) end
    loop:run()
    assert.is_false(armed, "nothing was done")
    for _, task in ipairs(tasks) do
      local chunk, failure = task.results[1], task.results[2]
      assert(outcome == "closed" and chunk or failure and failure.kind == outcome, tostring(failure or chunk))
    end
    assert.equal(0, loop:watching())
    if outcome == "closed" then assert.equal(2, s.raw:account().total) end
  end

  for _, name in ipairs { "token", "watch", "park", "wake", "unwatch" } do
    it("goes on when it is attached anew in " .. name, function()
      during(name, function(client, loop) client:attach(loop.functions) end, "closed")
    end)
    it("goes on when it is stepped and much is collected in " .. name, function()
      during(name, function(client)
        client:step()
        collectgarbage()
        client:step()
      end, "closed")
    end)
  end

  for _, name in ipairs { "token", "park" } do
    it("ends its calls when it is closed in " .. name, function()
      during(name, function(client) client:close() end, "cancelled")
    end)
  end

  it("ends its calls when it is closed in watch, and the watch as well", function()
    local s <close> = start { hold = 2 }
    local loop, ended = s.loop, 0
    loop.functions.watch = function()
      s.client:close()
      return function() ended = ended + 1 end
    end
    s.client:attach(loop.functions)
    local task = loop:spawn(close(s, "UR-1"))
    loop:run()
    assert.equal("cancelled", task.results[2].kind)
    assert.equal(1, ended)
  end)
end)

describe("a state that ends with calls parked", function()
  local PRELUDE = [[
    local connect = require "cloudblue.connect"
    client = connect.ConnectClient(endpoint, "key")
    threads = {}
    client:attach {
      token = function() return select(2, coroutine.running()) == false and coroutine.running() or nil end,
      park = function() coroutine.yield() end,
      wake = function(token) coroutine.resume(token) end,
      watch = function(fd, onReadable)
        watched = onReadable
        return function() print "unwatched" end
      end,
    }
    function spawn(id)
      local thread = coroutine.create(function() return client.usageRecords:close(id, "B-1") end)
      threads[#threads + 1] = thread
      assert(coroutine.resume(thread))
    end
  ]]

  local function output(script)
    local s <close> = gate.start { hold = 100 }
    return child.run(('local endpoint = "%s"\n'):format(s.client.endpoint) .. PRELUDE .. script)
  end

  it("ends them, and the watch", function()
    assert.equal("unwatched\n", output [[
      for i = 1, 5 do spawn("UR-" .. i) end
      os.exit(0, true)
    ]])
  end)

  it("from within one of them", function()
    assert.equal("unwatched\n", output [[
      client:addBeforeRequestHook(function(request)
        if request.url:find "UR%-3" then os.exit(0, true) end
      end)
      for i = 1, 5 do spawn("UR-" .. i) end
    ]])
  end)

  it("in tasks", function()
    assert.equal("", output [[
      client:detach()
      local started = 0
      for _ in client:parallel(5, { 1, 2, 3, 4, 5 }, function(i)
        started = started + 1
        if started == 5 then os.exit(0, true) end
        return client.usageRecords:close("UR-" .. i, "B-1")
      end) do end
    ]])
  end)

  it("where nothing ends it but the end of the script", function()
    assert.equal("unwatched\n", output [[ for i = 1, 5 do spawn("UR-" .. i) end ]])
  end)
end)

describe("a finalizer", function()
  -- It runs while the first call of a client is about to park.
  it("that starts a call in the loop loses neither", function()
    for size = 1, 60 do
      local s <close> = start { hold = 2 }
      local loop = s.loop
      local inner
      setmetatable({}, { __gc = function() inner = loop:spawn(close(s, "UR-2")) end })
      collectgarbage "stop"
      local ballast = {}
      for i = 1, 40 * size do ballast[i] = { i } end
      collectgarbage "incremental"
      collectgarbage "restart"
      local outer = loop:spawn(close(s, "UR-1"))
      collectgarbage()
      loop:waitFor(function() return inner and loop.left == 0 end)
      assertClosed { outer, inner }
      assert(ballast)
    end
  end)

  it("may run tasks of its own with a client that is collected with it", function()
    local s <close> = gate.start { hold = 3 }
    local closed = 0
    do
      local client = connect.ConnectClient(s.client.endpoint, service.key)
      setmetatable({ client = client }, { __gc = function(box)
        for _, chunk in box.client:parallel(3, { 1, 2, 3 }, function(i)
          return box.client.usageRecords:close("UR-" .. i, "B-1")
        end) do
          closed = closed + (chunk and 1 or 0)
        end
      end })
    end
    collectgarbage()
    collectgarbage()
    assert.equal(3, closed)
  end)
end)
