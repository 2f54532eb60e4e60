-- A ledger: the list that it holds, what it belongs to, and what became of each entry.

local ledger = require "cloudblue.connect.closing.ledger"
local ledgers = require "spec.support.ledgers"

local all, each, list = ledgers.all, ledgers.each, ledgers.list
local WHO = ledgers.WHO

for kind, newPlace in pairs(ledgers.places) do
  describe("a ledger of " .. kind, function()
    local place, l

    setup(function() place = newPlace() end)
    teardown(function() place:stop() end)

    before_each(function() l = place:open() end)
    after_each(function()
      ledgers.clear(l)
      l:close()
    end)

    -- What `plan` says, to whom it is refused.
    local function refusal(entries, who)
      local total, failure = l:plan(entries and each(entries), who or WHO)
      assert.is_nil(total)
      assert.equal("ledger", failure.kind)
      assert.equal(not failure.message:find ": it holds no list$" and "mismatch" or nil, failure.errorCode)
      return failure.message:sub(#("ledger %s: "):format(l.driver.name) + 1)
    end

    it("holds nothing at first", function()
      assert.is_nil(l:identity())
      assert.equal(0, l:counts().total)
      assert.is_nil(l:entries()())
      assert.equal("it holds no list", refusal(nil))
    end)

    it("belongs to a list, an endpoint and an account", function()
      local entries = list(1, 250)
      entries[251] = entries[7]
      assert.same({ 250, 1 }, { l:plan(each(entries), { endpoint = "https://connect.test/v1//", account = "SU-1" }) })
      local identity = l:identity()
      assert.equal("https://connect.test/v1", identity.endpoint)
      assert.equal(250, identity.total)
      assert.equal(1, identity.repeated)
      assert.truthy(identity.created:find("^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$"))
      assert.is_nil(identity.account:find("SU-1", 1, true))
    end)

    it("goes on with the same list, or with none", function()
      local entries = list(1, 250)
      entries[251] = entries[7]
      l:plan(each(entries), WHO)
      for _, again in ipairs { entries, false } do
        assert.same({ 250, 1 }, { l:plan(again and each(again) or nil, WHO, 10) })
      end
      assert.same({ 250, 1 }, { l:plan(nil, { endpoint = WHO.endpoint .. "/", account = WHO.account }) })
      assert.equal(250, l:counts().total)
    end)

    it("refuses another list, endpoint or account, and says what it holds", function()
      l:plan(each(list(1, 250)), WHO)
      l:source():take(1)
      local holds = ("250 entries, planned %s"):format(l:identity().created)
      assert.equal(("it holds another list (%s); this one has 249"):format(holds), refusal(list(1, 249)))
      assert.equal(("it belongs to another endpoint: %s, not https://other.test (%s)"):format(WHO.endpoint, holds),
        refusal(list(1, 250), { endpoint = "https://other.test", account = WHO.account }))
      for _, entries in ipairs { list(1, 250), false } do
        assert.equal(("it belongs to another account: it was planned with another key (%s)"):format(holds),
          refusal(entries, { endpoint = WHO.endpoint, account = "SU-2" }))
      end
      assert.equal(150, l:counts().open)
    end)

    -- A mistyped key is noticed when the service refuses the first batch.
    it("passes to another account where nothing was carried out, and nobody else may be about to", function()
      local other = { endpoint = WHO.endpoint, account = "SU-2" }
      l:plan(each(list(1, 250)), WHO)
      local source = l:source()
      local taken = source:take(100)
      local outcomes = {}
      for index = 1, #taken do outcomes[index] = "notTried" end
      source:done(taken, outcomes, {})
      source:finish()
      assert.matches("it belongs to another account", refusal(nil, other))
      assert.matches("it belongs to another endpoint",
        refusal(list(1, 250), { endpoint = "https://other.test", account = WHO.account }))
      if l.driver.isShared then
        assert.matches("it belongs to another account", refusal(list(1, 250), other))
        return
      end
      assert.matches("it holds another list", refusal(list(1, 249), other))
      assert.same({ 250, 0 }, { l:plan(nil, WHO) })
      assert.same({ 250, 0 }, { l:plan(each(list(1, 250)), other) })
      assert.same({ 250, 0 }, { l:plan(nil, other) })
      assert.matches("it belongs to another account", refusal(nil, WHO))
      l:source():take(1)
      assert.matches("it belongs to another account", refusal(list(1, 250), WHO))
    end)

    it("raises what is wrong with an entry of the list that is compared", function()
      l:plan(each(list(1, 250)), WHO)
      local entries = list(1, 249)
      entries[250] = { id = 7 }
      local done, problem = pcall(l.plan, l, each(entries), WHO)
      assert.is_false(done)
      assert.equal("entry 250: id must be a string, got number", problem)
    end)

    it("tells what became of each entry, in the order of the list", function()
      l:plan(each(list(1, 8)), WHO, 2)
      local source = l:source()
      local taken = { source:take(2), source:take(2), source:take(2) }
      source:done(taken[2], { "refused", "closed" }, { { message = "why" } })
      source:done(taken[3], { "unknown", "notTried" }, { { message = "no reply", status = 500 } })
      source:finish()

      local function found(...)
        local lines = {}
        for entry, outcome, message in l:entries(...) do
          assert.same({ id = entry.id, external_billing_id = "B-" .. tonumber(entry.id:match("%d+")) }, entry)
          lines[#lines + 1] = ("%d %s%s"):format(entry.id:match("%d+"), outcome, message and ": " .. message or "")
        end
        return lines
      end

      assert.same({
        "1 sent", "2 sent", "3 refused: why", "4 closed", "5 unknown: 500: no reply", "6 notTried", "7 open", "8 open",
      }, found())
      assert.same({ "3 refused: why" }, found { "refused" })
      assert.same({ "4 closed" }, found { "closed" })
      assert.same({ "1 sent", "2 sent", "7 open", "8 open" }, found { "open", "sent" })
      assert.same({ "5 unknown: 500: no reply", "6 notTried" }, found { "notTried", "unknown" })
      assert.same({}, found { "already" })
      assert.same({}, found {})
      -- Taken again by another run, and in its hands.
      source:done(taken[1], all(taken[1], "closed"))
      source:finish()
      local again = l:source():take(2)
      assert.same({ "UR-000005", "UR-000006" }, ledgers.ids(again))
      assert.same({ "5 sent: 500: no reply", "6 sent" }, found { "sent" })
      assert.same({}, found { "unknown" })
    end)

    it("can be read by anybody who reads SQL", function()
      l:plan(each(list(1, 4)), WHO, 2)
      local source = l:source()
      source:done(source:take(2), { "refused", "closed" }, { { message = "why" } })
      source:finish()
      local rows = {}
      for seq, id, bill, outcome, message in l.driver:rows(
        "SELECT seq, id, external_billing_id, outcome, message FROM entries ORDER BY seq") do
        rows[#rows + 1] = ("%d %s %s %s %s"):format(seq, id, bill, outcome, message or "-")
      end
      assert.same({
        "1 UR-000001 B-1 refused why", "2 UR-000002 B-2 closed -", "3 UR-000003 B-3 open -", "4 UR-000004 B-4 open -",
      }, rows)
    end)
  end)
end

describe("a ledger's name", function()
  it("says where it is", function()
    local _, failure = ledger.open("postgres:///x?host=/nowhere")
    assert.truthy(failure.message:find("^ledger postgres:///x%?host=/nowhere: error connecting to database"))
    assert.equal("ledger postgres.db: there is no such file", select(2, ledger.open("postgres.db")).message)
  end)
end)
