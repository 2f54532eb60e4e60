local http = require "spec.support.http"
local sandboxed = require "spec.support.sandboxed"

describe("the sandbox's usage files", function()
  local running, client
  local ACCEPTED, READY = "UF-2026-01-0000-0000", "UF-2026-01-0000-0001"
  local PENDING, DRAFT = "UF-2026-01-0000-0002", "UF-2026-01-0000-0003"
  sandboxed.share(
    { records = 4, statuses = { "approved", "valid" }, uploadRecords = 3 },
    function(...) running, client = ... end)

  before_each(function()
    running:configure { uploadReads = 0 }
  end)

  local function upload(id, filename, body, part)
    return client:call("POST", "/usage/files/" .. id .. "/upload",
      http.form { { name = part or "usage_file", filename = filename, body = body } })
  end

  local function refused(reply, status, code)
    assert.are.same({ status, code }, { reply.status, reply.value.error_code })
    assert.are.same({}, running:journal())
  end

  it("are created as drafts, and the reply is flat", function()
    local reply = client:call("POST", "/usage/files", { json = {
      name = "February",
      description = "d",
      period = { from = "2026-02-01", to = "2026-02-28" },
      currency = "USD",
      product = { id = "PRD-000-000-002" },
      contract = { id = "CRD-1" },
      external_id = "X-1",
    } })
    assert.are.equal(201, reply.status)
    assert.are.same({ "UF-2026-01-0000-0004", "February", "PRD-000-000-002", "CRD-1", "USD", "VA-000-000" }, {
      reply.value.id, reply.value.name, reply.value.product_id, reply.value.distribution_contract,
      reply.value.currency, reply.value.vendor,
    })
    assert.are.equal("2026-02-28T23:59:59+00:00", reply.value.end_datetime_utc)
    local file = client:call("GET", "/usage/files/UF-2026-01-0000-0004").value
    assert.are.same({ "draft", "Sandbox Mail", "2026-02-01" }, { file.status, file.product.name, file.period.from })
  end)

  it("are not created from nonsense", function()
    local function create(value)
      return client:call("POST", "/usage/files", { json = value })
    end
    refused(create { product = { id = "PRD-none" } }, 400, "VAL_001")
    refused(create { product = "PRD-000-000-001" }, 400, "VAL_001")
    refused(create { contract = {} }, 400, "VAL_001")
    refused(create { name = 7 }, 400, "VAL_001")
    refused(create { name = ("n"):rep(101) }, 400, "VAL_001")
    refused(create { period = { from = "yesterday", to = "today" } }, 400, "VAL_001")
  end)

  it("keep what was uploaded, byte for byte", function()
    local bytes = {}
    for value = 0, 255 do
      bytes[value + 1] = string.char(value) .. "\r\n--"
    end
    local body = table.concat(bytes)
    local file = upload(DRAFT, "all.xlsx", body).value
    local digest = require("openssl.digest").new("sha256"):final(body)
    local described = running:upload(DRAFT)
    assert.are.same({ "usage_file", "all.xlsx", #body }, { described.part, described.filename, described.size })
    assert.are.equal(digest:gsub(".", function(byte) return string.format("%02x", byte:byte()) end), described.sha256)
    local path = file.usage_file_uri:match("^http://[^/]+(/.*)$")
    assert.are.equal(body, client:call("GET", path, { root = true, key = false }).body)
  end)

  it("change while they are not submitted", function()
    local function put(id, value)
      return client:call("PUT", "/usage/files/" .. id, { json = value })
    end
    local reply = put(DRAFT, { description = "d", note = "n", external_id = "E", currency = "USD" })
    assert.are.same({ 200, { description = "d", note = "n", external_id = "E" } }, { reply.status, reply.value })
    assert.are.equal("USD", running:file(DRAFT).currency)
    assert.are.equal("STATE_001", put(PENDING, { description = "d" }).value.error_code)
    assert.are.equal("VAL_001", put(DRAFT, { description = 1 }).value.error_code)
  end)

  it("are listed, with their statistics and without their links", function()
    local reply = client:call("GET", "/usage/files?in(status,(draft,ready))&ordering(status)&select(-vendor)")
    assert.are.equal("items 0-1/2", reply.headers["content-range"])
    assert.are.same({ DRAFT, READY }, { reply.value[1].id, reply.value[2].id })
    assert.is_nil(reply.value[1].vendor)
    reply = client:call("GET", "/usage/files?status=accepted&external_id=EXT-0000&le(created.at,2026-01-31T10:00:00Z)")
    assert.are.same({ 1, ACCEPTED, 4 }, { #reply.value, reply.value[1].id, reply.value[1].stats.uploaded })
    assert.is_nil(reply.value[1].records)
  end)

  it("have categories", function()
    local reply = client:call("GET", "/usage/files/" .. DRAFT .. "/categories?name=Storage")
    assert.are.same({ 200, "storage", 1 }, { reply.status, reply.value[1].id, #reply.value })
    refused(client:call("GET", "/usage/files/UF-none/categories"), 404, "OBJ_001")
  end)
end)
