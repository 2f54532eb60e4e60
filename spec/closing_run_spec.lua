-- A run of closeMany: how it takes batches, keeps to its options, and ends.

local closings = require "spec.support.closings"
local gate = require "spec.support.gate"
local scene = require "spec.support.scene"
local service = require "spec.support.service"

local misuse = service.misuse
local assertClosedOnce = closings.assertClosedOnce
local closeAll = closings.closeAll
local countOf = closings.countOf
local counting = closings.counting
local entriesOf = closings.entriesOf
local id = closings.id
local BULK <const> = closings.BULK

describe("a run of closeMany", function()
  it("reads an iterator as needed, in batches of the size that it is told", function()
    local s <close> = scene.start {}
    local iterator, count = counting(entriesOf(1, 100))
    local furthest = 0
    local summary = s.client.usageRecords:closeMany(iterator, { batchSize = 10, concurrency = 2,
      onProgress = function(now) furthest = math.max(furthest, count[1] - now.read) end })
    assert.equal(100, summary.closed)
    assert.equal(10, countOf(s, BULK))
    -- Two at work, two that wait to be taken note of, one that is collected.
    assert.is_true(furthest <= 50, furthest)
  end)

  it("sends as many batches at once as it is told", function()
    local s <close> = gate.start { hold = 3 }
    -- The gate answers with one object, which settles nothing: each record is then read.
    local summary = s.records:closeMany(entriesOf(1, 3), { batchSize = 1, concurrency = 3, retries = 0 })
    assert.equal(3, summary.read)
    assert.is_true(s.raw:account().most >= 3)
  end)

  it("reports the progress after each batch", function()
    local s <close> = scene.start {}
    local seen = {}
    s.client.usageRecords:closeMany(entriesOf(1, 30), { batchSize = 10, concurrency = 1,
      onProgress = function(summary) seen[#seen + 1] = summary.closed end })
    assert.equal(3, #seen)
    assert.equal(30, seen[3])
    assert.is_true(seen[1] >= 10 and seen[1] <= seen[2], seen[1])
  end)

  it("keeps to so many entries in a second", function()
    local s <close> = scene.start {}
    local before = s.time.clock()
    s.client.usageRecords:closeMany(entriesOf(1, 50), { batchSize = 10, perSecond = 20 })
    -- The last batch goes two seconds after the first.
    local took = s.time.clock() - before
    assert.is_true(took >= 2 and took < 3, took)
  end)

  it("finishes what it began before it raises what is wrong with an entry of an iterator", function()
    local s <close> = scene.start {}
    local list = entriesOf(1, 25)
    list[25] = { id = "" }
    local outcomes = {}
    assert.equal("entry 25: id is empty", misuse(function()
      local iterator = counting(list)
      s.client.usageRecords:closeMany(iterator, { batchSize = 10,
        onResult = function(entry, outcome) outcomes[entry.id] = outcome end })
    end))
    for number = 1, 24 do assert.equal("closed", outcomes[id(number)]) end
    assertClosedOnce(s, 1, 24)
  end)
end)

describe("a batch of a run", function()
  it("is halved where its reply takes more than half of the timeout", function()
    local s <close> = scene.start { faults = { { on = BULK, fault = "delay", seconds = 2 * scene.SHORT } } }
    local options = { batchSize = 20, concurrency = 1, timeout = 3.3 * scene.SHORT }
    assert.equal(40, closeAll(s, entriesOf(1, 40), options).closed)
    assert.equal(3, countOf(s, BULK))
  end)

  it("is as large as before when replies are quick again", function()
    local s <close> = scene.start { faults = { { on = BULK, fault = "delay", seconds = 2 * scene.SHORT } } }
    local options = { batchSize = 16, concurrency = 1, timeout = 3.3 * scene.SHORT }
    assert.equal(56, closeAll(s, entriesOf(1, 56), options).closed)
    -- Of 16, 8, 16 and 16.
    assert.equal(4, countOf(s, BULK))
  end)
end)

describe("a run of closeMany stops", function()
  for _, status in ipairs { 401, 403 } do
    it("at once where the key is refused with " .. status, function()
      local s <close> = scene.start { faults = { { on = BULK, fault = "status", status = status, count = "all" } } }
      local summary = closeAll(s, entriesOf(1, 50), { batchSize = 10, concurrency = 1 })
      assert.equal(50, summary.notTried)
      assert.equal("denied", summary.stopped)
      assert.equal(status, summary.failure.status)
      assert.same({ BULK }, s:requests())
    end)
  end

  it("where the service can't be had", function()
    local s <close> = scene.start {}
    s:deafen()
    local summary = closeAll(s, entriesOf(1, 50), { batchSize = 10, concurrency = 1 })
    assert.equal(50, summary.notTried)
    assert.equal("service", summary.stopped)
    assert.equal("unsent", summary.failure.outcome)
    s.sandbox:configure { listening = true }
  end)

  it("where more are refused than maxRefused says, and counts the rest", function()
    local s <close> = scene.start {}
    local list = entriesOf(1, 50)
    for number = 1, 50 do list[number].id = "UR-none-" .. number end
    local summary = closeAll(s, list, { batchSize = 10, concurrency = 1, maxRefused = 15 })
    assert.equal("maxRefused", summary.stopped)
    assert.equal(20, summary.refused)
    assert.equal(30, summary.notTried)
  end)

  it("while it waits for the next batch's turn, where it is told so", function()
    local s <close> = scene.start {}
    local before, stops = s.time.clock(), false
    local summary = closeAll(s, entriesOf(1, 50), { batchSize = 10, concurrency = 1, perSecond = 0.1,
      onProgress = function() stops = true end, shouldStop = function() return stops end })
    assert.equal("stopped", summary.stopped)
    assert.same({ 10, 40 }, { summary.closed, summary.notTried })
    -- The next batch would have gone after 100 seconds.
    assert.is_true(s.time.clock() - before < 10)
  end)

  it("where the client is closed, and says what became of what was sent", function()
    local s <close> = scene.start {}
    local summary = closeAll(s, entriesOf(1, 50), { batchSize = 10, concurrency = 1,
      onProgress = function() s.client:close() end })
    assert.equal("closed", summary.stopped)
    assert.equal(50, summary.read)
    assert.equal(0, summary.refused)
    assertClosedOnce(s, 1, summary.closed)
  end)

  it("when maxDuration is over, and finishes what it began", function()
    local s <close> = scene.start {}
    local summary = closeAll(s, entriesOf(1, 50),
      { batchSize = 10, concurrency = 1, perSecond = 10, maxDuration = 2.5 })
    assert.equal("maxDuration", summary.stopped)
    assert.equal(30, summary.closed)
    assert.equal(20, summary.notTried)
    assertClosedOnce(s, 1, 30)
  end)
end)
