local Recordset = require "cloudblue.connect.sandbox.data.recordset"
local seed = require "cloudblue.connect.sandbox.data.seed"

describe("the sandbox's set of records", function()
  local set, file, other

  local function ids(records)
    local found = {}
    for number, record in ipairs(records) do
      found[number] = record.id:gsub("^UR%-2026%-01%-0000%-(%d+)%-0000%-(%d+)$", "%1-%2")
    end
    return found
  end

  before_each(function()
    set, file, other = Recordset.new(), seed.file(0, "accepted"), seed.file(1, "ready")
    set:generate(file, 10, { "approved", "valid", "closed" })
    set:generate(other, 3, { "valid" })
  end)

  it("finds records by their ids alone", function()
    assert.are.equal("valid", set:get("UR-2026-01-0000-0000-0000-0002").status)
    assert.are.equal("UF-2026-01-0000-0001", set:get("UR-2026-01-0000-0001-0000-0003").usagefile.id)
    for _, id in ipairs {
      "UR-2026-01-0000-0000-0000-0000", "UR-2026-01-0000-0000-0000-0011", "UR-2026-01-0000-0000-0000-2",
      "UR-2026-01-0000-0000-0000-00002", "UR-2026-01-0000-0000-2", "UR-2026-01-0000-0002-0000-0001",
      "UF-2026-01-0000-0001", "", "UR-2026-01-0000-0000-99999999999999999999-0001",
    } do
      assert.is_nil(set:get(id), id)
    end
  end)

  it("counts by status, of all files or of one", function()
    assert.are.same({ approved = 4, valid = 6, closed = 3 }, set:counts())
    assert.are.same({ valid = 3 }, set:counts(other))
    assert.are.same({}, set:counts(seed.file(2, "draft")))
    assert.are.equal(13, set:count())
  end)

  it("counts generated records rightly, however few there are", function()
    local statuses = { "approved", "valid", "closed" }
    for count = 0, 7 do
      local few = Recordset.new()
      few:generate(file, count, statuses)
      local counted = {}
      for record in few:each() do
        counted[record.status] = (counted[record.status] or 0) + 1
      end
      assert.are.same(counted, few:counts())
    end
  end)

  it("keeps a change, and nothing else", function()
    set:change("UR-2026-01-0000-0000-0000-0001", { status = "closed", external_billing_id = "B" })
    assert.are.same({ "closed", "B" }, {
      set:get("UR-2026-01-0000-0000-0000-0001").status,
      set:get("UR-2026-01-0000-0000-0000-0001").external_billing_id,
    })
    set:get("UR-2026-01-0000-0000-0000-0004").status = "scribbled"
    assert.are.equal("approved", set:get("UR-2026-01-0000-0000-0000-0004").status)
    assert.are.same({ approved = 3, valid = 6, closed = 4 }, set:counts())
  end)

  it("gives the pages of all files in order", function()
    assert.are.same({ "0000-0009", "0000-0010", "0001-0001", "0001-0002" }, ids(set:slice(8, 4)))
    assert.are.same({ "0001-0003" }, ids(set:slice(12, 100)))
    assert.are.same({}, ids(set:slice(13, 100)))
    assert.are.same({}, ids(set:slice(0, 0)))
    local walked = {}
    for record in set:each() do
      walked[#walked + 1] = record
    end
    assert.are.same(ids(set:slice(0, 100)), ids(walked))
  end)

  it("moves all records of a file that have a status", function()
    set:change("UR-2026-01-0000-0000-0000-0001", { status = "valid" })
    assert.are.equal(4, set:promote(file, "valid", "approved"))
    assert.are.same({ approved = 7, closed = 3 }, set:counts(file))
    assert.are.equal("approved", set:get("UR-2026-01-0000-0000-0000-0002").status)
    assert.are.equal("approved", set:get("UR-2026-01-0000-0000-0000-0001").status)
    assert.are.same({ valid = 3 }, set:counts(other))
    assert.are.equal(0, set:promote(file, "valid", "approved"))
  end)

  it("replaces the records of a file, and drops them", function()
    set:change("UR-2026-01-0000-0000-0000-0001", { status = "closed" })
    set:generate(file, 2, { "valid" })
    assert.are.same({ valid = 5 }, set:counts())
    assert.are.equal("valid", set:get("UR-2026-01-0000-0000-0000-0001").status)
    set:drop(file)
    assert.are.same({ 3, nil }, { set:count(), set:get("UR-2026-01-0000-0000-0000-0001") })
    set:drop(file)
    assert.are.equal(3, set:count())
  end)

  it("takes given records", function()
    local given = Recordset.new()
    given:add(file, { { id = "X-1", status = "approved" }, { id = "X-2", status = "valid" } })
    assert.are.same({ "approved", nil }, { given:get("X-1").status, given:get("UR-2026-01-0000-0000-0000-0001") })
    given:change("X-1", { status = "closed" })
    assert.are.equal(1, given:promote(file, "valid", "approved"))
    assert.are.same({ approved = 1, closed = 1 }, given:counts())
    given:drop(file)
    assert.are.same({ 0, nil }, { given:count(), given:get("X-1") })
  end)

  it("holds a million records in no memory", function()
    collectgarbage()
    local before = collectgarbage("count")
    local large = Recordset.new()
    large:generate(file, 1000000, { "approved", "valid" })
    assert.are.equal("UR-2026-01-0000-0000-0100-0000", large:slice(999999, 10)[1].id)
    assert.are.equal("approved", large:get("UR-2026-01-0000-0000-0099-9999").status)
    assert.are.same({ approved = 500000, valid = 500000 }, large:counts())
    collectgarbage()
    assert.is_true(collectgarbage("count") - before < 64)
  end)
end)
