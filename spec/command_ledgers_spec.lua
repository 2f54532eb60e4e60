local folders = require "spec.support.folder"
local ledger = require "cloudblue.connect.closing.ledger"
local ledgers = require "cloudblue.connect.command.ledgers"
local support = require "spec.support.ledgers"

describe("a ledger, as the command sees it,", function()
  local folder, name

  before_each(function()
    folder = folders.make()
    name = folder:path "run.db"
  end)
  after_each(function() folder:stop() end)

  -- Plans entries, and settles batches of one with these outcomes.
  local function fill(count, outcomes, isToBeKilled)
    local l <close> = assert(ledger.open(name, { create = true, exclusive = true }))
    assert(l:plan(support.each(support.list(1, count)), support.WHO, 1))
    local source = assert(l:source())
    for _, outcome in ipairs(outcomes) do assert(source:done(source:take(1), { outcome }, {})) end
    if isToBeKilled then return source:take(1) end
    assert(source:finish())
  end

  it("need not be there", function()
    assert.are.same({}, { ledgers.look(name) })
    assert.are.same({}, folder:list())
  end)

  it("may hold nothing yet", function()
    assert(ledger.open(name, { create = true })):close()
    assert.are.same({}, { ledgers.look(name) })
  end)

  it("holds a list, and what became of it", function()
    fill(7, { "closed", "closed", "already", "refused", "unknown" })
    local held = assert(ledgers.look(name))
    assert.are.equal(support.WHO.endpoint, held.identity.endpoint)
    assert.are.equal(7, held.counts.total)
    assert.are.equal(3, ledgers.left(held.counts))
    assert.are.same({ closed = 2, already = 1, refused = 1, unknown = 1, notTried = 2 }, ledgers.final(held.counts))
  end)

  it("has as unknown what a run that was killed has sent", function()
    fill(3, { "closed" }, true)
    local held = assert(ledgers.look(name))
    assert.are.same({ closed = 1, already = 0, refused = 0, unknown = 1, notTried = 1 }, ledgers.final(held.counts))
    assert.are.equal(2, ledgers.left(held.counts))
  end)

  it("is refused while another run holds it, but can be looked at", function()
    fill(2, { "closed" })
    local l = assert(ledger.open(name, { exclusive = true }))
    assert.are.same({ nil, "ledger " .. name .. ": another run has it", 11 }, { ledgers.look(name, true) })
    assert.are.equal(2, assert(ledgers.look(name)).counts.total)
    l:close()
  end)

  it("may be something else", function()
    folder:write("run.db", "no database, but text of some length, so that it might be one at first sight")
    local held, problem, code = ledgers.look(name)
    assert.are.same({ nil, 2 }, { held, code })
    assert.is_truthy(problem:find("ledger " .. name .. ": ", 1, true))
  end)

  it("lacks some entries of a list, and has others in another way", function()
    fill(5, { "closed", "unknown" })
    local function compare(first, last, id)
      return ledgers.compare(name, support.each(support.list(first, last)), function(entry)
        return entry.id == support.id(id) and "other" or nil
      end)
    end
    local left = support.list(2, 2)[1]
    assert.are.same({ missing = 0, left = left }, compare(2, 4, 5))
    assert.are.same({ missing = 2, left = left, difference = "other" }, compare(4, 7, 5))
  end)

  it("is of a list, an endpoint and an account", function()
    fill(5, { "closed" })
    local held = assert(ledgers.look(name))
    assert.is_true(ledgers.holds(name, held, support.each(support.list(1, 5))))
    assert.is_false(ledgers.holds(name, held, support.each(support.list(2, 6))))
    assert.are.same({ nil, "it has changed" },
      { ledgers.holds(name, held, function() error({ changed = "it has changed" }) end) })
    assert.is_nil(ledgers.elsewhere(name, held, support.WHO.endpoint .. "/"))
    local problem = ("ledger %s: it belongs to another endpoint: %s, not http://x (5 entries, planned %s)"):format(
      name, support.WHO.endpoint, held.identity.created)
    assert.are.equal(problem, ledgers.elsewhere(name, held, "http://x"))
    local connect = require "cloudblue.connect"
    local elsewhere <close> = connect.ConnectClient("http://127.0.0.1:1", "ApiKey SU-1:x")
    local client <close> = connect.ConnectClient(support.WHO.endpoint, "ApiKey SU-2:x")
    local owner <close> = connect.ConnectClient(support.WHO.endpoint, "ApiKey SU-1:x")
    assert.is_nil(ledgers.foreign(name, held, owner, false))
    assert.is_truthy(ledgers.foreign(name, held, client, true))
    -- Of this one nothing was carried out; nobody else works on a file.
    held.counts = { open = 5, total = 5 }
    assert.is_nil(ledgers.foreign(name, held, client, true))
    assert.is_truthy(ledgers.foreign(name, held, client, false))
    assert.is_truthy(ledgers.foreign("postgres://host/db", held, client, true))
    assert.is_truthy(ledgers.foreign(name, held, elsewhere, true))
  end)

  it("says what became of each", function()
    fill(4, { "closed", "refused", "unknown" })
    local list = {}
    assert(ledgers.each(name, { "refused", "open" }, function(entry, outcome)
      list[#list + 1] = entry.id .. outcome
    end))
    assert.are.same({ support.id(2) .. "refused", support.id(4) .. "open" }, list)
  end)

  it("says what is not closed in the words of a report, until that is enough", function()
    fill(5, { "closed", "refused", "unknown" }, true)
    local list, most = {}, 9
    local function add(entry, outcome)
      list[#list + 1] = entry.id .. outcome
      if #list == most then return false end
    end
    assert(ledgers.eachUnclosed(name, add))
    assert.are.same({ support.id(2) .. "refused", support.id(3) .. "unknown", support.id(4) .. "unknown",
      support.id(5) .. "notTried" }, list)
    list, most = {}, 2
    assert(ledgers.eachUnclosed(name, add))
    assert.are.equal(2, #list)
  end)

  it("passes on what a function raises that is no failure of it", function()
    fill(1, {})
    assert.has_error(function() ledgers.with(name, function() error("slip", 0) end) end, "slip")
  end)

  for message, case in pairs {
    ["another run has it"] = { 11, "run.db", "locked" },
    ["it holds another list"] = { 2, "postgres://h/d", "mismatch" },
    ["unable to open database file"] = { 2, "run.db" }, ["file is not a database"] = { 2, "run.db" },
    ["database or disk is full"] = { 5, "run.db" }, ["disk I/O error"] = { 5, "run.db" },
    ["error connecting to database"] = { 5, "postgres://h/d" },
    ["the Lua module luasql.postgres is missing: install it"] = { 2, "postgres://h/d" },
  } do
    it(("has exit code %d for: %s"):format(case[1], message), function()
      assert.are.equal(case[1], ledgers.code(case[2], { message = message, errorCode = case[3] }))
    end)
  end

  it("shows no password", function()
    assert.are.equal("postgres://me:***@host/db#x", ledgers.shown "postgres://me:secret@host/db#x")
    assert.are.equal("postgres://host/db?password=***&a=b", ledgers.shown "postgres://host/db?password=secret&a=b")
    assert.are.equal("run.db", ledgers.shown "run.db")
  end)
end)
