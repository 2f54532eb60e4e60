local billing = require "cloudblue.connect.command.billing"
local execution = require "cloudblue.connect.command.execution"
local folders = require "spec.support.folder"
local ledger = require "cloudblue.connect.closing.ledger"
local ledgers = require "spec.support.ledgers"
local outcome = require "cloudblue.connect.command.outcome"
local refusals = require "cloudblue.connect.command.refusals"
local sources = require "cloudblue.connect.command.sources"

-- spec/command_close_spec.lua has what a user sees; here is what a closeMany that ends in an unusual way makes of it.
describe("the execution of close", function()
  local folder, voice

  before_each(function()
    folder = folders.make()
    voice = { printed = {}, quiet = true, json = false, over = function() end, say = function() end }
    voice.warn = voice.say
    function voice:print(text, kind, object)
      self.printed[#self.printed + 1] = text
      self.last = kind == "summary" and object or self.last
    end
    function voice.fail(_, ...) return nil, ... end
  end)
  after_each(function() folder:stop() end)

  -- Writes a file of so many entries.
  local function write(count, last)
    local rows = { "id,external_billing_id" }
    for number = 1, count do rows[number + 1] = ("UR-%d,B-%d"):format(number, number) end
    return folder:write("a.csv", table.concat(rows, "\n") .. "\n" .. (last or ""))
  end

  -- Runs with a closeMany of the spec's, over a file of three entries. Returns what the subcommand would.
  local function run(closeMany, given, count)
    given = given or {}
    given.file = write(count or 3)
    local records = { closeMany = function(_, ...) return closeMany(...) end }
    local source = assert(sources.file(given, billing.rules {}, voice))
    local results = table.pack(execution.run {
      given = given, voice = voice, again = "again", refusals = assert(refusals.open(given)), source = source,
      client = { attach = function() end, detach = function() end, usageRecords = records, endpoint = "http://c" },
    })
    source.close()
    return table.unpack(results, 1, results.n)
  end

  -- Takes so many entries of an iterator, as a run that sends them would, and has so many closed.
  local function take(entries, options, taken, closed)
    assert(not options.shouldStop())
    local list = {}
    for number = 1, taken do list[number] = entries() end
    local summary = outcome.zeros()
    for number = 1, closed do
      options.onResult(list[number], "closed")
      summary.closed = number
    end
    options.onProgress(summary)
    return summary
  end

  it("hands the options on", function()
    local met
    run(function(entries, options)
      met = options
      return take(entries, options, 3, 3)
    end, { workers = 7, batchSize = 8, perSecond = 9.5, maxRefused = 0, maxDuration = 1.5 })
    assert.are.same({ 7, 8, 9.5, 0, 1.5 },
      { met.concurrency, met.batchSize, met.perSecond, met.maxRefused, met.maxDuration })
  end)

  it("sends no more at once than in a second, so that its pauses are short", function()
    for perSecond, size in pairs { [0.5] = 1, [7.5] = 7, [5000] = 100 } do
      local met
      run(function(entries, options)
        met = options.batchSize
        return take(entries, options, 3, 3)
      end, { perSecond = perSecond })
      assert.are.same({ perSecond, size }, { perSecond, met })
    end
  end)

  it("counts what the run did not take as not tried, and reports it", function()
    local _, problem, code = run(function(entries, options)
      local summary = take(entries, options, 1, 1)
      summary.stopped = "maxDuration"
      return summary
    end, { report = folder:path "r.csv" })
    assert.are.same({ "closed 1, already 0, refused 0, unknown 0, not tried 2", 5 }, { voice.printed[1], code })
    assert.are.equal("Stopped, because --max-duration is over; go on with: again", problem)
    assert.is_truthy(folder:read("r.csv"):find("\nUR%-2,B%-2,,notTried,\nUR%-3,B%-3,,notTried,\n$"))
  end)

  it("says that nothing was sent where closeMany fails before it sends", function()
    local failure = { kind = "ledger", errorCode = "locked", message = "ledger run.db: another run has it" }
    local options = { report = folder:path "r.csv", ledger = folder:path "run.db" }
    assert.are.same({ nil, "ledger run.db: another run has it. Nothing was sent", 11 },
      { run(function() return nil, failure end, options) })
    failure.errorCode = "mismatch"
    assert.are.equal(2, (select(3, run(function() return nil, failure end, options))))
    assert.are.same({ "a.csv" }, folder:list())
  end)

  it("has as unknown what was under way when the ledger failed", function()
    local _, problem, code = run(function(entries, options)
      take(entries, options, 2, 1)
      return nil, { kind = "ledger", message = "ledger run.db: disk full" }
    end)
    assert.are.same({ "closed 1, already 0, refused 0, unknown 1, not tried 1", 5 }, { voice.printed[1], code })
    assert.are.equal("The ledger can't be written: ledger run.db: disk full; go on with: again", problem)
  end)

  it("ends where the input has changed, before anything of the change is sent", function()
    local _, problem, code = run(function(entries, options)
      -- More than what is read at once.
      write(7200, "UR-7201,OTHER\n")
      return take(entries, options, 7001, 7001)
    end, {}, 7500)
    assert.are.same({ folder:path "a.csv" .. " has changed since it was checked", 5 },
      { problem:match "^Stopped: (.-); go on with: again$", code })
    assert.are.same({ 0, 7000, 500 }, { voice.last.closed, voice.last.unknown, voice.last.notTried })
  end)

  it("leaves no plan where it is interrupted while it plans", function()
    local name = folder:path "run.db"
    local nothing, problem, code = run(function(entries)
      local l <close> = assert(ledger.open(name, { create = true, exclusive = true }))
      -- To this process, which takes it when the plan gives way.
      assert(os.execute "kill -INT $PPID")
      return l:plan(entries, ledgers.WHO)
    end, { ledger = name }, 3000)
    assert.are.same({ nil, "Interrupted. Nothing was sent", 130 }, { nothing, problem, code })
    local l <close> = assert(ledger.open(name))
    assert.is_nil(l:identity())
  end)

  it("passes on errors of the program", function()
    assert.has_error(function() run(function() error({ "slip" }, 0) end) end, { "slip" })
  end)
end)
