-- Calls that block the thread, while others are parked.

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"
local gate = require "spec.support.gate"
local plainloop = require "spec.support.plainloop"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

-- More clients than are waited for at once (CLIENTS_MOST in cbl_block.c).
local MANY <const> = 70

local function close(records, id)
  return function() return (assert(records:close(id, "B-1"))) end
end

describe("a call that blocks", function()
  it("ends as soon as its reply comes, though another client's calls go on", function()
    local slow <close> = gate.start { delay = SLOWNESS }
    local s <close> = gate.start { delay = 0.02 }
    local loop = plainloop.new()
    slow.client:attach(loop.functions)
    local runs = loop:start(close(slow.records, "UR-1"))
    local start = cqueues.monotime()
    for _ = 1, 3 do assert.equal("UR-9", close(s.records, "UR-9")().id) end
    assert.is_true(cqueues.monotime() - start < 0.8 * SLOWNESS)
    assert.equal("UR-1", loop:finish(runs)[1].id)
  end)

  it("ends at its timeout, though another client's calls go on", function()
    local slow <close> = gate.start { delay = SLOWNESS }
    local silent <close> = service.scripted { { { read = "request" }, { hang = true } } }
    local loop = plainloop.new()
    slow.client:attach(loop.functions)
    local runs = loop:start(close(slow.records, "UR-1"))
    local start = cqueues.monotime()
    local _, failure = silent.records:get("UR-9", { timeout = 0.1 * SLOWNESS })
    assert.equal("transport", failure.kind)
    assert.is_true(cqueues.monotime() - start < 0.9 * SLOWNESS)
    assert.equal("UR-1", loop:finish(runs)[1].id)
  end)

  it("goes on after its pause, though another client's calls go on", function()
    local slow <close> = gate.start { delay = 1.5 * SLOWNESS }
    local s <close> = gate.start({ first = 503, delay = 0 }, { retries = 1 })
    local loop = plainloop.new()
    slow.client:attach(loop.functions)
    local runs = loop:start(close(slow.records, "UR-1"))
    local start = cqueues.monotime()
    assert.equal("UR-9", close(s.records, "UR-9")().id)
    assert.is_true(cqueues.monotime() - start < 1.3 * SLOWNESS)
    assert.equal(2, s.raw:account().total)
    assert.equal("UR-1", loop:finish(runs)[1].id)
  end)

  it("rests until then, though a task can go on that has to wait for it", function()
    local time <close> = testenv.start()
    local quick <close> = gate.start { delay = 0.01 }
    local slow <close> = gate.start { delay = 0.3 * SLOWNESS }
    local waits
    local function work(id)
      if id == "UR-1" then return close(quick.records, id)() end
      time.breakWaits(0, 0)
      coroutine.wrap(close(slow.records, id))() -- in a coroutine of its own: it blocks
      waits = time.breakWaits(0, 0)
    end
    for _ in quick.client:parallel(2, { "UR-1", "UR-2" }, work) do end
    assert.is_true(waits < 100, waits .. " waits")
  end)

  it("lets a debug hook end it, though another client's calls go on", function()
    local slow <close> = gate.start { delay = 0.5 * SLOWNESS }
    local silent <close> = service.scripted { { { read = "request" }, { hang = true } } }
    local loop = plainloop.new()
    slow.client:attach(loop.functions)
    local runs = loop:start(close(slow.records, "UR-1"))
    local thread = coroutine.create(function() return silent.records:get "UR-9" end)
    local start, calls = cqueues.monotime(), 0
    debug.sethook(thread, function()
      calls = calls + 1
      if calls > 20 then error("interrupted", 0) end
    end, "c")
    local done, raised = coroutine.resume(thread)
    assert.same({ false, "interrupted" }, { done, raised })
    assert.is_true(cqueues.monotime() - start < 20 * SLOWNESS)
    assert.equal("UR-1", loop:finish(runs)[1].id)
  end)

  it("lets go on what is in flight for any number of clients", function()
    local s <close> = gate.start { delay = 0.01 }
    local other <close> = gate.start { delay = 0.5 * SLOWNESS }
    local loop, clients, runs = plainloop.new(), {}, {}
    finally(function()
      for _, client in ipairs(clients) do client:close() end
    end)
    for index = 1, MANY do
      local client = connect.ConnectClient(s.raw.url .. "/public/v1", service.key, { retries = 0 })
      client:attach(loop.functions)
      clients[index] = client
      runs[index] = loop:start(close(client.usageRecords, "UR-" .. index))[1]
    end
    assert.equal("UR-99", close(other.records, "UR-99")().id)
    for index, chunk in ipairs(loop:finish(runs)) do assert.equal("UR-" .. index, chunk.id) end
    assert.equal(MANY, s.raw:account().total)
  end)
end)
