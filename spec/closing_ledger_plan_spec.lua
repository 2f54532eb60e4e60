-- Planning a list: what stands in the ledger afterwards, and what does not get in.

local ledgers = require "spec.support.ledgers"
local plan = require "cloudblue.connect.closing.ledger.plan"

local each, list = ledgers.each, ledgers.list

for kind, newPlace in pairs(ledgers.places) do
  describe("a list in a ledger of " .. kind, function()
    local place, l

    setup(function() place = newPlace() end)
    teardown(function() place:stop() end)

    before_each(function() l = place:open() end)
    after_each(function()
      ledgers.clear(l)
      l:close()
    end)

    -- The entries that are planned, as everybody can read them: number -> "id bill note".
    local function planned()
      local rows = {}
      for seq, id, bill, note in l.driver:rows(
        "SELECT seq, id, external_billing_id, external_billing_note FROM entries ORDER BY seq") do
        rows[math.tointeger(tonumber(seq))] = ("%s %s %s"):format(id, bill or "-", note or "-")
      end
      return rows
    end

    local function planList(entries, size) return l:plan(each(entries), ledgers.WHO, size) end

    it("stands there whole, in its order", function()
      assert.same({ 5, 0 }, { planList({
        { id = "UR-2", external_billing_id = "B'2" }, { id = "UR-1", external_billing_note = "" },
        { id = "UR-3", external_billing_id = "B/\"3\\", external_billing_note = "prüfen" }, { id = "UR-9" },
        { id = "UR-5" },
      }, 2) })
      assert.same({ "UR-2 B'2 -", "UR-1 - ", 'UR-3 B/"3\\ prüfen', "UR-9 - -", "UR-5 - -" }, planned())
    end)

    it("may be empty, or end where a batch or a statement does", function()
      for _, count in ipairs { 0, 1, 10, 100, 101 } do
        assert.same({ count, 0 }, { planList(list(1, count), 10) })
        assert.equal(count, #planned())
        ledgers.clear(l)
      end
    end)

    it("has any text that a record can be closed under", function()
      local entries = {
        { id = "UR-1", external_billing_id = "a\0b", external_billing_note = ("long "):rep(100000) .. "'" },
        { id = "UR-2", external_billing_id = "\u{1F4B6}\u{7f}\1\n" },
      }
      assert.equal(2, planList(entries))
      local found = {}
      for entry in l:entries() do found[#found + 1] = entry end
      assert.same(entries, found)
    end)

    it("has a record once that is to be closed twice in the same way, in one batch or in two", function()
      local entries = list(1, 6)
      for _, number in ipairs { 3, 1, 6, 3, 1, 5 } do entries[#entries + 1] = list(number, number)[1] end
      assert.same({ 6, 6 }, { planList(entries, 3) })
      local found = {}
      for entry in l:entries() do found[#found + 1] = entry end
      assert.same(list(1, 6), found)
    end)

    it("keeps what stands behind a repetition in its batch", function()
      local entries = list(1, 2)
      entries[3] = { id = ledgers.id(1), external_billing_id = "B-1" }
      entries[4] = { id = "UR-LAST", external_billing_note = "n" }
      assert.same({ 3, 1 }, { planList(entries, 10) })
      assert.same({ "UR-000001 B-1 -", "UR-000002 B-2 -", "UR-LAST - n" }, planned())
    end)

    it("is refused where a record is to be closed in two ways, and both places are named", function()
      for _, other in ipairs {
        { id = ledgers.id(2) }, { id = ledgers.id(2), external_billing_id = "B-1" },
        { id = ledgers.id(2), external_billing_id = "B-2", external_billing_note = "n" },
      } do
        local entries = list(1, 5)
        entries[6], entries[7] = list(2, 2)[1], other
        local done, problem = pcall(planList, entries, 2)
        assert.is_false(done)
        assert.equal("entry 7: UR-000002 stands already in entry 2, with another billing id or note", problem)
        assert.is_nil(l:identity())
      end
    end)

    it("names the first of several such", function()
      local entries = list(1, 3)
      for number = 3, 1, -1 do entries[#entries + 1] = { id = ledgers.id(number) } end
      local _, problem = pcall(planList, entries)
      assert.equal("entry 4: UR-000003 stands already in entry 3, with another billing id or note", problem)
    end)

    it("is not there at all where an entry is wrong, or the iterator raises", function()
      for _, last in ipairs { false, { id = "" }, { id = "UR-1", external_billing_id = 7 } } do
        local entries = list(1, 250)
        entries[251] = last
        local done, problem = pcall(planList, entries)
        assert.is_false(done)
        assert.truthy(problem:find("^entry 251: "), problem)
        assert.is_false(l.driver:hasTables())
      end
      local done, problem = pcall(l.plan, l, function() error("line 7", 0) end, ledgers.WHO)
      assert.is_false(done)
      assert.equal("line 7", problem)
      assert.is_false(l.driver:hasTables())
      assert.equal(3, planList(list(1, 3)))
    end)
  end)
end

describe("the digest of a list", function()
  local function digestOf(entries) return (plan.examine("run.db", each(entries))) end

  it("is another for another list", function()
    local digests = {}
    for _, entries in ipairs {
      {}, list(1, 3), list(1, 2), list(2, 4), { list(2, 2)[1], list(1, 1)[1], list(3, 3)[1] },
      { { id = "UR-1" } }, { { id = "UR-1", external_billing_id = "B" } },
      { { id = "UR-1", external_billing_note = "B" } }, { { id = "UR-1", external_billing_note = "" } },
      { { id = "UR-1" }, { id = "UR-2" } }, { { id = "UR-1", external_billing_id = "null" } },
    } do
      local digest = digestOf(entries)
      assert.truthy(digest:find("^%x+$") and #digest == 64)
      assert.is_nil(digests[digest])
      digests[digest] = true
    end
  end)

  it("says nothing of the size of batches, nor of other members of an entry", function()
    local entries = list(1, 250)
    entries[120] = { id = "UR-120", external_billing_note = "n", amount = 7 }
    local digest = digestOf(entries)
    for _, size in ipairs { 1, 7, 100, 1000 } do
      local place <close> = ledgers.places.sqlite()
      local l <close> = place:open()
      l:plan(each(entries), ledgers.WHO, size)
      assert.equal(digest, l:identity().list)
    end
  end)
end)

describe("the digest of a text", function()
  it("is its SHA-256", function()
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", plan.digest("run.db", "abc"))
  end)
end)
