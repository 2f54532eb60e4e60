local http = require "spec.support.http"
local sandboxed = require "spec.support.sandboxed"

describe("the sandbox's reconciliations", function()
  local running, client
  sandboxed.share({ downloadBytes = 500 }, function(...) running, client = ... end)

  local function create(parts)
    return client:call("POST", "/usage/reconciliations", http.form(parts))
  end

  it("are made of a file and a note, about the chunk that the file's name names", function()
    local reply = create {
      { name = "upload_note", body = "first\r\ntry" },
      { name = "recon_file", filename = "UFC-2026-01-0000-0000-002 done.xlsx", body = "bytes" },
    }
    assert.are.same({ 201, "RCN-2026-01-0001", "processed" }, { reply.status, reply.value.id, reply.value.status })
    assert.are.equal("UFC-2026-01-0000-0000-002", reply.value.partusagefile.id)
    assert.are.equal("UF-2026-01-0000-0000", reply.value.usagefile.id)
    assert.are.equal("first\r\ntry", reply.value.notes.uploaded)
    local entry = running:journal()[1]
    assert.are.same({ "create", "reconciliation", "UFC-2026-01-0000-0000-002", 5 },
      { entry.action, entry.kind, entry.chunk, entry.size })
  end)

  it("are about the first chunk where the name names none", function()
    local reply = create { { name = "recon_file", filename = "r.xlsx", body = "bytes" } }
    assert.are.equal("UFC-2026-01-0000-0000-001", reply.value.partusagefile.id)
    assert.are.equal("", reply.value.notes.uploaded)
  end)

  it("need a file", function()
    assert.are.equal("VAL_001", create({ { name = "upload_note", body = "n" } }).value.error_code)
    assert.are.equal("VAL_001", create({ { name = "recon_file", body = "" } }).value.error_code)
    assert.are.equal("REQ_002", client:call("POST", "/usage/reconciliations", { json = {} }).value.error_code)
    assert.are.same({}, running:journal())
  end)

  it("give back what was uploaded, and a generated file when processed", function()
    create { { name = "recon_file", filename = "r.xlsx", body = "the\0bytes" } }
    local path = "/usage/reconciliations/RCN-2026-01-0001"
    assert.are.equal("the\0bytes", client:call("GET", path .. "/uploadedfile").body)
    assert.are.equal(500, #client:call("GET", path .. "/processedfile").body)
    assert.are.equal("RCN-2026-01-0001", client:call("GET", path).value.id)
    assert.are.equal(9, running:upload("RCN-2026-01-0001").size)
  end)

  it("that do not exist are not found", function()
    for _, rest in ipairs { "", "/uploadedfile", "/processedfile" } do
      assert.are.equal(404, client:call("GET", "/usage/reconciliations/RCN-none" .. rest).status)
    end
  end)

  it("are listed", function()
    create { { name = "recon_file", filename = "UFC-2026-01-0000-0000-002.xlsx", body = "a" } }
    create { { name = "recon_file", filename = "UFC-2026-01-0000-0000-001.xlsx", body = "b" } }
    local reply = client:call("GET", "/usage/reconciliations?partusagefile.id=UFC-2026-01-0000-0000-001")
    assert.are.same({ "items 0-0/1", "RCN-2026-01-0002" }, { reply.headers["content-range"], reply.value[1].id })
  end)
end)
