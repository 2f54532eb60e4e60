-- Runs with a ledger in processes of their own, which meet with what ends processes: they are killed at random moments
-- under random faults, lose their power, and find no room to write. `make torture` has many more of them
-- (spec/torture/ledger_torture.lua). LEDGER_SEED chooses those of another time.

local faultscripts = require "spec.support.faultscripts"
local folders = require "spec.support.folder"
local lives = require "spec.support.ledgerlives"

local SEED = math.tointeger(tonumber(os.getenv "LEDGER_SEED")) or os.time()

describe("a run", function()
  local folder, chance

  before_each(function()
    folder, chance = folders.make(), faultscripts.chance(SEED)
  end)
  after_each(function() folder:stop() end)

  local function start(options)
    return lives.start { records = options.records, ledger = folder:path("run.db"), batchSize = 20,
      inVain = options.inVain }
  end

  it("that is killed again and again closes each record once, and its ledger agrees", function()
    local place <close> = start { records = 2000 }
    local result = place:many(chance, 6, 0.3)
    assert.same({}, result.problems, "LEDGER_SEED=" .. SEED)
    assert.is_true(result.killed >= 6)
  end)

  it("that loses its power goes on from what the disk holds, and that is true", function()
    local place <close> = start { records = 2000, inVain = true }
    for _ = 1, 3 do place:losePower(chance, 0.2) end
    assert.same({}, lives.problemsOf(place:finish()))
    assert.same({}, place:judge(), "LEDGER_SEED=" .. SEED)
  end)

  it("that finds the disk full stops, and the next one closes what it had sent", function()
    local place <close> = start { records = 2000 }
    local summary = lives.summary(place:begin({}, lives.full(384 * 1024)))
    assert.equal("ledger", summary.stopped)
    assert.matches("disk I/O error", summary.failure)
    assert.same({}, lives.problemsOf(summary))
    assert.is_true(summary.closed > 0 and summary.closed < 2000, summary.closed)
    assert.same({}, lives.problemsOf(place:finish()))
    assert.same({}, place:judge())
  end)

  it("that can't plan for want of room sends nothing", function()
    local place <close> = start { records = 2000 }
    local summary = lives.summary(place:begin({}, lives.full(64 * 1024)))
    assert.matches("disk I/O error", summary.refusal)
    assert.same({}, place.sandbox:requests())
    assert.same({}, lives.problemsOf(place:finish()))
    assert.same({}, place:judge())
  end)

  it("that may not write to its ledger, or to what stands beside it, sends nothing", function()
    local place <close> = start { records = 100 }
    place.sandbox:configure { faults = {
      { on = "POST /usage/records/close-records", nth = 3, fault = "status", status = 401, count = "all" },
    } }
    lives.summary(place:begin())
    local count = #place.sandbox:requests()
    for _, path in ipairs { place.ledger, place.ledger .. ".lock", folder.root } do
      assert(os.execute(("chmod a-w '%s'"):format(path)))
      local summary = lives.summary(place:begin({}, lives.UNPRIVILEGED))
      assert(os.execute(("chmod u+w '%s'"):format(path)))
      assert.matches("ledger .*: attempt to write a readonly database", summary.refusal)
      assert.equal(count, #place.sandbox:requests())
    end
    assert.same({}, lives.problemsOf(place:finish()))
    assert.same({}, place:judge())
  end)
end)
