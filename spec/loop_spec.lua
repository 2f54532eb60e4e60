-- The methods of a client that have to do with a host's loop: attach, detach, pollfd, step, and close while calls wait.

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"
local gate = require "spec.support.gate"
local plainloop = require "spec.support.plainloop"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local misuse = service.misuse

local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

--- As many functions, each of which closes a record of its own.
local function closes(s, count)
  local list = {}
  for index = 1, count do
    list[index] = function() return (assert(s.records:close("UR-" .. index, "B-1"))) end
  end
  return table.unpack(list)
end

local function ids(chunks)
  local list = {}
  for index, chunk in ipairs(chunks) do list[index] = chunk.id end
  return list
end

local function isReadable(fd)
  return cqueues.poll({ pollfd = fd, events = "r" }, 0) ~= 0
end

describe("client:attach", function()
  it("has calls wait through the loop, so that many are in flight at once", function()
    local s <close> = gate.start { hold = 8 } -- which answers none before all eight have come
    local loop = plainloop.new()
    s.client:attach(loop.functions)
    assert.same({ "UR-1", "UR-2", "UR-3", "UR-4", "UR-5", "UR-6", "UR-7", "UR-8" }, ids(loop:run(closes(s, 8))))
    assert.same({ most = 8, total = 8 }, s.raw:account())
  end)

  it("has a call block where the loop has no token for it", function()
    local s <close> = gate.start { delay = 0 }
    local loop = plainloop.new()
    s.client:attach(loop.functions)
    assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id)
    assert.same({}, loop.log)
  end)

  it("watches the descriptor only while calls wait, and once for all of them", function()
    local s <close> = gate.start { hold = 3, delay = 0.02 }
    local loop = plainloop.new()
    s.client:attach(loop.functions)
    local runs = loop:start(closes(s, 3))
    assert.equal(1, loop:count "watch")
    loop:finish(runs)
    assert.same({ 1, 1, nil }, { loop:count "watch", loop:count "unwatch", next(loop.watched) })
    loop:run(closes(s, 1))
    assert.same({ 2, 2, nil }, { loop:count "watch", loop:count "unwatch", next(loop.watched) })
  end)

  it("takes the functions as they are then", function()
    local s <close> = gate.start { delay = 0 }
    local loop = plainloop.new()
    local functions = { table.unpack(loop.functions) }
    for name, f in pairs(loop.functions) do functions[name] = f end
    s.client:attach(functions)
    for name in pairs(functions) do functions[name] = nil end
    assert.same({ "UR-1" }, ids(loop:run(closes(s, 1))))
  end)

  it("leaves the loop that the client was attached to", function()
    local s <close> = gate.start { delay = 0 }
    local first, second = plainloop.new(), plainloop.new()
    s.client:attach(first.functions)
    s.client:attach(second.functions)
    assert.same({ "UR-1", "UR-2" }, ids(second:run(closes(s, 2))))
    assert.same({}, first.log)
  end)

  it("refuses what is no loop", function()
    local client <close> = connect.ConnectClient("http://127.0.0.1:1", "key")
    assert.equal("bad argument #1 to 'attach' (loop must be a table of functions, got nothing)",
      misuse(function() client:attach() end))
    for _, name in ipairs { "token", "park", "wake", "watch" } do
      local functions = plainloop.new().functions
      functions[name] = "no function"
      assert.equal(("bad argument #1 to 'attach' (the loop's %s must be a function, got string)"):format(name),
        misuse(function() client:attach(functions) end))
    end
    assert.equal("bad argument #2 to 'attach' (one argument too many: a number)",
      misuse(function() client:attach(plainloop.new().functions, 5) end))
    client:close()
    assert.matches("the client is closed", misuse(function() client:attach(plainloop.new().functions) end), 1, true)
  end)

  it("refuses a watch that can't be ended", function()
    local s <close> = gate.start { delay = 0 }
    local loop = plainloop.new { watch = function() return true end }
    s.client:attach(loop.functions)
    local raised = loop:run(function() s.records:close("UR-1", "B-1") end)[1]
    assert.matches("the loop's watch must return a function, got boolean", raised, 1, true)
  end)
end)

describe("client:detach", function()
  it("has those who wait block, and they get their answers", function()
    local s <close> = gate.start { hold = 2 }
    local loop = plainloop.new()
    s.client:attach(loop.functions)
    local runs = loop:start(closes(s, 2))
    s.client:detach()
    assert.same({ 2, nil }, { loop:count "wake", next(loop.watched) })
    assert.same({ "UR-1", "UR-2" }, ids(loop:finish(runs)))
    assert.equal(2, loop:count "park")
  end)

  it("does nothing where there is no loop", function()
    local client <close> = connect.ConnectClient("http://127.0.0.1:1", "key")
    client:detach()
    client:close()
    client:detach()
    assert.equal("bad argument #1 to 'detach' (one argument too many: a number)",
      misuse(function() client:detach(1) end))
  end)
end)

