local api = require "cloudblue.connect.sandbox.api"
local options = require "cloudblue.connect.sandbox.options"
local router = require "cloudblue.connect.sandbox.http.router"

describe("the sandbox's API", function()
  local store

  before_each(function()
    store = api.open(assert(options.complete { records = 5 }))
  end)

  it("has a handler for each route", function()
    local row, parameters = router.find(api.routes, "GET", "/usage/records/UR-1")
    local answer = row.handle(store, { parameters = parameters })
    assert.are.same({ 404, "OBJ_001" }, { answer.status, answer.refused })
    assert.is_truthy((router.find(api.media, "GET", "/media/PRD-000-000-001/template.xlsx")))
    assert.is_nil((router.find(api.routes, "GET", "/media/PRD-000-000-001/template.xlsx")))
  end)

  it("lets somebody else close what a request names, in its path or in its body", function()
    local function record(number)
      return "UR-2026-01-0000-0000-0000-000" .. number
    end
    local chunk, file = "UFC-2026-01-0000-0000-001", "UF-2026-01-0000-0000"
    for _, request in ipairs {
      { parameters = { id = record(1) }, body = '{"external_billing_id":"OURS"}' },
      { parameters = { id = record(1) }, body = "no JSON" },
      { parameters = { id = chunk } },
      { parameters = { id = file }, body = '{"id":"' .. record(2) .. '"}' },
      { parameters = {}, body = '[{"id":"' .. record(3) .. '"},{"id":7},{"id":"' .. record(4) .. '"},"x"]' },
      { parameters = {}, body = "[]" },
    } do
      api.closeAs(store, request, "THEIRS")
    end
    local closed = {}
    for number, entry in ipairs(store.journal) do
      closed[number] = entry.id .. " " .. entry.external_billing_id .. " " .. entry.route
    end
    assert.are.same({
      record(1) .. " THEIRS somebody else", chunk .. " THEIRS somebody else", record(2) .. " THEIRS somebody else",
      record(3) .. " THEIRS somebody else", record(4) .. " THEIRS somebody else",
    }, closed)
  end)
end)
