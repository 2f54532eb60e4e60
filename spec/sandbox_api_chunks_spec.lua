local sandboxed = require "spec.support.sandboxed"

describe("the sandbox's usage chunks", function()
  local running, client
  local READY, DRAFT, FAILED = "UFC-2026-01-0000-0000-001", "UFC-2026-01-0000-0000-002", "UFC-2026-01-0000-0000-003"
  sandboxed.share(
    { chunks = 3, chunkStatuses = { "ready", "draft", "failed" }, downloadBytes = 1000 },
    function(...) running, client = ... end)

  local function close(id, value)
    return client:call("POST", "/usage/chunks/" .. id .. "/close", { json = value })
  end

  local function refused(reply, status, code)
    assert.are.same({ status, code }, { reply.status, reply.value.error_code })
    assert.are.same({}, running:journal())
  end

  it("are closed once, and show the billing id from then on", function()
    local reply = close(READY, { external_billing_id = "B-1", external_billing_note = "n" })
    assert.are.equal(200, reply.status)
    assert.are.same({ READY, "closed", "B-1", "n" },
      { reply.value.id, reply.value.status, reply.value.external_billing_id, reply.value.external_billing_note })
    assert.are.equal("B-1", client:call("GET", "/usage/chunks/" .. READY).value.external_billing_id)
    assert.are.equal("STATE_001", close(READY, { external_billing_id = "B-1" }).value.error_code)
    assert.are.same({ {
      seq = 1,
      action = "close",
      kind = "chunk",
      id = READY,
      external_billing_id = "B-1",
      external_billing_note = "n",
      route = "POST /usage/chunks/{id}/close",
    } }, running:journal())
  end)

  it("are never closed without a billing id", function()
    refused(close(READY, { external_billing_note = "n" }), 400, "VAL_001")
    refused(close(READY, { external_billing_id = "" }), 400, "VAL_001")
    refused(close(READY, nil), 400, "VAL_001")
  end)

  it("are closed when ready, in no other state", function()
    refused(close(DRAFT, { external_billing_id = "B" }), 400, "STATE_001")
    refused(close(FAILED, { external_billing_id = "B" }), 400, "STATE_001")
    refused(close("UFC-none", { external_billing_id = "B" }), 404, "OBJ_001")
  end)

  it("take an external id, which is required", function()
    refused(client:call("PUT", "/usage/chunks/" .. READY, { json = { other = 1 } }), 400, "VAL_001")
    refused(client:call("PUT", "/usage/chunks/UFC-none", { json = { external_id = "E" } }), 404, "OBJ_001")
    local reply = client:call("PUT", "/usage/chunks/" .. READY, { json = { external_id = "E" } })
    assert.are.same({ 200, "E" }, { reply.status, reply.value.external_id })
    assert.are.equal("E", running:journal()[1].external_id)
  end)

  it("give their file, where they have one", function()
    local reply = client:call("GET", "/usage/chunks/" .. READY .. "/download")
    assert.are.equal(200, reply.status)
    assert.are.equal("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", reply.headers["content-type"])
    assert.are.equal("1000", reply.headers["content-length"])
    assert.are.equal(1000, #reply.body)
    refused(client:call("GET", "/usage/chunks/" .. DRAFT .. "/download"), 400, "STATE_001")
    refused(client:call("GET", "/usage/chunks/UFC-none/download"), 404, "OBJ_001")
  end)

  it("are ready when they are regenerated", function()
    local reply = client:call("POST", "/usage/chunks/" .. FAILED .. "/regenerate")
    assert.are.same({ 200, "ready", "" }, { reply.status, reply.value.status, reply.value.error.detail })
    close(READY, { external_billing_id = "B" })
    assert.are.equal("STATE_001", client:call("POST", "/usage/chunks/" .. READY .. "/regenerate").value.error_code)
    assert.are.same({ "regenerate", "close" }, { running:journal()[1].action, running:journal()[2].action })
  end)

  it("are listed", function()
    local reply = client:call("GET", "/usage/chunks?in(usagefile.id,(UF-2026-01-0000-0000))&ordering(-usagefile.id)")
    assert.are.equal("items 0-2/3", reply.headers["content-range"])
    assert.are.equal(FAILED, reply.value[1].id)
  end)
end)
