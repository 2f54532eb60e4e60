-- A ledger as the source of a run: what is handed out, and what the ledger says of it meanwhile and afterwards.

local ledgers = require "spec.support.ledgers"

local all, each, id, ids, list = ledgers.all, ledgers.each, ledgers.id, ledgers.ids, ledgers.list

for kind, newPlace in pairs(ledgers.places) do
  describe("a run on a ledger of " .. kind, function()
    local place, l

    setup(function() place = newPlace() end)
    teardown(function() place:stop() end)

    before_each(function()
      l = place:open { lease = 0.001 }
      assert(l:plan(each(list(1, 10)), ledgers.WHO, 4))
    end)
    after_each(function()
      ledgers.clear(l)
      l:close()
    end)

    -- The states of the batches, in order.
    local function states()
      local found = {}
      for _, state in l.driver:rows("SELECT first, state FROM batches ORDER BY first") do found[#found + 1] = state end
      return table.concat(found, " ")
    end

    local function counts()
      local found = {}
      for name, count in pairs(assert(l:counts())) do found[name] = count > 0 and count or nil end
      return found
    end

    -- Settles a batch, and gives back the next one, which may have been claimed on the occasion.
    local function done(source, taken, outcomes, whats)
      assert.is_true(source:done(taken, outcomes, whats))
      assert.is_true(source:finish())
    end

    -- Takes a batch and settles it so: "closed", or a list of outcomes.
    local function settle(source, outcome, whats)
      local taken = assert(source:take(100))
      done(source, taken, type(outcome) == "table" and outcome or all(taken, outcome), whats)
      return taken
    end

    -- The process was killed, and its lease has ended: another run takes the ledger up.
    local function newRun()
      if kind == "postgres" then l.driver:run("SELECT pg_sleep(0.002)") end
      return assert(l:source())
    end

    it("says that a batch is sent before it is handed out, and what became of it when it is done", function()
      local source = assert(l:source())
      assert.equal(l.driver.isShared and 0 or 10, select(2, source:rest()))
      local taken = source:take(100)
      assert.same(list(1, 4), { table.unpack(taken) })
      assert.is_false(taken.doubtful)
      assert.equal("sent open open", states())
      assert.same({ total = 10, sent = 4, open = 6 }, counts())
      done(source, taken, all(taken, "closed"))
      assert.equal("done open open", states())
      assert.same({ total = 10, closed = 4, open = 6 }, counts())
    end)

    it("may claim the next batch when one is done, in the same transaction", function()
      local source = assert(l:source())
      local taken = source:take(100)
      assert.is_true(source:done(taken, all(taken, "closed")))
      assert.equal(l.driver.claimsAhead and "done sent open" or "done open open", states())
      assert.same({ id(5), id(6), id(7), id(8) }, ids(source:take(100)))
      assert.equal("done sent open", states())
    end)

    it("has several batches at once, and ends when all are handed out", function()
      local source = assert(l:source())
      local first, second, third = source:take(100), source:take(100), source:take(100)
      assert.same({ 4, 4, 2 }, { #first, #second, #third })
      assert.is_nil(source:take(100))
      assert.is_nil(source:pending())
      for _, taken in ipairs { second, third, first } do assert.is_true(source:done(taken, all(taken, "closed"))) end
      assert.equal("done done done", states())
      assert.same({ total = 10, closed = 10 }, counts())
      assert.is_nil(newRun():take(100))
    end)

    it("keeps the outcome and the reason of what was not closed", function()
      settle(assert(l:source()), { "closed", "already", "refused", "refused" }, {
        "a chunk", "a chunk", { message = "it is invalid", errorCode = "VAL_001", status = 206 },
        { message = "gone\0 \xff", status = 404 },
      })
      local found = {}
      for entry, outcome, message in l:entries { "already", "refused", "closed" } do
        found[#found + 1] = ("%s %s %s"):format(entry.id, outcome, message or "-")
      end
      assert.same({
        id(1) .. " closed -", id(2) .. " already -", id(3) .. " refused VAL_001: it is invalid",
        id(4) .. " refused 404: gone  ?",
      }, found)
      assert.equal("done open open", states())
    end)

    it("reads what a run that was killed had sent, before all else", function()
      local killed = assert(l:source())
      local first = killed:take(100)
      killed:take(100)
      assert.is_true(killed:done(first, all(first, "closed")))
      if l.driver.claimsAhead then assert.equal("done sent sent", states()) end
      l.driver:run("UPDATE batches SET state = 'open' WHERE first = 9")
      local source = newRun()
      assert.equal(l.driver.isShared and 0 or 6, select(2, source:rest()))
      local taken = source:take(100)
      assert.same({ id(5), id(6), id(7), id(8) }, ids(taken))
      assert.is_true(taken.doubtful)
      assert.equal("done sent open", states())
      assert.is_true(source:done(taken, all(taken, "closed")))
      taken = source:take(100)
      assert.same({ id(9), id(10) }, ids(taken))
      assert.is_false(taken.doubtful)
      assert.equal(0, select(2, source:rest()))
    end)

    it("takes of a batch again what is undecided, in another run", function()
      local first = assert(l:source())
      local batches = { first:take(100), first:take(100), first:take(100) }
      assert.is_true(first:done(batches[1], { "closed", "unknown", "refused", "notTried" },
        { [2] = { message = "no reply" } }))
      assert.equal("partial sent sent", states())
      assert.same({ total = 10, closed = 1, unknown = 1, refused = 1, notTried = 1, sent = 6 }, counts())
      for number = 2, 3 do assert.is_true(first:done(batches[number], all(batches[number], "closed"))) end
      assert.is_nil(first:take(100))

      local source = newRun()
      assert.equal(l.driver.isShared and 0 or 2, select(2, source:rest()))
      local taken = source:take(100)
      assert.same({ id(2), id(4) }, ids(taken))
      assert.is_true(taken.doubtful)
      assert.equal("again done done", states())
      assert.same({ total = 10, closed = 7, refused = 1, sent = 2 }, counts())
      assert.is_true(source:done(taken, { "closed", "unknown" }))
      assert.equal("partial done done", states())
      assert.same({ total = 10, closed = 8, refused = 1, unknown = 1 }, counts())
    end)

    it("knows of what was not tried that it was not sent", function()
      settle(assert(l:source()), { "closed", "notTried", "refused", "notTried" })
      local taken = newRun():take(100)
      assert.same({ id(2), id(4) }, ids(taken))
      assert.is_false(taken.doubtful)
    end)

    it("leaves in doubt what it gives back of that", function()
      local killed = assert(l:source())
      killed:take(100)
      killed:take(100)
      local source = newRun()
      local taken = source:take(3)
      done(source, taken, all(taken, "closed"))
      assert.equal("partial sent open", states())
      assert.same({ total = 10, closed = 3, unknown = 1, sent = 4, open = 2 }, counts())
      source = newRun()
      for _, expected in ipairs { { id(4) }, { id(5), id(6), id(7), id(8) } } do
        taken = source:take(100)
        assert.same(expected, ids(taken))
        assert.is_true(taken.doubtful)
        assert.is_true(source:done(taken, all(taken, "closed")))
      end
      assert.is_false(source:take(100).doubtful)
    end)

    it("reads again what it had taken again when it was killed", function()
      settle(assert(l:source()), { "closed", "notTried", "refused", "notTried" })
      newRun():take(100)
      local source = newRun()
      local taken = source:take(100)
      assert.same({ id(2), id(4) }, ids(taken))
      assert.is_true(taken.doubtful)
      done(source, taken, { "closed", "already" })
      assert.equal("done open open", states())
      assert.same({ total = 10, closed = 2, already = 1, refused = 1, open = 6 }, counts())
    end)

    it("does not take for closed what it was told nothing of", function()
      settle(assert(l:source()), { "closed", nil, nil, "refused" })
      assert.same({ total = 10, closed = 1, unknown = 2, refused = 1, open = 6 }, counts())
    end)

    it("opens a batch again of which nothing was tried", function()
      settle(assert(l:source()), "notTried")
      assert.equal("open open open", states())
      assert.same({ total = 10, open = 10 }, counts())
      local taken = newRun():take(100)
      assert.same({ id(1), id(2), id(3), id(4) }, ids(taken))
      assert.is_false(taken.doubtful)
    end)

    it("hands a batch out in parts where less is wanted", function()
      local source = assert(l:source())
      local first, second = source:take(3), source:take(3)
      assert.same({ { id(1), id(2), id(3) }, { id(4) } }, { ids(first), ids(second) })
      assert.is_true(source:done(second, { "refused" }, { { message = "no" } }))
      assert.equal("sent open open", states())
      done(source, first, { "closed", "already", "closed" })
      assert.equal("done open open", states())
      local found = {}
      for entry, outcome in l:entries { "already", "refused" } do found[entry.id] = outcome end
      assert.same({ [id(2)] = "already", [id(4)] = "refused" }, found)
    end)

    it("gives back at its end what it had not handed out", function()
      local source = assert(l:source())
      local taken = source:take(3)
      assert.equal(l.driver.isShared and 0 or 7, select(2, source:rest()))
      assert.is_true(source:done(taken, all(taken, "closed")))
      assert.equal("sent open open", states())
      assert.is_true(source:finish())
      assert.is_true(source:finish())
      assert.equal("partial open open", states())
      assert.same({ total = 10, closed = 3, notTried = 1, open = 6 }, counts())
      assert.same({ id(4) }, ids(newRun():take(100)))
    end)

    it("returns the ledger's failures", function()
      local source = assert(l:source())
      local taken = assert(source:take(100))
      l.driver:run("DROP VIEW entries")
      l.driver:run("ALTER TABLE batches RENAME TO elsewhere")
      for _, result in ipairs {
        table.pack(source:take(100)), table.pack(source:done(taken, all(taken, "closed"))),
        table.pack(source:done(taken, all(taken, "refused"))),
      } do
        assert.is_nil(result[1])
        assert.equal("ledger", result[2].kind)
      end
      l.driver:run("ALTER TABLE elsewhere RENAME TO batches")
      l.driver:run("CREATE VIEW entries AS SELECT 1")
      assert.equal("sent open open", states())
    end)
  end)
end
