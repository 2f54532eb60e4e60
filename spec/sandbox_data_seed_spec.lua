local json = require "cloudblue.connect.sandbox.json"
local seed = require "cloudblue.connect.sandbox.data.seed"

describe("the sandbox's seed", function()
  it("gives the same object for the same number, and a fresh one each time", function()
    local file = seed.file(0, "accepted")
    local first, second = seed.record(file, 7, "approved"), seed.record(file, 7, "approved")
    assert.are.same(first, second)
    first.item.name = "changed"
    assert.are_not.same(first, second)
    assert.are_not.equal(seed.record(file, 8, "approved").id, second.id)
  end)

  it("gives a closed record a billing id and a date", function()
    local record = seed.record(seed.file(0, "accepted"), 3, "closed")
    assert.are.same({ "SEED-3", "2026-02-01T00:00:00+00:00" }, { record.external_billing_id, record.closed_at })
    assert.are.equal(json.null, seed.record(seed.file(0, "accepted"), 3, "approved").closed_at)
  end)

  it("makes ids of the ids they belong to", function()
    assert.are.equal("UF-2026-01-0000-0012", seed.fileId(12))
    assert.are.equal("UF-2026-01-0001-2345", seed.fileId(12345))
    assert.are.equal("UR-2026-01-0000-0012-0000-0001", seed.recordId("UF-2026-01-0000-0012", 1))
    assert.are.equal("UR-2026-01-0000-0012-0012-3456", seed.recordId("UF-2026-01-0000-0012", 123456))
    assert.are.equal("UFC-2026-01-0000-0012-003", seed.chunkId("UF-2026-01-0000-0012", 3))
  end)

  it("gives only amounts that lua-cjson writes exactly", function()
    local file = seed.file(0, "accepted")
    for index = 1, 2000 do
      assert.is_nil(json.inexact(seed.record(file, index, "approved"), "record"))
    end
    for number = 1, seed.aggregates do
      assert.is_nil(json.inexact(seed.aggregate(number), "aggregate"))
    end
  end)

  it("knows its items", function()
    assert.are.same({ id = "PRD-000-000-001-0003", name = "Mailbox" }, seed.itemById("PRD-000-000-001-0003"))
    assert.is_nil(seed.itemById("PRD-000-000-001-0006"))
  end)
end)