describe("client:pollfd", function()
  it("is a descriptor that is readable when client:step has something to do", function()
    local s <close> = gate.start { delay = 0.05 }
    local loop = plainloop.new { watch = function() return function() end end }
    s.client:attach(loop.functions)
    local fd = s.client:pollfd()
    assert.equal("integer", math.type(fd))
    assert.is_false(isReadable(fd))
    local runs = loop:start(closes(s, 1))
    assert.equal(fd, s.client:pollfd())
    local finish = cqueues.monotime() + 20 * SLOWNESS
    while not runs[1].results do
      assert.is_true(cqueues.monotime() < finish)
      assert.is_not.equal(0, cqueues.poll({ pollfd = fd, events = "r" }, 20 * SLOWNESS))
      s.client:step()
      if loop.woken[runs[1].thread] then assert(coroutine.resume(runs[1].thread)) end
    end
    assert.equal("UR-1", runs[1].results[2].id)
    assert.is_false(isReadable(fd))
  end)

  it("is readable when a pause is over", function()
    local later = rawserver.reply(503, "{}", { ["Retry-After"] = "0" })
    local s <close> = service.answering({ later, service.closed "UR-1" }, { retries = 1 })
    local loop = plainloop.new()
    s.client:attach(loop.functions)
    assert.same({ "UR-1" }, ids(loop:run(closes(s, 1))))
    assert.equal(2, #s:requests())
  end)

  it("raises for a closed client", function()
    local client = connect.ConnectClient("http://127.0.0.1:1", "key")
    client:close()
    assert.matches("the client is closed", misuse(function() client:pollfd() end), 1, true)
  end)
end)

describe("client:step", function()
  it("does not wait, while a service is silent", function()
    local s <close> = service.scripted { { { read = "request" }, { hang = true } } }
    local loop = plainloop.new()
    s.client:attach(loop.functions)
    local runs = loop:start(closes(s, 1))
    local start = cqueues.monotime()
    for _ = 1, 100 do s.client:step() end
    assert.is_true(cqueues.monotime() - start < 2 * SLOWNESS)
    assert.is_nil(runs[1].results)
  end)

  it("waits as long as it is told to, and no longer than for something to do", function()
    local s <close> = gate.start { delay = 0.05 }
    local loop = plainloop.new()
    s.client:attach(loop.functions)
    local start = cqueues.monotime()
    s.client:step(0.1)
    assert.is_true(cqueues.monotime() - start >= 0.1)
    local runs = loop:start(closes(s, 1))
    while not loop.woken[runs[1].thread] and cqueues.monotime() - start < 20 * SLOWNESS do s.client:step(60) end
    assert.is_true(cqueues.monotime() - start < 20 * SLOWNESS)
    assert.same({ "UR-1" }, ids(loop:finish(runs)))
  end)

  it("does nothing for a closed client", function()
    local client = connect.ConnectClient("http://127.0.0.1:1", "key")
    client:close()
    client:step()
    client:step(60)
  end)

  it("refuses what are no seconds", function()
    local client <close> = connect.ConnectClient("http://127.0.0.1:1", "key")
    for _, seconds in ipairs { -1, "1", true, 0 / 0 } do
      assert.matches("bad argument #1 to 'step' (seconds must be a number, 0 or more, got ",
        misuse(function() client:step(seconds) end), 1, true)
    end
  end)
end)

describe("client:close", function()
  -- A loop that finds out, each time it ends a watch, whether the descriptor is still open. `onEnd` runs before that,
  -- the first time.
  local function observant(opened, onEnd)
    local loop = plainloop.new()
    local watch = loop.functions.watch
    function loop.functions.watch(fd, onReadable)
      local unwatch = watch(fd, onReadable)
      return function()
        local act = onEnd
        onEnd = nil
        if act then act() end
        local link = io.open(("/proc/self/fdinfo/%d"):format(fd))
        opened[#opened + 1] = link ~= nil
        if link then link:close() end
        unwatch()
      end
    end
    return loop
  end

  it("ends the watch before the descriptor, even in the middle of another's ending it", function()
    for _, by in ipairs { "call", "detach" } do
      local s <close> = service.answering { service.closed "UR-1" }
      local opened = {}
      local loop = observant(opened, function() s.client:close() end)
      s.client:attach(loop.functions)
      local runs = loop:start(function() return s.records:close("UR-1", "B-1") end)
      if by == "detach" then s.client:detach() end
      loop:finish(runs)
      assert.same({ true, false }, opened)
      assert.matches("closed", tostring(s.client))
    end
  end)

  it("ends the calls that wait in the loop as cancelled, and the watch before the descriptor", function()
    local s <close> = service.scripted { { { read = "request" }, { hang = true } } }
    local opened = {}
    local loop = observant(opened)
    s.client:attach(loop.functions)
    local runs = loop:start(
      function() return select(2, s.records:close("UR-1", "B-1")) end,
      function() return select(2, s.records:get("UR-2")) end)
    s.client:close()
    local failures = loop:finish(runs)
    assert.same({ "cancelled", "cancelled" }, { failures[1].kind, failures[2].kind })
    assert.same({ 1, nil }, { loop:count "unwatch", next(loop.watched) })
    assert.same({ true }, opened)
  end)
end)
