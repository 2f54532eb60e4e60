local http = require "spec.support.http"
local sandbox = require "cloudblue.connect.sandbox"

describe("the sandbox's usage files", function()
  local running, client
  local ACCEPTED, READY = "UF-2026-01-0000-0000", "UF-2026-01-0000-0001"
  local PENDING, DRAFT = "UF-2026-01-0000-0002", "UF-2026-01-0000-0003"

  setup(function()
    running = assert(sandbox.start { records = 4, statuses = { "approved", "valid" }, uploadRecords = 3 })
    client = http.open(running)
  end)

  before_each(function()
    running:reset()
    running:configure { uploadReads = 0 }
  end)

  after_each(function()
    assert.are.same({}, running:problems())
  end)

  teardown(function()
    client:close()
    running:stop()
  end)

  local function act(id, action, value)
    return client:call("POST", "/usage/files/" .. id .. "/" .. action, { json = value })
  end

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

  it("go all the way from an upload to the close", function()
    local reply = upload(DRAFT, "january.xlsx", "PK some bytes")
    assert.are.same({ 201, "ready" }, { reply.status, reply.value.status })
    assert.are.same({ uploaded = 3, validated = 3, pending = 3, accepted = 0, closed = 0, billed = 0 },
      reply.value.stats)
    assert.are.equal("pending", act(DRAFT, "submit").value.status)
    reply = act(DRAFT, "accept", { acceptance_note = "fine" })
    assert.are.same({ "accepted", "fine", 3 },
      { reply.value.status, reply.value.acceptance_note, reply.value.stats.accepted })
    assert.are.equal("approved", running:record("UR-2026-01-0000-0003-0000-0003").status)
    assert.are.equal("ready", running:chunk("UFC-2026-01-0000-0003-002").status)
    reply = act(DRAFT, "close")
    assert.are.equal("closed", reply.value.status)
    assert.is_truthy(reply.value.events.closed.at)
    local actions = {}
    for number, entry in ipairs(running:journal()) do
      actions[number] = entry.action .. " " .. entry.status
    end
    assert.are.same({ "upload ready", "submit pending", "accept accepted", "close closed" }, actions)
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

  it("are invalid when the upload is no spreadsheet by its name, until there is a better one", function()
    local reply = upload(READY, "january.csv", "a,b")
    assert.are.same({ 201, "invalid" }, { reply.status, reply.value.status })
    assert.are.equal("The file is no XLSX spreadsheet", reply.value.error_detail)
    assert.are.equal("STATE_001", act(READY, "submit").value.error_code)
    assert.are.equal("invalid", act(READY, "reprocess").value.status)
    assert.are.equal("ready", upload(READY, "JANUARY.XLSX", "PK").value.status)
    assert.are.equal("ready", act(READY, "reprocess").value.status)
  end)

  it("refuse an upload without a file", function()
    refused(upload(DRAFT, "a.xlsx", ""), 400, "VAL_001")
    refused(upload(DRAFT, "a.xlsx", "PK", "other"), 400, "VAL_001")
    refused(client:call("POST", "/usage/files/" .. DRAFT .. "/upload", { json = {} }), 415, "REQ_002")
    refused(client:call("POST", "/usage/files/" .. DRAFT .. "/upload"), 415, "REQ_002")
    refused(upload("UF-none", "a.xlsx", "PK"), 404, "OBJ_001")
    refused(upload(PENDING, "a.xlsx", "PK"), 400, "STATE_001")
  end)

  it("show an upload under way for as many reads as are wanted", function()
    running:configure { uploadReads = 4 }
    local statuses = { upload(DRAFT, "a.xlsx", "PK").value.status }
    for number = 2, 5 do
      statuses[number] = client:call("GET", "/usage/files/" .. DRAFT).value.status
    end
    assert.are.same({ "uploading", "uploading", "uploaded", "processing", "ready" }, statuses)
    assert.are.equal("processed", client:call("GET", "/usage/files/" .. DRAFT).value.sub_status)
  end)

  it("do in each state what that state allows, and answer some actions with 201, as the service does", function()
    local DONE = { submit = 201, accept = 201, reject = 201, close = 200, delete = 200, reprocess = 200 }
    local allowed = {
      [DRAFT] = { delete = true },
      [READY] = { submit = true, delete = true, reprocess = true },
      [PENDING] = { accept = true, reject = true },
      [ACCEPTED] = { close = true },
    }
    for id, actions in pairs(allowed) do
      for _, action in ipairs { "submit", "accept", "reject", "close", "delete", "reprocess" } do
        running:reset()
        local reply = act(id, action)
        assert.are.same({ id, action, actions[action] and DONE[action] or 400 }, { id, action, reply.status })
        assert.are.equal(actions[action] and 1 or 0, #running:journal())
      end
    end
    running:reset()
    refused(act("UF-none", "submit"), 404, "OBJ_001")
  end)

  it("keep the note of a rejection, and may be uploaded again", function()
    local reply = act(PENDING, "reject", { rejection_note = "wrong prices" })
    assert.are.same({ "rejected", "wrong prices" }, { reply.value.status, reply.value.rejection_note })
    assert.are.equal("ready", upload(PENDING, "b.xlsx", "PK").value.status)
    assert.are.equal("VAL_001", act(PENDING, "accept", { acceptance_note = 7 }).value.error_code)
  end)

  it("approve all their valid records", function()
    assert.are.same({ approved = 2, valid = 2 }, running:counts())
    local reply = client:call("PUT", "/usage/files/" .. ACCEPTED .. "/approve-all")
    assert.are.same({ 200, 4 }, { reply.status, reply.value.stats.accepted })
    assert.are.same({ approved = 4 }, running:counts())
    assert.are.same({ "approve-all", 2 }, { running:journal()[1].action, running:journal()[1].count })
    assert.are.equal("STATE_001", client:call("PUT", "/usage/files/" .. DRAFT .. "/approve-all").value.error_code)
  end)

  it("are still shown when they are deleted; their records are gone", function()
    upload(DRAFT, "a.xlsx", "PK")
    assert.are.equal(7, client:call("GET", "/usage/records?limit=0").headers["content-range"]:match("/(%d+)") + 0)
    assert.are.equal("deleted", act(DRAFT, "delete").value.status)
    assert.are.equal("deleted", client:call("GET", "/usage/files/" .. DRAFT).value.status)
    assert.are.same({ approved = 2, valid = 2 }, running:counts())
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

  it("take a reconciliation when they are accepted or closed", function()
    local function reconcile(id, part)
      return client:call("POST", "/usage/files/" .. id .. "/reconciliation",
        http.form { { name = part, filename = "r.xlsx", body = "bytes" } })
    end
    refused(reconcile(DRAFT, "recon_file"), 400, "STATE_001")
    refused(reconcile(ACCEPTED, "usage_file"), 400, "VAL_001")
    local reply = reconcile(ACCEPTED, "recon_file")
    assert.are.same({ 200, "accepted" }, { reply.status, reply.value.status })
    assert.is_truthy(reply.value.reconciliation_file_uri)
    assert.are.same({ 5, "r.xlsx" }, {
      running:upload(ACCEPTED, "reconciliation").size,
      running:upload(ACCEPTED, "reconciliation").filename,
    })
    act(ACCEPTED, "close")
    assert.are.equal(200, reconcile(ACCEPTED, "recon_file").status)
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
