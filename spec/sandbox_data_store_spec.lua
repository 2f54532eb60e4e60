local json = require "cloudblue.connect.sandbox.json"
local options = require "cloudblue.connect.sandbox.options"
local Store = require "cloudblue.connect.sandbox.data.store"

describe("the sandbox's store", function()
  local function store(given)
    return Store.new(assert(options.complete(given or {})))
  end

  it("starts with files in each of the wanted states, and records in the first", function()
    local made = store { records = 5, files = { "accepted", "draft", "closed" }, chunks = 1 }
    assert.are.same({ "accepted", "draft", "closed" },
      { made.files.list[1].status, made.files.list[2].status, made.files.list[3].status })
    assert.are.same({ approved = 5 }, made.records:counts(made.files.list[1]))
    assert.are.same({ "UFC-2026-01-0000-0000-001", "UFC-2026-01-0000-0002-001" },
      { made.chunks.list[1].id, made.chunks.list[2].id })
    assert.are.equal(2, made.chunks:count())
  end)

  it("fills given records up with generated members", function()
    local made = store {
      records = { { id = "MINE", amount = 5 }, { status = "closed", external_billing_id = "B" }, {} },
      statuses = { "valid" },
    }
    assert.are.same({ "MINE", 5, "valid", "item_1" }, {
      made.records:get("MINE").id, made.records:get("MINE").amount, made.records:get("MINE").status,
      made.records:get("MINE").item.local_id,
    })
    assert.are.equal("B", made.records:get("UR-2026-01-0000-0000-0000-0002").external_billing_id)
    assert.are.same({ valid = 2, closed = 1 }, made.records:counts())
  end)

  it("numbers what is added", function()
    local made = store()
    assert.are.equal("UF-2026-01-0000-0004", made:addFile("draft").id)
    assert.are.equal("UF-2026-01-0000-0005", made:addFile("draft").id)
    assert.are.equal("RCN-2026-01-0001", made:addReconciliation({}).id)
    assert.are.equal("UIR-000-000-003", made:makeRule().id)
  end)

  it("makes the chunks of a file once", function()
    local made = store()
    made:makeChunks(made.files.list[1])
    assert.are.equal(2, made.chunks:count())
    made:makeChunks(made.files.list[2])
    assert.are.equal(4, made.chunks:count())
  end)

  it("has copies that are changed by themselves", function()
    local made = store { records = 3, chunks = 1 }
    made:applied({ action = "update", id = "a" }, "PUT /x")
    local copy = made:copy()
    copy.records:change("UR-2026-01-0000-0000-0000-0001", { status = "closed" })
    copy.records:promote(copy.files.list[1], "approved", "rejected")
    copy.chunks.list[1].status = "closed"
    copy:applied({ action = "close", id = "b" }, "POST /y")
    assert.are.same({ closed = 1, rejected = 2 }, copy.records:counts())
    assert.are.same({ approved = 3 }, made.records:counts())
    assert.are.same({ approved = 3 }, made.records:counts(made.files.list[1]))
    assert.are.equal("ready", made.chunks.list[1].status)
    assert.are.same({ 1, 1, "b" }, { #made.journal, #copy.journal, copy.journal[1].id })
  end)

  it("numbers the journal and leaves nulls out", function()
    local made = store()
    made:applied({ action = "close", id = "a", external_billing_id = json.null }, "POST /x")
    made:applied({ action = "close", id = "b" }, "POST /y")
    assert.are.same({
      { seq = 1, action = "close", id = "a", route = "POST /x" },
      { seq = 2, action = "close", id = "b", route = "POST /y" },
    }, made.journal)
  end)
end)
