local commandline = require "spec.support.commandline"
local folders = require "spec.support.folder"
local ledger = require "cloudblue.connect.closing.ledger"
local ledgers = require "spec.support.ledgers"

describe("connect-usage status", function()
  local folder, name

  before_each(function()
    folder = folders.make()
    name = folder:path "run.db"
  end)
  after_each(function() folder:stop() end)

  -- Plans so many entries, and settles one after the other with these outcomes. Where the run is cut off, it has sent
  -- one more, and the ledger is still open.
  local function fill(count, outcomes, isCutOff)
    local l = assert(ledger.open(name, { create = true, exclusive = true }))
    assert(l:plan(ledgers.each(ledgers.list(1, count)), ledgers.WHO, 1))
    local source = assert(l:source())
    for _, outcome in ipairs(outcomes) do
      assert(source:done(source:take(1), { outcome }, { outcome ~= "closed" and { message = "no way" } or nil }))
    end
    if isCutOff then return l, source:take(1) end
    assert(source:finish())
    l:close()
  end

  local function status(arguments) return commandline.run("status " .. arguments) end

  it("tells what became of the records of a ledger", function()
    fill(5, { "closed", "closed", "already", "refused", "unknown" })
    local printed, code = status(name)
    assert.are.equal(("endpoint   %s\nplanned    %s\nrecords    5\nclosed     2\nalready    1\nrefused    1\n"
      .. "unknown    1\nnot tried  0\nTo go on: connect-usage close --ledger %s\n"):format(
        ledgers.WHO.endpoint, printed:match "planned +(%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ)\n", name), printed)
    assert.are.equal(3, code)
  end)

  for code, outcomes in pairs {
    [0] = { "closed", "already" }, [1] = { "closed", "refused" }, [3] = { "refused", "unknown" }, [5] = { "refused" },
  } do
    it(("exits with %d where the run would"):format(code), function()
      fill(2, outcomes)
      assert.are.equal(code, (select(2, status(name))))
    end)
  end

  it("may be asked while a run goes on", function()
    local l = fill(3, { "closed" }, true)
    local printed, code = status(name .. " --quiet")
    l:close()
    assert.are.equal(5, code)
    local lines = "\nunknown    0\nnot tried  1\nsent       1, by a run that goes on or was killed\n"
    assert.is_truthy(printed:find(lines, 1, true), printed)
  end)

  it("lists what was not closed as CSV that can be closed again", function()
    fill(5, { "refused", "closed", "unknown" }, true):close()
    assert.are.same({
      "id,external_billing_id,external_billing_note,outcome,message\nUR-000001,B-1,,refused,no way\n"
        .. "UR-000003,B-3,,unknown,no way\nUR-000004,B-4,,unknown,\nUR-000005,B-5,,notTried,\n", 5,
    }, { status(name .. " --refused --quiet") })
  end)

  it("prints objects for programs", function()
    fill(2, { "refused", "closed" })
    local printed, code = status(name .. " --refused --json --quiet")
    assert.are.equal(1, code)
    assert.are.equal('{"external_billing_id":"B-1","id":"UR-000001","message":"no way","message_type":"entry",'
      .. '"outcome":"refused"}\n'
      .. '{"already":0,"closed":1,"created":"T","endpoint":"https://connect.test/public/v1","exit_code":1,"ledger":"'
      .. name .. '","message_type":"summary","notTried":0,"refused":1,"sent":0,"total":2,"unknown":0}\n',
      (printed:gsub('"created":"[^"]*"', '"created":"T"')))
  end)

  it("says that its output can't be written, and ends where nobody reads it", function()
    fill(2000, { "refused" })
    local full = "connect-usage: the output can't be written: No space left on device\n"
    for _, arguments in ipairs { "", " --refused", " --json", " --refused --json" } do
      assert.are.same({ "", full, 1 },
        { commandline.streams("status --quiet " .. name .. arguments, nil, ">/dev/full") })
    end
    assert.are.same({ "", "", 141 },
      { commandline.streams("status --quiet --refused " .. name, "trap '' PIPE; sleep 0.2;", "| true") })
  end)

  it("exits with 2 where there is no ledger, or one that holds nothing", function()
    assert.are.same({ "connect-usage: " .. name .. ": there is no such ledger\n", 2 }, { status(name) })
    assert.are.same({ "connect-usage: LEDGER must be a file, not '' (see --help)\n", 2 }, { status "''" })
    assert(ledger.open(name, { create = true })):close()
    assert.are.same({ "connect-usage: " .. name .. " holds no list\n", 2 }, { status(name) })
    folder:write("text", "not a ledger, but a text that is long enough to look like something or other")
    local printed, code = status(folder:path "text")
    assert.are.equal(2, code)
    assert.is_truthy(printed:find("^connect%-usage: ledger [^\n]*\n$"), printed)
  end)

  it("has examples in its help", function()
    local printed, code = status "--help"
    assert.are.equal(0, code)
    assert.is_truthy(printed:find("\nExamples:\n   connect%-usage status january%.db\n"))
    for line in printed:gmatch "[^\n]+" do assert.is_true(#line < 80, line) end
  end)
end)
