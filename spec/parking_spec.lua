-- Calls that wait parked, in a host's loop: whatever order its functions are called in, and whatever they raise.

local core = require "cloudblue.connect.core"
local cqueues = require "cqueues"
local gate = require "spec.support.gate"
local plainloop = require "spec.support.plainloop"

local function close(s, id)
  return function() return (assert(s.records:close(id, "B-1"))) end
end

describe("a parked call", function()
  it("goes on when it was woken before it was parked", function()
    local s <close> = gate.start { delay = 0 }
    local loop = plainloop.new()
    local watch = loop.functions.watch
    loop.functions.watch = function(fd, onReadable)
      -- The reply comes, and the client is stepped, before the loop's park is called.
      while not next(loop.woken) do
        assert(cqueues.poll({ pollfd = fd, events = "r" }, 20) ~= 20)
        onReadable()
      end
      return watch(fd, onReadable)
    end
    s.client:attach(loop.functions)
    assert.equal("UR-1", loop:run(close(s, "UR-1"))[1].id)
    assert.equal("wake", loop.log[1])
    assert.is_true(loop:count "park" >= 1)
  end)

  it("waits on where its coroutine goes on too early", function()
    local s <close> = gate.start { delay = 0.1 }
    local loop = plainloop.new()
    s.client:attach(loop.functions)
    local runs = loop:start(close(s, "UR-1"))
    for _ = 1, 5 do
      loop.woken[runs[1].thread] = true
      assert(coroutine.resume(runs[1].thread))
      assert.is_nil(runs[1].results)
    end
    assert.equal("UR-1", loop:finish(runs)[1].id)
    assert.equal(1, s.raw:account().total)
  end)

  it("is known by any token but nil", function()
    for _, token in ipairs { false, 5, "a name", {}, print } do
      local s <close> = gate.start { delay = 0.02 }
      local woken = {}
      local loop = plainloop.new {
        token = function() return token end,
        park = function(given)
          assert.is_true(rawequal(token, given))
          while not woken[token] do coroutine.yield() end
        end,
        wake = function(given) woken[given] = true end,
      }
      s.client:attach(loop.functions)
      local thread = coroutine.create(close(s, "UR-1"))
      assert(coroutine.resume(thread))
      while not woken[token] do loop:wait() end
      local done, chunk = coroutine.resume(thread)
      assert.same({ true, "UR-1" }, { done, chunk.id })
    end
  end)

  it("ends with the error that park raises, and the client goes on", function()
    local s <close> = gate.start { delay = 0.02 }
    local loop = plainloop.new { park = function() error({ "no more" }, 0) end }
    s.client:attach(loop.functions)
    assert.same({ "no more" }, loop:run(close(s, "UR-1"))[1])
    assert.is_nil(next(loop.watched))
    s.client:detach()
    assert.equal("UR-2", assert(s.records:close("UR-2", "B-1")).id)
  end)

  it("leaves nothing behind when its coroutine is given up", function()
    local s <close> = gate.start { delay = 0.02 }
    local loop = plainloop.new()
    s.client:attach(loop.functions)
    local thread = coroutine.create(close(s, "UR-1"))
    assert(coroutine.resume(thread))
    assert(coroutine.close(thread))
    assert.is_nil(next(loop.watched))
    assert.equal("UR-2", loop:run(close(s, "UR-2"))[1].id)
    assert.equal(1, loop:count "wake")
  end)
end)

describe("an error of the loop's wake", function()
  it("is raised when all are woken", function()
    local s <close> = gate.start { delay = 0 }
    local loop = plainloop.new()
    local wake, count = loop.functions.wake, 0
    loop.functions.wake = function(token)
      wake(token)
      count = count + 1
      error("wake " .. count, 0)
    end
    s.client:attach(loop.functions)
    -- Two pauses, for both of them to be over at one step however slow the machine is.
    local function pause() return core.pause(s.client, 0.01) == nil end
    local runs = loop:start(pause, pause)
    cqueues.sleep(0.1)
    local done, problem = pcall(s.client.step, s.client)
    assert.same({ false, "wake 1", 2 }, { done, problem, count })
    assert.same({ true, true }, loop:finish(runs))
  end)
end)
