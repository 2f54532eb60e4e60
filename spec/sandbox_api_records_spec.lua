local json = require "cjson"
local sandboxed = require "spec.support.sandboxed"

describe("the sandbox's usage records", function()
  local running, client
  sandboxed.share(
    { records = 30, statuses = { "approved", "approved", "valid", "rejected" } },
    function(...) running, client = ... end)

  before_each(function()
    running:configure { bulkRoute = true }
  end)

  local ID = "UR-2026-01-0000-0000-0000-0001"
  local VALID, REJECTED = "UR-2026-01-0000-0000-0000-0003", "UR-2026-01-0000-0000-0000-0004"

  local function close(id, value)
    return client:call("POST", "/usage/records/" .. id .. "/close", { json = value })
  end

  local function refused(reply, status, code)
    assert.are.same({ status, code }, { reply.status, reply.value.error_code })
    assert.are.equal("string", type(reply.value.errors[1]))
    assert.are.same({}, running:journal())
  end

  it("have the members of the description", function()
    local record = client:call("GET", "/usage/records/" .. ID).value
    assert.are.equal(ID, record.id)
    assert.are.equal("approved", record.status)
    assert.are.equal("UF-2026-01-0000-0000", record.usagefile.id)
    assert.are.equal("qt", record.usagefile.schema)
    assert.are.equal(record.item.id, record.item_id)
    assert.are.equal(record.asset.external_uid, record.asset_external_uid)
    assert.are.equal(11.75, record.amount)
    assert.are.same({ json.null, json.null, json.null, json.null },
      { record.external_billing_id, record.external_billing_note, record.closed_at, record.closed_by })
    assert.is_nil(record.created_time)
  end)

  it("write integers as integers and amounts exactly", function()
    local body = client:call("GET", "/usage/records/" .. ID).body
    assert.is_truthy(body:find("\"tier\":0[,}]"))
    assert.is_truthy(body:find("\"amount\":11.75[,}]"))
  end)

  it("are closed once, with id and note", function()
    local reply = close(ID, { external_billing_id = "BILL-77", external_billing_note = "January" })
    assert.are.equal(200, reply.status)
    assert.are.equal("application/json", reply.headers["content-type"])
    assert.are.equal(tostring(#reply.body), reply.headers["content-length"])
    assert.are.equal("closed", reply.value.status)
    assert.are.equal("BILL-77", reply.value.external_billing_id)
    assert.are.equal("January", reply.value.external_billing_note)
    assert.is_truthy(reply.value.closed_at:find("^%d%d%d%d%-%d%d%-%d%dT"))
    assert.are.equal("SU-000-000-000", reply.value.closed_by)
    assert.are.same(reply.value, client:call("GET", "/usage/records/" .. ID).value)
    local again = close(ID, { external_billing_id = "BILL-77" })
    assert.are.same({ 400, "STATE_001" }, { again.status, again.value.error_code })
    assert.are.same({ "Usage record " .. ID .. " can't be closed: its status is closed, not approved" },
      again.value.errors)
    assert.are.equal(1, #running:journal())
  end)

  it("are closed without a billing id, too: the description asks for none", function()
    local reply = close(ID, { external_billing_note = "only a note" })
    assert.are.same({ 200, json.null, "only a note" },
      { reply.status, reply.value.external_billing_id, reply.value.external_billing_note })
    assert.are.same({ 206, "" }, (function()
      local bulk = client:call("POST", "/usage/records/close-records", { json = {
        { id = "UR-2026-01-0000-0000-0000-0005", external_billing_note = "only a note" },
      } })
      return { bulk.status, bulk.value[1].error_codes }
    end)())
    assert.are.equal(200, client:call("POST", "/usage/records/UR-2026-01-0000-0000-0000-0002/close",
      { body = "{}", type = "application/json; charset=utf-8" }).status)
  end)

  it("are not closed before they are approved", function()
    refused(close(VALID, { external_billing_id = "B" }), 400, "STATE_001")
    refused(close(REJECTED, { external_billing_id = "B" }), 400, "STATE_001")
  end)

  it("that do not exist are not found", function()
    for _, id in ipairs { "UR-2026-01-0000-0000-0000-0031", "UR-2026-01-0000-0000-0000-0000",
      "UR-2026-01-0000-0000-0000-1", "UR-x", "a%2Fb" } do
      refused(close(id, { external_billing_id = "B" }), 404, "OBJ_001")
      refused(client:call("GET", "/usage/records/" .. id), 404, "OBJ_001")
      refused(client:call("PUT", "/usage/records/" .. id, { json = { status = "valid" } }), 404, "OBJ_001")
    end
  end)

  it("refuse a body that is no JSON object", function()
    local path = "/usage/records/" .. ID .. "/close"
    refused(client:call("POST", path, { body = "{\"a\":", type = "application/json" }), 400, "REQ_001")
    refused(client:call("POST", path, { body = "[]", type = "application/json" }), 400, "VAL_001")
    refused(client:call("POST", path, { body = "3", type = "application/json" }), 400, "VAL_001")
    refused(client:call("POST", path, { body = "{}", type = "text/plain" }), 415, "REQ_002")
    refused(client:call("POST", path, { body = "{}" }), 415, "REQ_002")
  end)

  it("refuse a billing id that is no string, or null, or too long", function()
    refused(close(ID, { external_billing_id = 7 }), 400, "VAL_001")
    refused(client:call("POST", "/usage/records/" .. ID .. "/close",
      { body = "{\"external_billing_id\":null}", type = "application/json" }), 400, "VAL_001")
    refused(close(ID, { external_billing_id = ("x"):rep(256) }), 400, "VAL_001")
    assert.are.equal(200, close(ID, { external_billing_id = ("é"):rep(255) }).status)
  end)

  it("take another status by PUT, but not closed", function()
    local function put(id, status)
      return client:call("PUT", "/usage/records/" .. id, { json = { status = status } })
    end
    refused(put(VALID, "closed"), 400, "VAL_001")
    refused(put(VALID, "nonsense"), 400, "VAL_001")
    assert.are.equal("approved", put(VALID, "approved").value.status)
    assert.are.same({ action = "update", id = VALID, kind = "record", route = "PUT /usage/records/{id}", seq = 1,
      status = "approved" }, running:journal()[1])
    assert.are.equal(200, close(VALID, { external_billing_id = "B" }).status)
    assert.are.equal("STATE_001", put(VALID, "approved").value.error_code)
  end)

  it("are closed in bulk, each by itself", function()
    close("UR-2026-01-0000-0000-0000-0002", { external_billing_id = "EARLIER" })
    local reply = client:call("POST", "/usage/records/close-records", { json = {
      { id = ID, external_billing_id = "B-1", external_billing_note = "n" },
      { id = "UR-2026-01-0000-0000-0000-0002", external_billing_id = "B-2" },
      { id = VALID, external_billing_id = "B-3" },
      { id = "UR-none", external_billing_id = "B-4" },
      { id = ID, external_billing_id = "B-5" },
      { external_billing_id = "B-6" },
    } })
    assert.are.equal(206, reply.status)
    local summary = {}
    for number, entry in ipairs(reply.value) do
      summary[number] = { entry.id, entry.status or false, entry.error_codes }
    end
    assert.are.same({
      { ID, "closed", "" },
      { "UR-2026-01-0000-0000-0000-0002", "closed", "STATE_001" },
      { VALID, "valid", "STATE_001" },
      { "UR-none", false, "OBJ_001" },
      { ID, "closed", "STATE_001" },
      { "", false, "VAL_001" },
    }, summary)
    assert.are.equal("", reply.value[1].error_details)
    assert.are.equal("Usage record UR-none does not exist", reply.value[4].error_details)
    assert.are.equal("B-1", running:record(ID).external_billing_id)
    assert.are.equal(2, #running:journal())
    assert.are.equal("POST /usage/records/close-records", running:journal()[2].route)
  end)

  it("are closed in bulk with 206, also when all of them were, and told without their billing id", function()
    local reply = client:call("POST", "/usage/records/close-records",
      { json = { { id = ID, external_billing_id = "B" } } })
    assert.are.same({ 206, { { id = ID, status = "closed", error_codes = "", error_details = "" } } },
      { reply.status, reply.value })
  end)

  it("are refused in bulk when they are too many, and none of them is closed", function()
    local function bulk(count, padding)
      local entries = {}
      for number = 1, count do
        entries[number] = { id = ID, external_billing_note = padding }
      end
      return client:call("POST", "/usage/records/close-records", { json = entries })
    end
    refused(bulk(1001), 413, "REQ_005")
    refused(bulk(1000, ("x"):rep(5000)), 413, "REQ_005")
    running:configure { bulkRows = 2, bulkBytes = 300 }
    refused(bulk(3), 413, "REQ_005")
    refused(bulk(2, ("x"):rep(100)), 413, "REQ_005")
    assert.are.equal(206, bulk(2).status)
    running:configure { bulkRows = 1000, bulkBytes = 5000000 }
    assert.are.equal(206, bulk(1000).status)
  end)

  it("have the time at which their usage file's were made, so that no ordering by it is one", function()
    local function ids(query)
      local entries = client:call("GET", "/usage/records?" .. query).value
      for number, entry in ipairs(entries) do
        entries[number] = entry.id
      end
      return entries
    end
    assert.are.equal(30, #ids "created_time=2026-01-31T10:00:00Z")
    local first, second = ids "ordering(created_time)", ids "ordering(created_time)"
    assert.are_not.same(first, second)
    table.sort(first)
    table.sort(second)
    assert.are.same(first, second)
    assert.are.same({ 400, "RQL_001" }, (function()
      local reply = client:call("GET", "/usage/records?ordering(id)")
      return { reply.status, reply.value.error_code }
    end)())
  end)

  it("answer an empty bulk with an empty list, and refuse a bulk that is none", function()
    local function bulk(body)
      return client:call("POST", "/usage/records/close-records", { body = body, type = "application/json" })
    end
    assert.are.same({ 206, "[]" }, { bulk("[]").status, bulk("[]").body })
    refused(bulk("{}"), 400, "VAL_001")
    refused(bulk(""), 400, "REQ_001")
  end)

  it("know the JavaScript SDK's route only where the bulk route is switched off", function()
    local path = "/usage/records/UF-2026-01-0000-0000/close-records"
    local entry = { id = ID, external_billing_id = "B" }
    refused(client:call("POST", path, { json = entry }), 404, "REQ_003")
    running:configure { bulkRoute = false }
    refused(client:call("POST", "/usage/records/close-records", { json = { entry } }), 404, "REQ_003")
    local reply = client:call("POST", path, { json = entry })
    assert.are.same({ 200, ID, "closed" }, { reply.status, reply.value.id, reply.value.status })
    assert.are.equal("POST /usage/records/{id}/close-records", running:journal()[1].route)
  end)

  it("refuse by the JavaScript SDK's route what is not in that usage file", function()
    running:configure { bulkRoute = false }
    local function closeOf(file, entry)
      return client:call("POST", "/usage/records/" .. file .. "/close-records", { json = entry })
    end
    refused(closeOf("UF-none", { id = ID }), 404, "OBJ_001")
    refused(closeOf("UF-2026-01-0000-0000", { id = "UR-none" }), 404, "OBJ_001")
    refused(closeOf("UF-2026-01-0000-0001", { id = ID }), 400, "VAL_001")
    refused(closeOf("UF-2026-01-0000-0000", { external_billing_id = "B" }), 400, "VAL_001")
  end)
end)
