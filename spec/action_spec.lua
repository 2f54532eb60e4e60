-- A row of the table of endpoints carried out: by which of two routes, and with what of the arguments.

local connect = require "cloudblue.connect"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"

local RECORD, OTHER = "UR-2026-01-0000-0000-0000-0001", "UR-2026-01-0000-0000-0000-0002"
local FILE = "UF-2026-01-0000-0000"
local BASE = "/public/v1"

describe("a close by a list or by its record", function()
  local sb, client, records

  setup(function()
    sb = assert(sandbox.start { records = 10 })
  end)

  teardown(function()
    sb:stop()
  end)

  before_each(function()
    sb:configure { bulkRoute = true }
    sb:reset()
    client = connect.ConnectClient(sb.endpoint, sb.apiKey, { retries = 0 })
    records = client.usageRecords
  end)

  after_each(function()
    client:close()
    assert.same({}, sb:problems())
  end)

  for _, status in ipairs { 404, 405 } do
    it(("is one object by the route of the JavaScript SDK where the bulk route answers %d"):format(status), function()
      local s <close> = service.answering {
        rawserver.reply(status, '{"error_code":"REQ_003","errors":["no such route"]}'),
        service.closed(OTHER, "BILL-77"),
      }
      assert(s.records:closeRecords(FILE, OTHER, "BILL-77", "January run"))
      local requests = s:requests()
      assert.equal(2, #requests)
      assert.equal(BASE .. "/usage/records/close-records", requests[1].target)
      assert.equal("POST", requests[2].method)
      assert.equal(BASE .. "/usage/records/" .. FILE .. "/close-records", requests[2].target)
      assert.equal(
        '{"id":"' .. OTHER .. '","external_billing_id":"BILL-77","external_billing_note":"January run"}',
        requests[2].body)
    end)
  end

  it("asks for the bulk route once and remembers that the service lacks it", function()
    sb:configure { bulkRoute = false }
    assert(records:closeRecords(FILE, RECORD, "B-1"))
    assert(records:closeRecords(FILE, OTHER, "B-2"))
    local paths = {}
    for index, request in ipairs(sb:requests()) do paths[index] = request.path end
    local single = BASE .. "/usage/records/" .. FILE .. "/close-records"
    assert.same({ BASE .. "/usage/records/close-records", single, single }, paths)
    assert.equal(2, #sb:journal())
  end)

  it("stays with the bulk route once the service has spoken it", function()
    local s <close> = service.answering {
      rawserver.reply(206, '[{"id":"UR-1","status":"closed","error_codes":"","error_details":""}]'),
      rawserver.reply(404, '{"error_code":"OBJ_001","errors":["no such record"]}'),
    }
    assert(s.records:closeRecords("UF-1", "UR-1", "B"))
    local chunk, failure = s.records:closeRecords("UF-1", "UR-2", "B")
    assert.is_nil(chunk)
    assert.equal("OBJ_001", failure.errorCode)
    assert.equal(2, #s:requests())
  end)

  it("tries the other route for a 404 alone, not for other refusals", function()
    local s <close> = service.answering(rawserver.reply(403, '{"error_code":"AUTH_002","errors":["no"]}'))
    local _, failure = s.records:closeRecords("UF-1", "UR-1", "B")
    assert.equal(403, failure.status)
    assert.equal(1, #s:requests())
  end)

  it("goes on trying the bulk route first when neither route is served", function()
    local s <close> = service.answering(rawserver.reply(404, "{}"))
    for _ = 1, 2 do
      local _, failure = s.records:closeRecords("UF-1", "UR-1", "B")
      assert.equal(404, failure.status)
      assert.equal("rejected", failure.outcome)
    end
    local requests = s:requests()
    assert.equal(4, #requests)
    assert.equal(BASE .. "/usage/records/close-records", requests[3].target)
  end)

  it("keeps what it learned for that client alone", function()
    sb:configure { bulkRoute = false }
    assert(records:closeRecords(FILE, RECORD, "B-1"))
    local other <close> = connect.ConnectClient(sb.endpoint, sb.apiKey, { retries = 0 })
    assert(other.usageRecords:closeRecords(FILE, OTHER, "B-2"))
    assert.equal(BASE .. "/usage/records/close-records", sb:requests()[3].path)
  end)

  it("keeps its limits by the second route", function()
    local later = rawserver.reply(503, "{}", { ["Retry-After"] = "0" })
    local s <close> = service.answering({ rawserver.reply(404, "{}"), later }, { retries = 3 })
    local _, failure = s.records:closeRecords("UF-1", "UR-1", "B", nil, { retries = 0 })
    assert.same({ 503, 1 }, { failure.status, failure.attempts })
    assert.equal(2, #s:requests())
  end)
end)

describe("the options of a call", function()
  it("leave the next call of the same client as it was", function()
    local s <close> = service.answering(rawserver.reply(503, "{}", { ["Retry-After"] = "0" }), { retries = 1 })
    local function attempts(...) return (select(2, s.records:get("UR-1", ...))).attempts end
    assert.equal(2, attempts())
    assert.equal(1, attempts { retries = 0 })
    assert.equal(2, attempts())
    assert.equal(3, attempts { retries = 2 })
    assert.equal(2, attempts(nil))
  end)

  it("are read in full before anything is sent", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    assert.is_false(pcall(s.records.close, s.records, "UR-1", "B-1", nil, { retries = 0, timeout = -1 }))
    assert.equal(0, #s:requests())
  end)
end)
