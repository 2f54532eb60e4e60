-- What every operation sends, judged by what a server received.

local connect = require "cloudblue.connect"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"

local RECORD, OTHER = "UR-2026-01-0000-0000-0000-0001", "UR-2026-01-0000-0000-0000-0002"
local FILE = "UF-2026-01-0000-0000"
local CHUNK, SECOND = "UFC-2026-01-0000-0000-001", "UFC-2026-01-0000-0000-002"
local BASE = "/public/v1"

describe("what is sent", function()
  local sb, client, records, chunks

  setup(function()
    sb = assert(sandbox.start { records = 1200 })
  end)

  teardown(function()
    sb:stop()
  end)

  before_each(function()
    sb:configure { bulkRoute = true }
    sb:reset()
    client = connect.ConnectClient(sb.endpoint, sb.apiKey, { retries = 0 })
    records, chunks = client.usageRecords, client.usageChunks
  end)

  after_each(function()
    client:close()
    assert.same({}, sb:problems())
  end)

  --- The one request that was sent: "METHOD path", its body, its Content-Type.
  local function sent()
    local requests = sb:requests()
    assert.equal(1, #requests)
    local only = requests[1]
    return only.method .. " " .. only.path, only.body, only.headers["content-type"]
  end

  describe("by records:close", function()
    it("is the billing id and the note as JSON", function()
      local chunk = assert(records:close(RECORD, "BILL-77", "January run"))
      local line, body, type = sent()
      assert.equal("POST " .. BASE .. "/usage/records/" .. RECORD .. "/close", line)
      assert.equal('{"external_billing_id":"BILL-77","external_billing_note":"January run"}', body)
      assert.equal("application/json", type)
      assert.equal("closed", chunk.status)
      assert.equal("BILL-77", sb:record(RECORD).external_billing_id)
      assert.equal("January run", sb:record(RECORD).external_billing_note)
    end)

    it("leaves out a note that is nil", function()
      assert(records:close(RECORD, "BILL-77"))
      assert.equal('{"external_billing_id":"BILL-77"}', select(2, sent()))
    end)

    it("leaves out a billing id that is nil", function()
      assert(records:close(RECORD, nil, "no billing"))
      assert.equal('{"external_billing_note":"no billing"}', select(2, sent()))
    end)

    it("is an empty object without both", function()
      assert(records:close(RECORD))
      local _, body, type = sent()
      assert.equal("{}", body)
      assert.equal("application/json", type)
    end)

    it("carries an empty note as it is", function()
      assert(records:close(RECORD, "B", ""))
      assert.equal('{"external_billing_id":"B","external_billing_note":""}', select(2, sent()))
    end)

    it("carries quotes, backslashes, line breaks, NUL and UTF-8 so that the service reads the same", function()
      local note = "\"a\"\\b/c\r\n\t\0\127 Überprüfung 日本 😀"
      assert(records:close(RECORD, "B \"1\"", note))
      assert.equal("B \"1\"", sb:record(RECORD).external_billing_id)
      assert.equal(note, sb:record(RECORD).external_billing_note)
    end)

    it("carries a note of two megabytes, without an Expect", function()
      local s <close> = service.answering(service.closed("UR-1", "B"))
      local note = ("0123456789abcdef"):rep(131072)
      assert(s.records:close("UR-1", "B", note))
      local request = s:requests()[1]
      assert.is_true(request.body == '{"external_billing_id":"B","external_billing_note":"' .. note .. '"}')
      assert.is_nil(request.headers.expect)
    end)
  end)

  describe("by records:closeRecords", function()
    it("is a list with the record, by the bulk route", function()
      local chunk = assert(records:closeRecords(FILE, OTHER, "BILL-77", "January run"))
      local line, body, type = sent()
      assert.equal("POST " .. BASE .. "/usage/records/close-records", line)
      assert.equal(
        '[{"id":"' .. OTHER .. '","external_billing_id":"BILL-77","external_billing_note":"January run"}]', body)
      assert.equal("application/json", type)
      assert.equal(OTHER, chunk.id)
      assert.equal("closed", chunk.status)
      assert.equal("closed", sb:record(OTHER).status)
    end)

    it("leaves out what is nil", function()
      assert(records:closeRecords(FILE, OTHER))
      assert.equal('[{"id":"' .. OTHER .. '"}]', select(2, sent()))
    end)
  end)

  describe("by the resource of chunks", function()
    it("is a close like a record's", function()
      local chunk = assert(chunks:close(CHUNK, "BILL-77", "January run"))
      local line, body, type = sent()
      assert.equal("POST " .. BASE .. "/usage/chunks/" .. CHUNK .. "/close", line)
      assert.equal('{"external_billing_id":"BILL-77","external_billing_note":"January run"}', body)
      assert.equal("application/json", type)
      assert.equal("closed", chunk.status)
      assert.equal("closed", sb:chunk(CHUNK).status)
    end)

    it("is a POST without a body for regenerate", function()
      assert(chunks:regenerate(SECOND))
      local line, body, type = sent()
      assert.equal("POST " .. BASE .. "/usage/chunks/" .. SECOND .. "/regenerate", line)
      assert.equal("", body)
      assert.is_nil(type)
      assert.equal("0", sb:requests()[1].headers["content-length"])
    end)

    it("is a GET for download, and the bytes come back", function()
      local bytes = assert(chunks:download(CHUNK))
      assert.equal("GET " .. BASE .. "/usage/chunks/" .. CHUNK .. "/download", (sent()))
      assert.equal("PK", bytes:sub(1, 2))
      assert.equal(16384, #bytes)
    end)

    it("is a GET for get, which makes a chunk", function()
      local chunk = assert(chunks:get(CHUNK))
      local line, body, type = sent()
      assert.equal("GET " .. BASE .. "/usage/chunks/" .. CHUNK, line)
      assert.equal("", body)
      assert.is_nil(type)
      assert.equal("UsageChunk " .. CHUNK .. " (ready)", tostring(chunk))
    end)

    it("is a PUT for update, which makes a chunk", function()
      local s <close> = service.answering(rawserver.reply(200, '{"id":"UFC-1","status":"ready"}'))
      local chunk = assert(s.chunks:update("UFC-1", { external_id = "X" }))
      local request = s:requests()[1]
      assert.equal("PUT", request.method)
      assert.equal(BASE .. "/usage/chunks/UFC-1", request.target)
      assert.equal('{"external_id":"X"}', request.body)
      assert.equal("application/json", request.headers["content-type"])
      assert.equal("UsageChunk UFC-1 (ready)", tostring(chunk))
    end)
  end)

  describe("by the operations of every collection", function()
    local things

    before_each(function()
      things = client:resource("/usage/records")
    end)

    it("is GET …/{id} for get", function()
      assert.equal(RECORD, assert(things:get(RECORD)).id)
      local line, body, type = sent()
      assert.equal("GET " .. BASE .. "/usage/records/" .. RECORD, line)
      assert.equal("", body)
      assert.is_nil(type)
    end)

    it("is GET … with the query as given for search", function()
      local list, reply = things:search("status=approved&limit=2")
      assert.equal("GET " .. BASE .. "/usage/records?status=approved&limit=2", (sent()))
      assert.equal(2, #list)
      assert.equal(200, reply.status)
      assert.equal("items 0-1/1200", reply.headers["content-range"])
    end)

    it("is GET … without a question mark for search without filters", function()
      assert(things:search())
      assert.equal("GET " .. BASE .. "/usage/records", (sent()))
    end)

    it("is POST … with the object for create", function()
      local s <close> = service.answering(rawserver.reply(201, '{"id":"PRD-1"}'))
      assert.same({ id = "PRD-1" }, (s.client:resource("/products"):create { name = "TV" }))
      local request = s:requests()[1]
      assert.equal("POST", request.method)
      assert.equal(BASE .. "/products", request.target)
      assert.equal('{"name":"TV"}', request.body)
      assert.equal("application/json", request.headers["content-type"])
    end)

    it("is PUT …/{id} with the object for update", function()
      local s <close> = service.answering(rawserver.reply(200, '{"id":"PRD-1","name":"TV"}'))
      assert.same({ id = "PRD-1", name = "TV" }, (s.client:resource("/products"):update("PRD-1", { name = "TV" })))
      local request = s:requests()[1]
      assert.equal("PUT", request.method)
      assert.equal(BASE .. "/products/PRD-1", request.target)
      assert.equal('{"name":"TV"}', request.body)
      assert.equal("application/json", request.headers["content-type"])
    end)

    it("is DELETE …/{id} without a body for delete, which gives true", function()
      local s <close> = service.answering("HTTP/1.1 204 No Content\r\n\r\n")
      assert.is_true(s.client:resource("/products"):delete("PRD-1"))
      local request = s:requests()[1]
      assert.equal("DELETE", request.method)
      assert.equal(BASE .. "/products/PRD-1", request.target)
      assert.equal("", request.body)
      assert.is_nil(request.headers["content-type"])
      assert.is_nil(request.headers["content-length"])
    end)

    it("is POST …/{id}/{name} for action, with a body or without", function()
      local s <close> = service.answering(rawserver.reply(200, '{"id":"PR-1"}'))
      local requests = s.client:resource("/requests")
      assert.same({ id = "PR-1" }, (requests:action("PR-1", "approve", { template_id = "TL-1" })))
      assert.same({ id = "PR-1" }, (requests:action("PR-1", "inquire")))
      local with, without = table.unpack(s:requests())
      assert.equal("POST", with.method)
      assert.equal(BASE .. "/requests/PR-1/approve", with.target)
      assert.equal('{"template_id":"TL-1"}', with.body)
      assert.equal("application/json", with.headers["content-type"])
      assert.equal("POST", without.method)
      assert.equal(BASE .. "/requests/PR-1/inquire", without.target)
      assert.equal("", without.body)
      assert.is_nil(without.headers["content-type"])
    end)

    it("goes below an object for collection", function()
      local s <close> = service.answering(rawserver.reply(200, "[]"))
      local items = s.client:resource("/products"):collection("PRD-1", "items")
      assert.equal("/products/PRD-1/items", items.baseUri)
      assert.same({}, (items:search()))
      assert.equal(BASE .. "/products/PRD-1/items", s:requests()[1].target)
    end)
  end)

  describe("around it", function()
    --- A request without the names of encodings, which depend on how libcurl was built.
    local function plain(bytes)
      return (bytes:gsub("Accept%-Encoding: [^\r]*\r\n", ""))
    end

    it("is this, byte for byte, for a call with a body", function()
      local s <close> = service.answering(service.closed("UR-1"))
      assert(s.records:close("UR-1", "B-1"))
      assert.equal(table.concat({
        "POST /public/v1/usage/records/UR-1/close HTTP/1.1",
        "Host: 127.0.0.1:" .. s.raw.port,
        "Accept: */*",
        "Content-Type: application/json",
        "User-Agent: cloudblue-connect-lua/" .. connect._VERSION,
        "Authorization: " .. service.key,
        "Content-Length: 29",
        "",
        '{"external_billing_id":"B-1"}',
      }, "\r\n"), plain(s.raw:received()[1]))
    end)

    it("is this, byte for byte, for a call without one", function()
      local s <close> = service.answering(rawserver.reply(200, "{}"))
      assert(s.records:get("UR-1"))
      assert.equal(table.concat({
        "GET /public/v1/usage/records/UR-1 HTTP/1.1",
        "Host: 127.0.0.1:" .. s.raw.port,
        "Accept: */*",
        "User-Agent: cloudblue-connect-lua/" .. connect._VERSION,
        "Authorization: " .. service.key,
        "",
        "",
      }, "\r\n"), plain(s.raw:received()[1]))
    end)

    it("has no body and no Content-Type left over from the call before on the same connection", function()
      local s <close> = service.answering {
        service.closed("UR-1"), rawserver.reply(200, "{}"), "HTTP/1.1 204 No Content\r\n\r\n",
        service.closed("UFC-1"), service.closed("UR-2", "B-2"),
      }
      assert(s.records:close("UR-1", "B-1"))
      assert(s.records:get("UR-1"))
      assert(s.records:delete("UR-1"))
      assert(s.chunks:regenerate("UFC-1"))
      assert(s.records:close("UR-2", "B-2"))
      assert.equal(1, s.raw:connections())
      local seen = {}
      for index, request in ipairs(s:requests()) do
        seen[index] = { request.method, request.headers["content-type"] or "none", request.body }
      end
      assert.same({
        { "POST", "application/json", '{"external_billing_id":"B-1"}' },
        { "GET", "none", "" },
        { "DELETE", "none", "" },
        { "POST", "none", "" },
        { "POST", "application/json", '{"external_billing_id":"B-2"}' },
      }, seen)
    end)

    it("encodes in the path what of an id is not plain", function()
      local s <close> = service.answering(service.closed("a?b#c%41&d=e;f"))
      assert(s.records:close("a?b#c%41&d=e;f", "B-1"))
      assert.equal(BASE .. "/usage/records/a%3Fb%23c%2541%26d%3De%3Bf/close", s:requests()[1].target)
    end)

    it("stands below an endpoint with and without a slash at its end", function()
      for _, ending in ipairs { "", "/", "/public/v1//" } do
        local s <close> = service.answering(rawserver.reply(200, "{}"))
        local other <close> = connect.ConnectClient(s.raw.url .. ending, service.key, { retries = 0 })
        assert(other.usageRecords:get("UR-1"))
        assert.equal(ending:gsub("/+$", "") .. "/usage/records/UR-1", s:requests()[1].target)
      end
    end)
  end)

  it("uses one connection for a thousand closes", function()
    for number = 1, 1000 do
      assert(records:close(("UR-2026-01-0000-0000-0000-%04d"):format(number), "B-1"))
    end
    assert.equal(1, sb:connections())
    assert.same({ approved = 200, closed = 1000 }, sb:counts())
  end)
end)
