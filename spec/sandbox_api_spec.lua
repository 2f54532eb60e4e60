local api = require "cloudblue.connect.sandbox.api"
local options = require "cloudblue.connect.sandbox.options"
local router = require "cloudblue.connect.sandbox.http.router"

describe("the sandbox's API", function()
  local store

  before_each(function()
    store = api.open(assert(options.complete { records = 2 }))
  end)

  it("has a handler for each route", function()
    local row, parameters = router.find(api.routes, "GET", "/usage/records/UR-1")
    local answer = row.handle(store, { parameters = parameters })
    assert.are.same({ 404, "OBJ_001" }, { answer.status, answer.refused })
    assert.is_truthy((router.find(api.media, "GET", "/media/PRD-000-000-001/template.xlsx")))
    assert.is_nil((router.find(api.routes, "GET", "/media/PRD-000-000-001/template.xlsx")))
  end)

  it("lets somebody else close a record or a chunk", function()
    local record, chunk = "UR-2026-01-0000-0000-0000-0002", "UFC-2026-01-0000-0000-001"
    for _, id in ipairs { record, chunk, "UF-2026-01-0000-0000", record } do
      api.closeAs(store, id, "THEIRS")
    end
    api.closeAs(store, nil, "THEIRS")
    assert.are.same({ "THEIRS", "THEIRS", 2, "somebody else" }, {
      store.records:get(record).external_billing_id, store.chunks:get(chunk).external_billing_id, #store.journal,
      store.journal[2].route,
    })
  end)
end)
