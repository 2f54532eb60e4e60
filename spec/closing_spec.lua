-- records:closeMany, judged by what the sandbox received and carried out.

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

  it("is read where an entry is closed and has an error all the same", function()
    for _, set in ipairs { { error_codes = { "STATE_001" } }, { error_codes = "", error_details = "no" },
      { error_details = { "no" } } } do
      local s <close> = scene.start { faults = { { on = BULK, fault = "alter", set = set } } }
      assert.equal(5, closeAll(s, entriesOf(1, 5)).closed)
      assert.same({ 1, 6 }, { countOf(s, BULK), #s:requests() })
      assertClosedOnce(s, 1, 5)
    end
  end)

  it("ends the run where the key is refused to those who read it, and the rest is not asked for", function()
    local s <close> = scene.start { faults = {
      { on = BULK, fault = "reset-after", count = "all" },
      { on = "GET /**", fault = "status", status = 401, count = "all" },
    } }
    local summary = closeAll(s, entriesOf(1, 60), { batchSize = 30, concurrency = 1 })
    assert.same({ "denied", 30, 30 }, { summary.stopped, summary.unknown, summary.notTried })
    assert.equal(401, summary.failure.status)
    -- As many as are read at once.
    assert.is_true(#s:requests() <= 1 + 2 * 8, #s:requests())
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

  it("what is no list, and one argument too many", function()
    local records = s.client.usageRecords
    assert.equal("bad argument #1 to 'closeMany' (entries must be a list or an iterator, got nil)",
      misuse(function() records:closeMany() end))
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
