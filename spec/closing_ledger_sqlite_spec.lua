-- A ledger in a file: who may open it, and what happens when it can't be written.

local child = require "spec.support.child"
local folders = require "spec.support.folder"
local ledger = require "cloudblue.connect.closing.ledger"
local ledgers = require "spec.support.ledgers"
local sqlite3 = require "luasql.sqlite3"

local all, each, list = ledgers.all, ledgers.each, ledgers.list

local WORK = { create = true, exclusive = true }

-- Runs statements on a file, as somebody else.
local function execute(path, ...)
  local environment = sqlite3.sqlite3()
  local connection = environment:connect(path)
  for _, sql in ipairs { ... } do assert(connection:execute(sql)) end
  connection:close()
  environment:close()
end

-- The failure of opening a ledger.
local function refusal(path, options)
  local opened, failure = ledger.open(path, options)
  assert.is_nil(opened)
  assert.equal("ledger", failure.kind)
  return failure
end

describe("a ledger in a file", function()
  local folder, path

  before_each(function()
    folder = folders.make()
    path = folder:path("run.db")
  end)
  after_each(function() folder:stop() end)

  it("is made where it is to be made, and only there", function()
    assert.equal(("ledger %s: there is no such file"):format(path), refusal(path).message)
    assert.same({}, folder:list())
    ledger.open(path, WORK):close()
    ledger.open(path):close()
  end)

  it("is a file, whatever its name means to SQLite", function()
    for _, name in ipairs { ":memory:", "file::memory:", "file:x?mode=memory" } do
      assert.equal(("ledger %s: there is no such file"):format(name), refusal(name).message)
    end
  end)

  it("keeps what was committed over a power loss, and lets others read meanwhile", function()
    local l <close> = ledger.open(path, WORK)
    assert.equal("wal", l.driver:first("PRAGMA journal_mode"))
    assert.equal(2, l.driver:first("PRAGMA synchronous"))
    l:plan(each(list(1, 10)), ledgers.WHO)
    local other <close> = assert(ledger.open(path))
    l.driver:transaction(function()
      l.driver:run("UPDATE batches SET state = 'done'")
      assert.equal(10, other:counts().open)
    end)
    assert.equal(10, other:counts().closed)
  end)

  it("can be looked at by the process that works on it, whose locks stay", function()
    local l <close> = ledger.open(path, WORK)
    l:plan(each(list(1, 10)), ledgers.WHO)
    ledger.open(path):close()
    -- Another process: where it does not see that the file is in use, it ends the log when it is done.
    local other <close> = child.start(([[
      local l = assert(require "cloudblue.connect.closing.ledger".open(%q))
      print(l:counts().open)
      l:close()
    ]]):format(path))
    assert.equal("10", other:line())
    other:rest()
    assert.is_true(#assert(folder:read("run.db-wal")) > 0)
  end)

  it("is one run's", function()
    local l = ledger.open(path, WORK)
    local failure = refusal(path, WORK)
    assert.equal("locked", failure.errorCode)
    assert.equal(("ledger %s: another run has it"):format(path), failure.message)
    l:close()
    l:close()
    ledger.open(path, WORK):close()
  end)

  it("is one run's by whatever name it goes", function()
    local l <close> = assert(ledger.open(path, WORK))
    l:plan(each(list(1, 3)), ledgers.WHO)
    local link = folder:path("link.db")
    assert(os.execute(("ln -s '%s' '%s'"):format(path, link)))
    assert.equal("locked", refusal(link, WORK).errorCode)
  end)

  it("is refused where the file is something else", function()
    folder:write("run.db", ("no database"):rep(1000))
    assert.equal(("ledger %s: file is not a database"):format(path), refusal(path, WORK).message)
    assert.equal(("no database"):rep(1000), folder:read("run.db"))
    local other = folder:path("other.db")
    execute(other, "CREATE TABLE run (a)")
    local bytes = folder:read("other.db")
    assert.equal(("ledger %s: it is a database of something else"):format(other), refusal(other, WORK).message)
    assert.equal(bytes, folder:read("other.db"))
  end)

  it("is refused where its folder is none", function()
    local failure = refusal(folder:path("no/run.db"), WORK)
    assert.equal(("ledger %s: unable to open database file"):format(folder:path("no/run.db")), failure.message)
  end)

  it("names the library that is missing", function()
    local cpath, loaded = package.cpath, package.loaded["luasql.sqlite3"]
    package.cpath, package.loaded["luasql.sqlite3"] = "", nil
    local failure = refusal(path, WORK)
    package.cpath, package.loaded["luasql.sqlite3"] = cpath, loaded
    assert.truthy(failure.message:find("the Lua module luasql.sqlite3 is missing: install it with", 1, true))
  end)
end)

describe("a disk that is full", function()
  local folder, l

  before_each(function()
    folder = folders.make()
    l = ledger.open(folder:path("run.db"), WORK)
  end)
  after_each(function()
    l:close()
    folder:stop()
  end)

  -- No page more can be written.
  local function fill() l.driver:run("PRAGMA max_page_count = 1") end
  local function empty() l.driver:run("PRAGMA max_page_count = 1000000") end

  it("lets nothing be planned", function()
    l.driver:run("PRAGMA max_page_count = 20")
    local total, failure = l:plan(each(list(1, 10000)), ledgers.WHO)
    assert.is_nil(total)
    assert.equal("ledger", failure.kind)
    assert.equal(("ledger %s: database or disk is full"):format(folder:path("run.db")), failure.message)
    assert.is_nil(l:identity())
    empty()
    assert.equal(10000, l:plan(each(list(1, 10000)), ledgers.WHO))
  end)

  it("leaves in doubt what could not be written", function()
    l:plan(each(list(1, 10000)), ledgers.WHO)
    local source = l:source()
    local taken, failure
    fill()
    repeat
      taken = assert(source:take(100))
      local done
      done, failure = source:done(taken, all(taken, "refused"), { { message = ("why "):rep(1000) } })
    until not done
    assert.equal(("ledger %s: database or disk is full"):format(folder:path("run.db")), failure.message)
    local counts = l:counts()
    assert.equal(10000, counts.sent + counts.open + counts.refused)
    assert.equal(100, counts.sent)
    empty()
    local again = l:source():take(100)
    assert.is_true(again.doubtful)
    assert.same(ledgers.ids(taken), ledgers.ids(again))
  end)
end)

describe("a ledger that becomes one that can only be read", function()
  it("can be looked at, and not be worked on", function()
    local folder <close> = folders.make()
    local l = ledger.open(folder:path("run.db"), WORK)
    l:plan(each(list(1, 10)), ledgers.WHO)
    l.driver:run("PRAGMA query_only = ON")
    assert.equal(10, l:counts().open)
    local taken, failure = l:source():take(100)
    assert.is_nil(taken)
    assert.equal(("ledger %s: attempt to write a readonly database"):format(folder:path("run.db")), failure.message)
    l:close()
  end)
end)
