-- records:closeMany, judged by what the sandbox received and carried out.

local gate = require "spec.support.gate"
local scene = require "spec.support.scene"
local service = require "spec.support.service"

local misuse = service.misuse
local BULK = "POST /usage/records/close-records"

-- The id of the n-th record of the sandbox.
local function id(number) return ("UR-2026-01-0000-0000-0000-%04d"):format(number) end

-- Entries for the records first to last, under billing ids of their own.
local function entriesOf(first, last)
  local list = {}
  for number = first, last do list[#list + 1] = { id = id(number), external_billing_id = "RUN-" .. number } end
  return list
end

-- An iterator over a list that counts what was taken.
local function counting(list)
  local count = { 0 }
  return function()
    count[1] = count[1] + 1
    return list[count[1]]
  end, count
end

local function addsUp(summary)
  return summary.read == summary.closed + summary.already + summary.refused + summary.unknown + summary.notTried
end

-- Closes entries and collects what became of each: id -> outcome.
local function closeAll(s, list, options)
  local outcomes, given = {}, { retries = 1 }
  for name, value in pairs(options or {}) do given[name] = value end
  given.onResult = function(entry, outcome)
    assert.is_nil(outcomes[entry.id])
    outcomes[entry.id] = outcome
  end
  local summary = s.client.usageRecords:closeMany(list, given)
  assert.is_true(addsUp(summary))
  return summary, outcomes
end

-- How often each record was closed, as the sandbox carried it out: every one once, under its own billing id.
local function assertClosedOnce(s, first, last)
  local times = {}
  for _, entry in ipairs(scene.applied(s.sandbox, "close")) do
    times[entry.id] = (times[entry.id] or 0) + 1
    assert.equal("RUN-" .. tonumber(entry.id:match "%d+$"), entry.external_billing_id)
  end
  for number = first, last do assert.equal(1, times[id(number)], id(number)) end
end

local function countOf(s, request)
  local n = 0
  for _, line in ipairs(s:requests()) do n = n + (line == request and 1 or 0) end
  return n
end

describe("closeMany", function()
  it("closes a list in batches by the bulk route", function()
    local s <close> = scene.start {}
    local summary, outcomes = closeAll(s, entriesOf(1, 250))
    assert.same({ read = 250, closed = 250, already = 0, refused = 0, unknown = 0, notTried = 0, repeated = 0 },
      summary)
    assert.equal("closed", outcomes[id(250)])
    assert.same({ BULK, BULK, BULK }, s:requests())
    assertClosedOnce(s, 1, 250)
  end)

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

  it("sends notes, and entries without a billing id", function()
    local s <close> = scene.start {}
    local summary = s.client.usageRecords:closeMany { { id = id(1), external_billing_note = "January" } }
    assert.equal(1, summary.closed)
    assert.equal("January", s.sandbox:record(id(1)).external_billing_note)
    assert.is_nil(s.sandbox:record(id(1)).external_billing_id)
  end)

  it("does nothing for an empty list", function()
    local s <close> = scene.start {}
    assert.equal(0, s.client.usageRecords:closeMany({}).read)
    assert.same({}, s:requests())
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
end)

describe("An entry of closeMany", function()
  it("that is closed under its own billing id was done already", function()
    local s <close> = scene.start {}
    closeAll(s, entriesOf(1, 5))
    local summary, outcomes = closeAll(s, entriesOf(1, 10))
    assert.equal(5, summary.already)
    assert.equal(5, summary.closed)
    assert.equal("already", outcomes[id(3)])
    assertClosedOnce(s, 1, 10)
  end)

  it("that somebody else has closed, or that does not exist, is refused, and says why", function()
    local s <close> = scene.start {}
    assert(s.client.usageRecords:close(id(1), "THEIRS"))
    local failures = {}
    local list = entriesOf(1, 3)
    list[3].id = "UR-none"
    local summary = s.client.usageRecords:closeMany(list, { onResult = function(entry, outcome, what)
      if outcome == "refused" then failures[entry.id] = what end
    end })
    assert.equal(2, summary.refused)
    assert.equal("record", failures[id(1)].kind)
    assert.equal("OBJ_001", failures["UR-none"].errorCode)
    assert.equal("rejected", failures["UR-none"].outcome)
    assert.matches("/usage/records/close%-records$", failures["UR-none"].url)
  end)

  it("that stands there twice in the same way is sent once", function()
    local s <close> = scene.start {}
    local list = entriesOf(1, 3)
    list[4] = { id = id(2), external_billing_id = "RUN-2" }
    local summary = closeAll(s, list)
    assert.equal(3, summary.read)
    assert.equal(1, summary.repeated)
    local iterator = counting(list)
    assert.equal(1, s.client.usageRecords:closeMany(iterator).repeated)
    assertClosedOnce(s, 1, 3)
  end)
end)

describe("What a batch leaves in doubt", function()
  it("is read, and not sent again where it was carried out", function()
    local s <close> = scene.start { faults = { { on = BULK, fault = "reset-after" } } }
    local summary, outcomes = closeAll(s, entriesOf(1, 20))
    assert.equal(20, summary.closed)
    assert.equal("closed", outcomes[id(1)])
    assert.equal(1, countOf(s, BULK))
    assert.equal(21, #s:requests())
    assertClosedOnce(s, 1, 20)
  end)

  it("is sent again where it was not", function()
    local s <close> = scene.start { faults = { { on = BULK, fault = "status", status = 502 } } }
    local summary = closeAll(s, entriesOf(1, 20))
    assert.equal(20, summary.closed)
    assert.equal(2, countOf(s, BULK))
    assertClosedOnce(s, 1, 20)
  end)

  for _, fault in ipairs { "truncate", "garbage", "empty", "reset-middle" } do
    it("after the fault " .. fault .. " is closed once", function()
      local s <close> = scene.start { faults = { { on = BULK, fault = fault } } }
      assert.equal(20, closeAll(s, entriesOf(1, 20)).closed)
      assertClosedOnce(s, 1, 20)
    end)
  end

  it("is read record by record where entries of the reply are missing or unclear", function()
    local s <close> = scene.start { faults = { { on = BULK, fault = "alter", set = { status = "closing" } } } }
    assert.equal(20, closeAll(s, entriesOf(1, 20)).closed)
    assert.equal(1, countOf(s, BULK))
    assertClosedOnce(s, 1, 20)
  end)

  it("is unknown where it can't be read either", function()
    local s <close> = scene.start { faults = {
      { on = BULK, fault = "reset-after", count = "all" },
      { on = "GET /**", fault = "status", status = 500, count = "all" },
    } }
    local summary = closeAll(s, entriesOf(1, 5))
    assert.equal(5, summary.unknown)
    assertClosedOnce(s, 1, 5)
  end)

  it("is refused where somebody else's close is found", function()
    local s <close> = scene.start { faults = { { on = BULK, fault = "status", status = 502 } } }
    assert(s.client.usageRecords:close(id(1), "THEIRS"))
    local summary = closeAll(s, entriesOf(1, 3))
    assert.equal(1, summary.refused)
    assert.equal(2, summary.closed)
  end)
end)

describe("A batch that the service does not take", function()
  it("is halved by 413, and so are those after it", function()
    local s <close> = scene.start { faults = { { on = BULK, fault = "status", status = 413 } } }
    assert.equal(40, closeAll(s, entriesOf(1, 40), { batchSize = 20, concurrency = 1 }).closed)
    -- 20, refused; 10 and 10; then 10 and 10.
    assert.equal(5, countOf(s, BULK))
    assertClosedOnce(s, 1, 40)
  end)

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

  it("is closed record by record where there is no bulk route", function()
    local s <close> = scene.start {}
    s.sandbox:configure { bulkRoute = false }
    local summary = closeAll(s, entriesOf(1, 20), { batchSize = 10 })
    assert.equal(20, summary.closed)
    assert.is_true(countOf(s, BULK) <= 2)
    assertClosedOnce(s, 1, 20)
  end)

  it("is closed record by record where it is refused as a whole", function()
    local s <close> = scene.start { faults = { { on = BULK, fault = "status", status = 400 } } }
    assert.equal(10, closeAll(s, entriesOf(1, 10)).closed)
    assertClosedOnce(s, 1, 10)
  end)
end)

describe("closeMany stops", function()
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

describe("closeMany refuses, before anything is sent,", function()
  local s
  setup(function() s = scene.start {} end)
  teardown(function() s:stop() end)
  after_each(function() assert.same({}, s:requests()) end)

  it("a list with a wrong entry", function()
    local records = s.client.usageRecords
    for given, problem in pairs {
      [{ 7 }] = "entry 1: must be a table, got number",
      [{ { id = id(1) }, {} }] = "entry 2: id must be a string, got nil",
      [{ { id = "" } }] = "entry 1: id is empty",
      [{ { id = id(1), external_billing_id = "" } }] =
        "entry 1: external_billing_id is empty; pass nil to close without one",
      [{ { id = id(1), external_billing_note = 7 } }] = "entry 1: external_billing_note must be a string, got number",
      [{ { id = id(1), external_billing_id = "\xff" } }] = "entry 1: external_billing_id is not UTF-8",
    } do
      assert.equal(("bad argument #1 to 'closeMany' (%s)"):format(problem), misuse(function()
        records:closeMany(given)
      end))
    end
  end)

  it("a list with a record twice, in two ways, and names both places", function()
    local list = entriesOf(1, 3)
    list[4] = { id = id(2), external_billing_id = "OTHER" }
    local problem = ("entry 4: %s stands already in entry 2, with another billing id or note"):format(id(2))
    assert.equal(("bad argument #1 to 'closeMany' (%s)"):format(problem),
      misuse(function() s.client.usageRecords:closeMany(list) end))
  end)

  it("what is no list, options that are unknown or wrong, and one argument too many", function()
    local records = s.client.usageRecords
    assert.equal("bad argument #1 to 'closeMany' (entries must be a list or an iterator, got nil)",
      misuse(function() records:closeMany() end))
    assert.matches("unknown option 'batchsize'; the nearest known one is 'batchSize'",
      misuse(function() records:closeMany({}, { batchsize = 1 }) end))
    assert.equal("bad argument #2 to 'closeMany' (option 'perSecond' must be a number, more than 0, got 0)",
      misuse(function() records:closeMany({}, { perSecond = 0 }) end))
    assert.equal("bad argument #3 to 'closeMany' (one argument too many: a number)",
      misuse(function() records:closeMany({}, {}, 1) end))
  end)
end)

describe("closeMany and drain", function()
  it("are refused by what is no such object, and by a closed client", function()
    local s <close> = gate.start { delay = 0 }
    local records = s.records
    for method, arguments in pairs { closeMany = { {} }, drain = { nil, print } } do
      for _, self in ipairs { 5, "records", {}, io.stdout } do
        assert.matches("calling '" .. method .. "' on a bad self (a resource expected, got " .. type(self) .. ")",
          misuse(function() records[method](self, table.unpack(arguments, 1, 2)) end), 1, true)
      end
    end
    s.client:close()
    assert.equal("the client is closed", misuse(function() records:closeMany({ { id = "UR-1" } }) end))
    assert.equal("the client is closed", misuse(function() records:drain(nil, print) end))
    assert.equal(0, s.raw:connections())
  end)
end)

describe("closeMany with an iterator", function()
  it("finishes what it began before it raises what is wrong with an entry", function()
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
