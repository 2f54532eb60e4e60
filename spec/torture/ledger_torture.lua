-- Runs of 20,000 records with a ledger that meet with what ends processes, under random faults (see
-- spec/closing_ledger_lives_spec.lua and spec/closing_ledger_workers_spec.lua). Every time others: the seed is printed.
-- LEDGER_SEED and LEDGER_KILLS choose those of another time.

local faultscripts = require "spec.support.faultscripts"
local folders = require "spec.support.folder"
local lives = require "spec.support.ledgerlives"
local postgres = require "spec.support.postgres"

local KILLS = math.tointeger(tonumber(os.getenv "LEDGER_KILLS")) or 200
local SEED = math.tointeger(tonumber(os.getenv "LEDGER_SEED")) or os.time()
local RECORDS <const> = 20000

local function lines(problems) return table.concat(problems, "\n") end

describe("20,000 records", function()
  local folder, chance

  before_each(function()
    folder, chance = folders.make(), faultscripts.chance(SEED)
    print(("# LEDGER_SEED=%d"):format(SEED))
  end)
  after_each(function() folder:stop() end)

  local function start() return lives.start { records = RECORDS, ledger = folder:path("run.db"), inVain = true } end

  it("are closed once each by runs that are killed again and again, and the ledger agrees", function()
    local place <close> = start()
    local result = place:many(chance, KILLS, 1.5)
    print(("# %d runs killed, of %d lists"):format(result.killed, result.lists))
    assert.equal("", lines(result.problems))
    assert.is_true(result.killed >= KILLS)
  end)

  it("are closed once each by runs that lose their power, and what the disk held is true", function()
    local place <close> = start()
    local losses = 0
    for _ = 1, KILLS // 20 do
      place:reset()
      repeat
        place:losePower(chance, 1)
        losses = losses + 1
      until place:isDone() or losses % 10 == 0
      assert.equal("", lines(lives.problemsOf(place:finish())))
      assert.equal("", lines(place:judge()))
    end
    print(("# %d losses"):format(losses))
  end)

  it("are closed once each by runs that find the disk full, wherever that is", function()
    local place <close> = start()
    local stopped = 0
    for _ = 1, KILLS // 10 do
      place:reset()
      local summary = lives.summary(place:begin({}, lives.full(chance(3 * 1024) * 1024)))
      if summary.refusal then
        assert.same({}, place.sandbox:requests())
      else
        assert.equal("", lines(lives.problemsOf(summary)))
        stopped = stopped + (summary.stopped == "ledger" and 1 or 0)
      end
      assert.equal("", lines(lives.problemsOf(place:finish())))
      assert.equal("", lines(place:judge()))
    end
    print(("# %d runs stopped"):format(stopped))
    assert.is_true(stopped > 0)
  end)

  it("are closed once each by six workers, of which three are killed or stopped", function()
    local server <close> = postgres.start()
    local place <close> = start()
    for round = 1, KILLS // 20 do
      place.sandbox:reset()
      place.ledger = server:uri("round " .. round)
      assert.equal("", lines(place:crowd(chance, 6, { concurrency = 2, lease = 1 }, 0.5)))
      assert.equal("", lines(lives.problemsOf(place:finish())))
      assert.equal("", lines(place:judge()))
    end
  end)
end)
