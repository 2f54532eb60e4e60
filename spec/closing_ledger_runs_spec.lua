-- records:closeMany with a ledger, judged by what the sandbox received and carried out.

local closings = require "spec.support.closings"
local connect = require "cloudblue.connect"
local folders = require "spec.support.folder"
local ledger = require "cloudblue.connect.closing.ledger"
local loops = require "cloudblue.connect.loop.cqueues"
local cqueues = require "cqueues"
local scene = require "spec.support.scene"
local service = require "spec.support.service"

local misuse = service.misuse
local BULK <const> = closings.BULK
local addsUp, entriesOf, id = closings.addsUp, closings.entriesOf, closings.id

describe("closeMany with a ledger", function()
  local folder, path, s

  before_each(function()
    folder = folders.make()
    path = folder:path("run.db")
    s = scene.start {}
  end)
  after_each(function()
    s:stop()
    folder:stop()
  end)

  local function close(entries, options)
    local given = { ledger = path, retries = 1 }
    for name, value in pairs(options or {}) do given[name] = value end
    local summary, failure = s.client.usageRecords:closeMany(entries, given)
    if summary then
      assert.is_true(addsUp(summary, "read"))
      assert.is_true(addsUp(summary.ledger, "total"))
    end
    return summary, failure
  end

  -- Every record was closed once, under its own billing id, and the ledger says so.
  local function assertClosedOnce(first, last)
    local times = closings.timesClosed(s)
    for number = first, last do assert.equal(1, times[id(number)], id(number)) end
    local l <close> = assert(ledger.open(path))
    local count = 0
    for entry, outcome in l:entries { "closed", "already" } do
      assert.equal(1, times[entry.id], outcome)
      count = count + 1
    end
    assert.equal(last - first + 1, count)
  end

  it("keeps what became of each entry", function()
    local seen = 0
    local summary = close(entriesOf(1, 250), { onResult = function(_, outcome)
      seen = seen + 1
      assert.equal("closed", outcome)
    end })
    assert.equal(250, summary.closed)
    assert.equal(250, seen)
    assert.same({
      total = 250, closed = 250, already = 0, refused = 0, unknown = 0, notTried = 0, open = 0, sent = 0,
    }, summary.ledger)
    assert.same({ BULK, BULK, BULK }, s:requests())
    assertClosedOnce(1, 250)
  end)

  it("sends nothing again of a list that is done", function()
    close(entriesOf(1, 120))
    local count = #s:requests()
    for _, entries in ipairs { entriesOf(1, 120), false } do
      local summary = close(entries or nil)
      assert.equal(0, summary.read)
      assert.equal(120, summary.ledger.closed)
    end
    assert.equal(count, #s:requests())
  end)

  it("goes on with what a run that was stopped has left, without the list", function()
    local batches = 0
    local summary = close(entriesOf(1, 300), { concurrency = 1, shouldStop = function()
      batches = batches + 1
      return batches > 2
    end })
    assert.equal("stopped", summary.stopped)
    assert.equal(300, summary.read)
    assert.equal(200, summary.closed)
    assert.equal(100, summary.notTried)
    assert.equal(100, summary.ledger.open)
    summary = close(nil)
    assert.equal(100, summary.closed)
    assert.equal(300, summary.ledger.closed)
    assertClosedOnce(1, 300)
  end)

  it("reads what a run that was killed had sent before it sends it again", function()
    -- An error in one of the run's functions ends it where it stands, as a signal does: nothing is written any more.
    for _, fault in ipairs { "reset-before", "reset-after" } do
      s.sandbox:reset()
      os.remove(path)
      s.sandbox:configure { faults = { { on = BULK, fault = fault, count = "all" } } }
      local batches = 0
      assert.is_false(pcall(close, entriesOf(1, 200), { concurrency = 2, retries = 0, batchSize = 50,
        shouldStop = function()
          batches = batches + 1
          if batches > 3 then error("killed") end
        end }))
      local l = assert(ledger.open(path))
      assert.is_true(l:counts().sent >= 50)
      l:close()
      s.sandbox:configure { faults = {} }
      s.start = #s.sandbox:requests() + 1
      local summary = close(nil, { concurrency = 1 })
      assert.is_true(summary.read >= 100)
      assert.equal(200, summary.ledger.closed)
      assert.matches("^GET /usage/records/UR", s:requests()[1])
      assertClosedOnce(1, 200)
    end
  end)

  it("has a record that is refused until another list has it", function()
    assert(s.client.usageRecords:close(id(2), "THEIRS"))
    local summary = close(entriesOf(1, 3))
    assert.equal(1, summary.refused)
    assert.equal(1, close(nil).ledger.refused)
    local l <close> = assert(ledger.open(path))
    local entry, outcome, message = l:entries { "refused" }()
    assert.equal(id(2), entry.id)
    assert.equal("refused", outcome)
    assert.matches("THEIRS", message)
  end)

  it("takes up what stayed unknown", function()
    s.sandbox:configure { faults = {
      { on = BULK, fault = "reset-after" },
      { on = "GET /usage/records/*", fault = "status", status = 500, count = "all" },
    } }
    local summary = close(entriesOf(1, 20), { retries = 0 })
    assert.equal(20, summary.unknown)
    assert.equal(20, summary.ledger.unknown)
    s.sandbox:configure { faults = {} }
    summary = close(nil)
    assert.equal(20, summary.closed)
    assert.equal(20, summary.ledger.closed)
    assertClosedOnce(1, 20)
  end)

  it("sends nothing where the last entry of an iterator is wrong, or repeats another in another way", function()
    for problem, last in pairs {
      ["entry 251: id must be a string, got number"] = { id = 7 },
      [("entry 251: %s stands already in entry 3, with another billing id or note"):format(id(3))] = { id = id(3) },
    } do
      local list = entriesOf(1, 250)
      list[251] = last
      local index = 0
      local done, raised = pcall(close, function()
        index = index + 1
        return list[index]
      end)
      assert.is_false(done)
      assert.equal(problem, raised)
      assert.equal(("bad argument #1 to 'closeMany' (%s)"):format(problem), misuse(function() close(list) end))
    end
    assert.same({}, s:requests())
  end)

  it("sends a record once that stands there twice in the same way", function()
    local list = entriesOf(1, 20)
    table.move(entriesOf(5, 8), 1, 4, 21, list)
    local summary = close(list)
    assert.equal(20, summary.read)
    assert.equal(4, summary.repeated)
    assert.equal(4, close(list).repeated)
    assertClosedOnce(1, 20)
  end)

  it("goes on with the right key where nothing was closed under a wrong one", function()
    local wrong <close> = connect.ConnectClient(s.sandbox.endpoint, "ApiKey SU-999:s3cret")
    local summary = wrong.usageRecords:closeMany(entriesOf(1, 250), { ledger = path, concurrency = 2 })
    assert.same({ "denied", 250 }, { summary.stopped, summary.notTried })
    summary = close(entriesOf(1, 250))
    assert.equal(250, summary.ledger.closed)
    assertClosedOnce(1, 250)
  end)

  it("belongs to one list, endpoint and account", function()
    close(entriesOf(1, 10))
    local count = #s:requests()
    local _, failure = close(entriesOf(1, 9))
    assert.equal("ledger", failure.kind)
    assert.matches("it holds another list %(10 entries, planned .*%); this one has 9", failure.message)
    local client <close> = connect.ConnectClient(s.sandbox.endpoint, "ApiKey SU-999:s3cret")
    _, failure = client.usageRecords:closeMany(nil, { ledger = path })
    assert.matches("it belongs to another account", failure.message)
    local other <close> = connect.ConnectClient("https://connect.test/public/v1", s.sandbox.apiKey)
    _, failure = other.usageRecords:closeMany(nil, { ledger = path })
    assert.matches("it belongs to another endpoint: http://.*, not https://connect.test/public/v1", failure.message)
    assert.equal(count, #s:requests())
    -- Another secret of the same service user is the same account.
    s.sandbox:configure { apiKey = "ApiKey SU-000-000-000:renewed" }
    local renewed <close> = connect.ConnectClient(s.sandbox.endpoint, "ApiKey SU-000-000-000:renewed")
    local summary = renewed.usageRecords:closeMany(entriesOf(1, 10), { ledger = path })
    s.sandbox:configure { apiKey = "ApiKey SU-000-000-000:not-a-secret" }
    assert.equal(10, summary.ledger.closed)
    local bytes = folder:read("run.db") .. (folder:read("run.db-wal") or "")
    assert.is_nil(bytes:find("SU-000-000-000", 1, true))
    assert.is_nil(bytes:find("not-a-secret", 1, true))
  end)

  it("is one run's at a time", function()
    local failure
    local summary = close(entriesOf(1, 10), { onProgress = function() failure = select(2, close(nil)) end })
    assert.equal(10, summary.closed)
    assert.equal("ledger", failure.kind)
    assert.equal("locked", failure.errorCode)
  end)

  it("can be looked at meanwhile", function()
    local seen
    close(entriesOf(1, 40), { batchSize = 10, concurrency = 1, onProgress = function()
      local l <close> = assert(ledger.open(path))
      seen = seen or l:counts()
    end })
    assert.equal(40, seen.total)
    assert.is_true(seen.closed >= 10, seen.closed)
  end)

  it("that can't be written any more stops the run, and what is not recorded is read by the next one", function()
    local environment = require("luasql.sqlite3").sqlite3()
    local blocker
    local summary = close(entriesOf(1, 300), { concurrency = 1, onProgress = function(now)
      if blocker then return end
      -- As a disk that is full.
      blocker = environment:connect(path)
      assert(blocker:execute([[CREATE TRIGGER full BEFORE UPDATE ON batches
        BEGIN SELECT raise(ABORT, 'database or disk is full'); END]]))
      assert.is_true(now.closed >= 100)
    end })
    assert.equal("ledger", summary.stopped)
    assert.equal("ledger", summary.failure.kind)
    assert.matches("database or disk is full", summary.failure.message)
    assert.equal(300, summary.read)
    assert(blocker:execute("DROP TRIGGER full"))
    blocker:close()
    environment:close()
    s.start = #s.sandbox:requests() + 1
    summary = close(nil)
    assert.equal(300, summary.ledger.closed)
    assert.matches("^GET /usage/records/UR", s:requests()[1])
    assertClosedOnce(1, 300)
  end)

  it("is refused where it can't be opened, and nothing is sent", function()
    local summary, failure = close(entriesOf(1, 10), { ledger = folder:path("no/run.db") })
    assert.is_nil(summary)
    assert.equal("ledger", failure.kind)
    summary, failure = close(nil)
    assert.is_nil(summary)
    assert.equal(("ledger %s: there is no such file"):format(path), failure.message)
    assert.same({}, s:requests())
  end)

  it("works in tasks and in a host's loop", function()
    local results = {}
    for _, summary in s.client:parallel(2, { 1, 2 }, function(number)
      return s.client.usageRecords:closeMany(entriesOf(number * 100 + 1, number * 100 + 50),
        { ledger = folder:path(number .. ".db"), batchSize = 10 })
    end) do
      results[#results + 1] = summary.ledger.closed
    end
    assert.same({ 50, 50 }, results)
    local loop = cqueues.new()
    loop:wrap(function()
      s.client:attach(loops)
      results = close(entriesOf(1, 50), { batchSize = 10 })
      s.client:detach()
    end)
    assert(loop:loop())
    assert.equal(50, results.ledger.closed)
  end)

  it("has options that are checked", function()
    for option, problem in pairs {
      ledger = "option 'ledger' must be the name of a file, or postgres://…, got ",
      lease = "option 'lease' must be a number of seconds, got ",
    } do
      for _, value in ipairs { false, "", -1 } do
        assert.equal(("bad argument #2 to 'closeMany' (%s%s)"):format(problem, tostring(value)),
          misuse(function() s.client.usageRecords:closeMany({}, { [option] = value }) end))
      end
    end
    assert.equal("bad argument #1 to 'closeMany' (entries must be a list or an iterator, got nil)",
      misuse(function() s.client.usageRecords:closeMany(nil, {}) end))
  end)
end)
