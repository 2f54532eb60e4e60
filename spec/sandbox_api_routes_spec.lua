local http = require "spec.support.http"
local routes = require "cloudblue.connect.sandbox.api.routes"
local sandboxed = require "spec.support.sandboxed"

--- Every operation of the description's usage part: method, path, the status of its success.
local OPERATIONS = {
  { "GET", "/assets/{asset}/usage/aggregates", 200 },
  { "GET", "/products/{product}/usage/rules", 200 },
  { "POST", "/products/{product}/usage/rules", 201 },
  { "GET", "/products/{product}/usage/rules/{id}", 200 },
  { "PUT", "/products/{product}/usage/rules/{id}", 200 },
  { "DELETE", "/products/{product}/usage/rules/{id}", 204 },
  { "GET", "/usage/aggregates", 200 },
  { "GET", "/usage/chunks", 200 },
  { "GET", "/usage/chunks/{id}", 200 },
  { "PUT", "/usage/chunks/{id}", 200 },
  { "POST", "/usage/chunks/{id}/close", 200 },
  { "GET", "/usage/chunks/{id}/download", 200 },
  { "POST", "/usage/chunks/{id}/regenerate", 200 },
  { "GET", "/usage/files", 200 },
  { "POST", "/usage/files", 201 },
  { "GET", "/usage/files/{id}/categories", 200 },
  { "GET", "/usage/files/{id}", 200 },
  { "PUT", "/usage/files/{id}", 200 },
  { "POST", "/usage/files/{id}/accept", 201 },
  { "PUT", "/usage/files/{id}/approve-all", 200 },
  { "POST", "/usage/files/{id}/close", 200 },
  { "POST", "/usage/files/{id}/delete", 200 },
  { "POST", "/usage/files/{id}/reconciliation", 200 },
  { "POST", "/usage/files/{id}/reject", 201 },
  { "POST", "/usage/files/{id}/reprocess", 200 },
  { "POST", "/usage/files/{id}/submit", 201 },
  { "POST", "/usage/files/{id}/upload", 201 },
  { "GET", "/usage/products/{id}/template", 200 },
  { "GET", "/usage/reconciliations", 200 },
  { "POST", "/usage/reconciliations", 201 },
  { "GET", "/usage/reconciliations/{id}", 200 },
  { "GET", "/usage/reconciliations/{id}/processedfile", 200 },
  { "GET", "/usage/reconciliations/{id}/uploadedfile", 200 },
  { "GET", "/usage/records", 200 },
  { "POST", "/usage/records/close-records", 206 },
  { "GET", "/usage/records/{id}", 200 },
  { "PUT", "/usage/records/{id}", 200 },
  { "POST", "/usage/records/{id}/close", 200 },
}

--- What an operation needs to succeed: the id in its path, its body, its form.
local NEEDS = {
  ["POST /products/{product}/usage/rules"] = { json = { action = "manual" } },
  ["PUT /products/{product}/usage/rules/{id}"] = { json = { status = "deleted" } },
  ["PUT /usage/chunks/{id}"] = { json = { external_id = "E" } },
  ["POST /usage/chunks/{id}/close"] = { json = { external_billing_id = "B" } },
  ["POST /usage/files"] = { json = { name = "n" } },
  ["PUT /usage/files/{id}"] = { id = "UF-2026-01-0000-0003", json = { note = "n" } },
  ["POST /usage/files/{id}/accept"] = { id = "UF-2026-01-0000-0002" },
  ["POST /usage/files/{id}/reject"] = { id = "UF-2026-01-0000-0002" },
  ["POST /usage/files/{id}/delete"] = { id = "UF-2026-01-0000-0003" },
  ["POST /usage/files/{id}/reprocess"] = { id = "UF-2026-01-0000-0001" },
  ["POST /usage/files/{id}/submit"] = { id = "UF-2026-01-0000-0001" },
  ["POST /usage/files/{id}/upload"] = { id = "UF-2026-01-0000-0003", form = "usage_file" },
  ["POST /usage/files/{id}/reconciliation"] = { form = "recon_file" },
  ["POST /usage/reconciliations"] = { form = "recon_file" },
  ["POST /usage/records/close-records"] = { json = { { id = "UR-2026-01-0000-0000-0000-0001" } } },
  ["PUT /usage/records/{id}"] = { json = { status = "rejected" } },
}

local IDS = {
  chunks = "UFC-2026-01-0000-0000-001",
  files = "UF-2026-01-0000-0000",
  records = "UR-2026-01-0000-0000-0000-0001",
  reconciliations = "RCN-2026-01-0001",
  products = "PRD-000-000-001",
  rules = "UIR-000-000-001",
}

local function filled(path, needs)
  local collection = path:match("([%a-]+)/{id}")
  return (path:gsub("{(%w+)}", {
    asset = "AS-0000-0000-0001",
    product = "PRD-000-000-001",
    id = needs.id or IDS[collection],
  }))
end

describe("the sandbox's routes", function()
  local running, client
  sandboxed.share({ records = 2 }, function(...) running, client = ... end)

  before_each(function()
    client:call("POST", "/usage/reconciliations",
      http.form { { name = "recon_file", filename = "r.xlsx", body = "bytes" } })
  end)

  for _, operation in ipairs(OPERATIONS) do
    local method, path, status = table.unpack(operation)
    it(string.format("carry out %s %s", method, path), function()
      local needs = NEEDS[method .. " " .. path] or {}
      local options = needs.form and http.form { { name = needs.form, filename = "f.xlsx", body = "bytes" } }
        or { json = needs.json }
      local reply = client:call(method, filled(path, needs), options)
      assert.are.equal(status, reply.status, reply.body)
      assert.are.same({}, running:problems())
    end)
  end

  it("are those of the description's 30 paths, the JavaScript SDK's one, and no others", function()
    local described, paths, count = {}, {}, 0
    for _, operation in ipairs(OPERATIONS) do
      described[operation[1] .. " " .. operation[2]] = true
      count = count + (paths[operation[2]] and 0 or 1)
      paths[operation[2]] = true
    end
    assert.are.equal(30, count)
    described["POST /usage/records/{id}/close-records"] = true
    for _, row in ipairs(routes.api) do
      assert.is_true(described[row[1] .. " " .. row[2]], row[2])
      described[row[1] .. " " .. row[2]] = nil
    end
    assert.are.same({}, described)
  end)
end)
