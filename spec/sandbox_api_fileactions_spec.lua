local http = require "spec.support.http"
local sandboxed = require "spec.support.sandboxed"

describe("the actions of the sandbox's usage files, which", function()
  local running, client
  local ACCEPTED, READY = "UF-2026-01-0000-0000", "UF-2026-01-0000-0001"
  local PENDING, DRAFT = "UF-2026-01-0000-0002", "UF-2026-01-0000-0003"
  sandboxed.share(
    { records = 4, statuses = { "approved", "valid" }, uploadRecords = 3 },
    function(...) running, client = ... end)

  before_each(function()
    running:configure { uploadReads = 0 }
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
end)
