-- A ledger in PostgreSQL: workers that share a list.

local child = require "spec.support.child"
local ledger = require "cloudblue.connect.closing.ledger"
local ledgers = require "spec.support.ledgers"
local postgres = require "spec.support.postgres"

local all, each, id, ids, list = ledgers.all, ledgers.each, ledgers.id, ledgers.ids, ledgers.list

describe("a ledger in PostgreSQL", function()
  local server, number = nil, 0

  setup(function() server = postgres.start() end)
  teardown(function() server:stop() end)

  -- Opens a ledger for a worker. Every test has a schema of its own.
  local function open(options)
    return assert(ledger.open(server:uri("list " .. number), options))
  end

  local first, second

  before_each(function()
    number = number + 1
    first, second = open { lease = 600 }, open { lease = 600 }
  end)
  after_each(function()
    first:close()
    second:close()
  end)

  -- Two workers on the same list of 10 entries in batches of 2.
  local function sources()
    first:plan(each(list(1, 10)), ledgers.WHO, 2)
    return assert(first:source()), assert(second:source())
  end

  -- The leases of those who have batches end now.
  local function endLeases() first.driver:run("UPDATE batches SET lease = clock_timestamp() - interval '1 second'") end

  it("is a schema of a database", function()
    sources()
    local other <close> = assert(ledger.open(server:uri()))
    assert.is_nil(other:identity())
    other:plan(each(list(1, 3)), ledgers.WHO)
    assert.equal(3, other:counts().total)
    assert.equal(10, second:counts().total)
    assert.equal("list " .. number, first.driver:first("SELECT current_schema()"))
    assert.equal("connect_usage", other.driver:first("SELECT current_schema()"))
  end)

  it("is planned by one worker, where the schema is not there yet, while the others wait", function()
    local other, remaining = nil, each(list(1, 10))
    -- While the first one plans, another one comes, and waits.
    local function nextEntry()
      if not other then
        other = child.start(([[
          local l = assert(require("cloudblue.connect.closing.ledger").open(%q))
          local ledgers = require "spec.support.ledgers"
          print(l:plan(ledgers.each(ledgers.list(1, 10)), ledgers.WHO, 2))]]):format(server:uri("list " .. number)))
        repeat until second.driver:first "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
      end
      return remaining()
    end
    assert.are.same({ 10, 0 }, { first:plan(nextEntry, ledgers.WHO, 2) })
    assert.are.equal("10\t0\n", (other:rest()))
    other:stop()
  end)

  it("is not named with its password", function()
    for name, shown in pairs {
      ["postgres://u:s3cret@/x?host=/nowhere"] = "postgres://u:***@/x?host=/nowhere",
      ["postgresql://u@/x?password=s3cret&host=/nowhere#s"] = "postgresql://u@/x?password=***&host=/nowhere#s",
    } do
      local _, failure = ledger.open(name)
      assert.equal("ledger " .. shown, failure.message:sub(1, #shown + 7))
      assert.is_nil(tostring(failure):find("s3cret", 1, true))
    end
  end)

  it("keeps what was committed", function()
    assert.equal("on", first.driver:first("SHOW synchronous_commit"))
  end)

  it("gives each batch to one worker", function()
    local one, other = sources()
    assert.same({ id(1), id(2) }, ids(one:take(100)))
    assert.same({ id(3), id(4) }, ids(other:take(100)))
    -- One is about to be claimed by a worker whose transaction lasts.
    second.driver:run("SET lock_timeout = '5s'")
    first.driver:run("BEGIN")
    assert.same({ id(5), id(6) }, ids(one:take(100)))
    assert.same({ id(7), id(8) }, ids(other:take(100)))
    first.driver:run("COMMIT")
    assert.same({ id(9), id(10) }, ids(one:take(100)))
    assert.is_nil(other:take(100))
  end)

  it("gives a batch to another worker when its lease has ended, to be read before it is sent", function()
    local one, other = sources()
    local taken = one:take(100)
    endLeases()
    local over = other:take(100)
    assert.same(ids(taken), ids(over))
    assert.is_true(over.doubtful)
    assert.is_true(other:renew(over))
    assert.is_true(other:done(over, all(over, "closed")))
  end)

  it("writes nothing of a worker that has lost its batch", function()
    local one, other = sources()
    local taken = one:take(100)
    endLeases()
    local over = other:take(100)
    assert.is_false(one:done(taken, all(taken, "refused")))
    assert.equal(2, second:counts().sent)
    assert.is_true(other:done(over, { "closed", "already" }))
    assert.is_false(one:done(taken, all(taken, "closed")))
    local counts = second:counts()
    assert.same({ 1, 1, 0, 0 }, { counts.closed, counts.already, counts.refused, counts.sent })
  end)

  it("lets a worker write what it knows after its lease, where nobody has taken over", function()
    local one = sources()
    local taken = one:take(100)
    endLeases()
    assert.is_true(one:done(taken, all(taken, "closed")))
    assert.equal(2, first:counts().closed)
  end)

  it("renews a lease that has lasted a while, and says whether the batch was lost", function()
    local one, other = sources()
    local taken = one:take(100)
    local function left()
      return tonumber(first.driver:first(
        "SELECT extract(epoch FROM lease - clock_timestamp()) FROM batches WHERE first = 1"))
    end
    assert.is_true(left() > 590)
    local usual <close> = open()
    assert.equal(600, usual.driver.lease)
    first.driver:run("UPDATE batches SET lease = lease - interval '400 seconds'")
    -- As long as it is fresh by this machine's clock, nobody is asked.
    assert.is_true(one:renew(taken))
    assert.is_true(left() < 201)
    first.driver.renewed[1] = first.driver.renewed[1] - 61
    assert.is_true(one:renew(taken))
    assert.is_true(left() > 590)
    endLeases()
    other:take(100)
    first.driver.renewed[1] = first.driver.renewed[1] - 61
    -- And not only the first time that it is asked.
    assert.is_false(one:renew(taken))
    assert.is_false(one:renew(taken))
  end)

  it("refuses a name of which PostgreSQL would leave out the end", function()
    local l, failure = ledger.open(server:uri(("x"):rep(64)))
    assert.is_nil(l)
    assert.matches("the part behind '#' is longer than 63 bytes$", failure.message)
    assert.equal("name", failure.errorCode)
    local longest <close> = assert(ledger.open(server:uri(("x"):rep(63))))
    assert.is_nil(longest:identity())
  end)

  it("shows no part of a password that libpq can't read", function()
    for _, password in ipairs { "sec%ret", "sec#ret", "sec/ret", "sec:r@et" } do
      local l, failure = ledger.open("postgres://u:" .. password .. "@127.0.0.1:1/d")
      assert.is_nil(l)
      assert.is_nil(tostring(failure):find "sec", tostring(failure))
      assert.is_nil(tostring(failure):find "ret", tostring(failure))
    end
  end)

  it("has a worker wait for the batches of others, as long as they are in their hands", function()
    local one, other = sources()
    local taken
    for _ = 1, 4 do
      local batch = one:take(100)
      one:done(batch, all(batch, "closed"))
    end
    taken = one:take(100)
    assert.is_nil(other:take(100))
    assert.is_true(other:pending() <= 1)
    assert.is_nil(one:pending())
    endLeases()
    assert.is_true(other:pending() < 0.1)
    assert.is_true(one:done(taken, all(taken, "closed")))
    assert.is_nil(other:pending())
  end)

  it("lets a run leave to the next one what another worker of the same run could not decide", function()
    local one, other = sources()
    local taken = one:take(100)
    one:done(taken, all(taken, "unknown"))
    for _ = 1, 4 do
      taken = other:take(100)
      assert.is_false(taken.doubtful)
      other:done(taken, all(taken, "closed"))
    end
    assert.is_nil(other:take(100))
    taken = second:source():take(100)
    assert.same({ id(1), id(2) }, ids(taken))
    assert.is_true(taken.doubtful)
  end)

  it("is planned once, however many begin at once", function()
    local nextEntry, planned = each(list(1, 10)), nil
    first:plan(function()
      local entry = nextEntry()
      if entry then return entry end
      -- A second worker begins while the first plans: it can't before that is done.
      second.driver:run("SET lock_timeout = '50ms'")
      planned = table.pack(second:plan(each(list(1, 10)), ledgers.WHO))
      return nil
    end, ledgers.WHO)
    assert.is_nil(planned[1])
    assert.truthy(planned[2].message:find("lock timeout", 1, true))
    assert.same({ 10, 0 }, { second:plan(each(list(1, 10)), ledgers.WHO) })
    assert.equal(10, second:counts().total)
  end)

  it("fails as any ledger when the server goes, and all that was committed is there when it comes back", function()
    local one = sources()
    local taken = one:take(100)
    server:halt()
    for _, result in ipairs {
      table.pack(one:done(taken, all(taken, "closed"))), table.pack(one:take(100)), table.pack(one:pending()),
      table.pack(first:counts()), table.pack(first:identity()),
      table.pack(one:done(taken, all(taken, "refused"))),
    } do
      assert.is_nil(result[1])
      assert.equal("ledger", result[2].kind)
    end
    server:resume()
    first:close()
    first = open()
    assert.equal(2, first:counts().sent)
    endLeases()
    assert.is_true(first:source():take(100).doubtful)
  end)
end)
