-- Four workers, each a process of its own, on one list in PostgreSQL. One is killed with a batch in hand, one is
-- stopped until its lease has ended, and goes on. Judged by what the sandbox carried out and by what the ledger says.
-- LEDGER_SEED chooses the faults of another time.

local faultscripts = require "spec.support.faultscripts"
local ledger = require "cloudblue.connect.closing.ledger"
local lives = require "spec.support.ledgerlives"
local postgres = require "spec.support.postgres"

local LEASE <const> = 0.5 * (tonumber(os.getenv "TEST_SLOWNESS") or 1)

local SEED = math.tointeger(tonumber(os.getenv "LEDGER_SEED")) or os.time()

describe("four workers on one list", function()
  local server

  setup(function() server = postgres.start() end)
  teardown(function() server:stop() end)

  it("that begin at once plan it once, and close each record once, whatever becomes of two of them", function()
    local place <close> = lives.start { records = 1000, ledger = server:uri("crowd"), batchSize = 20, inVain = true }
    assert.same({}, place:crowd(faultscripts.chance(SEED), 4, { concurrency = 2, lease = 2 * LEASE }, 0.2))
    assert.same({}, lives.problemsOf(place:finish()))
    assert.same({}, place:judge(), "LEDGER_SEED=" .. SEED)
  end)

  it("close each record once, though one is killed and one loses its batch", function()
    local place <close> = lives.start { records = 3000, ledger = server:uri("four"), batchSize = 20 }
    local function answerAfter(seconds)
      place.sandbox:configure { faults = {
        { on = "POST /usage/records/close-records", fault = "delay", seconds = seconds, count = "all" },
      } }
    end
    answerAfter(0.15)
    local l <close> = assert(ledger.open(place.ledger))
    local options, known = { concurrency = 2, lease = LEASE, timeout = 20 }, {}

    local first, firstName = place:beginWorker(l, options, known)
    local second, secondName = place:beginWorker(l, options, known)
    local others = { place:begin(options), place:begin(options) }

    local left = lives.stopWithBatch(l, first, firstName)
    first:signal "KILL"
    first:stop()
    local lost = lives.stopWithBatch(l, second, secondName)
    answerAfter(0.02)
    lives.awaitTakeover(l, left, firstName)
    lives.awaitTakeover(l, lost, secondName)
    second:signal "CONT"

    for _, process in ipairs { second, table.unpack(others) } do
      local summary = lives.summary(process)
      assert.is_nil(summary.stopped)
      assert.same({}, lives.problemsOf(summary))
    end
    -- The last to leave has waited for the others: nothing is left.
    assert.equal(3000, place:counts().closed)
    assert.same({}, place:judge())
  end)

  it("stop when the database goes, and the next run closes what they had sent", function()
    local place <close> = lives.start { records = 1000, ledger = server:uri("gone"), batchSize = 20 }
    place.sandbox:configure { faults = {
      { on = "POST /usage/records/close-records", fault = "delay", seconds = 0.1, count = "all" },
    } }
    local processes = { place:begin { lease = LEASE }, place:begin { lease = LEASE } }
    lives.await(function()
      local counts = place:counts()
      return counts and counts.closed >= 100
    end)
    server:halt()
    for _, process in ipairs(processes) do
      local summary = lives.summary(process)
      assert.equal("ledger", summary.stopped)
      assert.matches("server closed the connection", summary.failure)
      assert.same({}, lives.problemsOf(summary))
    end
    server:resume()
    assert.is_true(place:counts().sent > 0)
    assert.same({}, lives.problemsOf(place:finish()))
    assert.same({}, place:judge())
  end)
end)
