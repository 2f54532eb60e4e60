-- What a success gives back, and replies that seem one.

local connect = require "cloudblue.connect"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"

local misuse = service.misuse

local function answered(bytes, call)
  local s <close> = service.answering(bytes)
  return call(s)
end

local function close(s) return s.records:close("UR-1", "B-1") end

describe("a 2xx reply to an operation that gives an object", function()
  local UNREADABLE = {
    { "is empty", rawserver.reply(200, ""), "the reply is empty where JSON was expected" },
    { "is a 204", "HTTP/1.1 204 No Content\r\n\r\n", "the reply is empty where JSON was expected" },
    { "is a 205 without a body", rawserver.reply(205, ""), "the reply is empty where JSON was expected" },
    { "is garbage", rawserver.reply(200, "<html></html>"), "the reply is no JSON: Expected" },
    { "is null", rawserver.reply(200, "null"), "the reply is a null where an object or a list was expected" },
    { "is a number", rawserver.reply(200, "12"), "the reply is a number where an object or a list was expected" },
    { "is a string", rawserver.reply(200, '"closed"'), "the reply is a string where an object or a list was expected" },
    { "is a boolean", rawserver.reply(200, "true"), "the reply is a boolean where an object or a list was expected" },
    { "is a list", rawserver.reply(200, "[]"), "the reply is no record or chunk: it has no id" },
    { "is an empty object", rawserver.reply(200, "{}"), "the reply is no record or chunk: it has no id" },
    { "has no id", rawserver.reply(200, '{"status":"closed"}'), "the reply is no record or chunk: it has no id" },
    { "has null for an id", rawserver.reply(200, '{"id":null}'), "the reply is no record or chunk: it has no id" },
    { "has a number for an id", rawserver.reply(200, '{"id":5}'), "the reply is no record or chunk: it has no id" },
    { "is cut off inside", rawserver.reply(200, '{"id":"UR-1"'), "the reply is no JSON: Expected" },
  }

  for _, case in ipairs(UNREADABLE) do
    local what, bytes, says = table.unpack(case)
    it("but " .. what .. " is a failure of kind decode, and a close's outcome is unknown", function()
      local chunk, failure = answered(bytes, close)
      assert.is_nil(chunk)
      assert.equal("decode", failure.kind)
      assert.equal("unknown", failure.outcome)
      assert.equal(tonumber(bytes:match("^HTTP/1.1 (%d+)")), failure.status)
      assert.equal(1, failure.attempts)
      assert.equal(says, failure.message:sub(1, #says))
    end)
  end

  it("is read whatever its status of the 2xx is, and whatever its Content-Type", function()
    for _, status in ipairs { 200, 201, 202, 206, 299 } do
      local bytes = rawserver.reply(status, '{"id":"UR-1","status":"closed"}', { ["Content-Type"] = "text/plain" })
      assert.equal("UR-1", assert(answered(bytes, close)).id)
    end
  end)

  it("is read after an interim reply", function()
    local interim = "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    assert.equal("UR-1", assert(answered(interim .. service.closed("UR-1"), close)).id)
  end)
end)

describe("the results", function()
  it("of get, create, update and action are a plain table, null kept", function()
    local s <close> = service.answering(rawserver.reply(200, '{"id":"X-1","note":null}'))
    local things = s.client:resource("/things")
    for _, value in ipairs {
      (things:get("X-1")), (things:create {}), (things:update("X-1", {})), (things:action("X-1", "go")),
    } do
      assert.equal("table", type(value))
      assert.equal(connect.null, value.note)
      assert.equal(1, select("#", things:get("X-1")))
    end
  end)

  it("of search are the list, and status and headers with names in lower case", function()
    local bytes = rawserver.reply(200, '[{"id":"X-1"}]',
      { ["Content-RANGE"] = "items 0-0/1", ["X-Two"] = "a, b", ["X-Empty"] = "" })
    local list, reply = answered(bytes, function(s) return s.client:resource("/things"):search() end)
    assert.same({ { id = "X-1" } }, list)
    assert.equal(200, reply.status)
    assert.equal("integer", math.type(reply.status))
    assert.equal("items 0-0/1", reply.headers["content-range"])
    assert.equal("a, b", reply.headers["x-two"])
    assert.is_nil(reply.headers["Content-RANGE"])
    assert.equal("", reply.headers["x-empty"])
  end)

  it("of delete are true, whatever the reply holds", function()
    for _, bytes in ipairs { "HTTP/1.1 204 No Content\r\n\r\n", rawserver.reply(200, "garbage") } do
      assert.is_true((answered(bytes, function(s) return s.records:delete("UR-1") end)))
    end
  end)

  it("of download are the bytes, whatever they are", function()
    for _, bytes in ipairs { "", "{}", "PK\3\4\0\255\r\n" .. ("\0"):rep(100000) } do
      assert.equal(bytes, (answered(rawserver.reply(200, bytes), function(s) return s.chunks:download("UFC-1") end)))
    end
  end)

  it("of any operation are nil and the failure where it failed", function()
    local s <close> = service.answering(rawserver.reply(404, "{}"))
    local things = s.client:resource("/things")
    for name, results in pairs {
      get = table.pack(things:get("X")), create = table.pack(things:create {}),
      update = table.pack(things:update("X", {})), delete = table.pack(things:delete("X")),
      search = table.pack(things:search()), action = table.pack(things:action("X", "go")),
      close = table.pack(s.records:close("X")), closeRecords = table.pack(s.records:closeRecords("F", "X")),
      download = table.pack(s.chunks:download("X")), regenerate = table.pack(s.chunks:regenerate("X")),
      request = table.pack(s.client:request("GET", "/x")),
    } do
      assert.equal(2, results.n, name)
      assert.is_nil(results[1], name)
      assert.equal(404, results[2].status, name)
    end
  end)
end)

describe("the answer to closeRecords", function()
  local function bulk(status, text)
    local s <close> = service.answering(rawserver.reply(status, text))
    return s.records:closeRecords("UF-1", "UR-1", "B-1")
  end

  it("is the entry of the record, wherever it stands in the list", function()
    local chunk = assert(bulk(206, [=[[
      {"id":"UR-0","status":"approved","error_codes":"STATE_001","error_details":"no"},
      {"id":"UR-1","status":"closed","error_codes":"","error_details":""}
    ]]=]))
    assert.equal("UsageChunk UR-1 (closed)", tostring(chunk))
  end)

  it("is the same where the errors are empty lists or null or absent", function()
    assert(bulk(206, '[{"id":"UR-1","status":"closed","error_codes":[],"error_details":null}]'))
    assert(bulk(200, '[{"id":"UR-1","status":"closed"}]'))
  end)

  it("is a failure of kind record where the entry refuses", function()
    local chunk, failure = bulk(206,
      '[{"id":"UR-1","status":"valid","error_codes":"STATE_001","error_details":"not approved"}]')
    assert.is_nil(chunk)
    assert.equal("record", failure.kind)
    assert.equal("rejected", failure.outcome)
    assert.equal(206, failure.status)
    assert.equal(1, failure.attempts)
    assert.equal("the record was not closed: STATE_001: not approved", failure.message)
    assert.equal("POST /usage/records/close-records: 206: the record was not closed: STATE_001: not approved",
      tostring(failure))
  end)

  it("is a failure where a record that was closed before is refused with the status closed", function()
    local _, failure = bulk(206,
      '[{"id":"UR-1","status":"closed","error_codes":"STATE_001","error_details":"already closed"}]')
    assert.equal("record", failure.kind)
    assert.equal("rejected", failure.outcome)
  end)

  -- What is neither a close nor a rejection settles nothing: the record is read.
  it("is found out by reading the record where the entry is not clear", function()
    for _, entry in ipairs {
      '{"id":"UR-1","status":"approved"}', '{"id":"UR-1"}', '{"id":"UR-1","status":null}',
      '{"id":"UR-1","error_codes":"STATE_001","error_details":"no"}',
      '{"id":"UR-1","status":"closed\\u0000x"}',
      '{"id":"UR-1","status":"valid\\u0000","error_codes":"STATE_001"}',
      '{"id":"UR-1","status":"closing"}', '{"id":"UR-1","status":"closing","error_codes":"STATE_001"}',
      '{"id":"UR-1","status":"closed"},{"id":"UR-1","status":"approved"}',
    } do
      local s <close> = service.answering({ rawserver.reply(206, "[" .. entry .. "]"), service.closed("UR-1") },
        { retries = 1 })
      local chunk = assert(s.records:closeRecords("UF-1", "UR-1", "B-1"))
      assert.is_true(chunk.confirmed, entry)
      assert.equal("B-1", chunk.external_billing_id)
      assert.equal("/public/v1/usage/records/UR-1", s:requests()[2].target)
      local _, failure = bulk(206, "[" .. entry .. "]")
      assert.same({ "decode", "unknown" }, { failure.kind, failure.outcome }, entry)
    end
  end)

  -- The call did reach the service, if only by the route that it does not have.
  it("is rejected, not unsent, where the client is closed before the second route is tried", function()
    local s <close> = service.answering(rawserver.reply(404, ""))
    local asked = 0
    s.client:addBeforeRequestHook(function()
      asked = asked + 1
      if asked == 2 then s.client:close() end
    end)
    local _, failure = s.records:closeRecords("UF-1", "UR-1", "B-1")
    assert.same({ "cancelled", "rejected" }, { failure.kind, failure.outcome })
    assert.equal(1, #s:requests())
  end)

  it("needs no id of a file by the route that has none", function()
    local s <close> = service.answering { rawserver.reply(206, '[{"id":"UR-1","status":"closed"}]') }
    assert(s.records:closeRecords(nil, "UR-1", "B-1"))
    assert.equal('[{"id":"UR-1","external_billing_id":"B-1"}]', s:requests()[1].body)
  end)

  it("is the first route's where the second one needs the id of a file that was not given", function()
    local s <close> = service.answering { rawserver.reply(404, ""), rawserver.reply(404, ""), service.closed("UR-1") }
    local _, failure = s.records:closeRecords(nil, "UR-1", "B-1")
    assert.equal(404, failure.status)
    assert.equal(1, #s:requests())
    assert(s.records:closeRecords("UF-1", "UR-1", "B-1"))
    assert.equal("bad argument #1 to 'closeRecords' (id is missing; this service closes by file and record)",
      misuse(function() return (s.records:closeRecords(nil, "UR-1", "B-1")) end))
    assert.equal(3, #s:requests())
  end)

  it("is unknown where no entry tells of the record", function()
    for _, text in ipairs {
      "[]", "{}", '{"id":"UR-1","status":"closed"}', '[{"id":"UR-2","status":"closed"}]', '["UR-1"]', "[null,5]",
      '[{"id":5,"status":"closed"}]', '[{"id":"UR-10","status":"closed"}]',
    } do
      local chunk, failure = bulk(206, text)
      assert.is_nil(chunk)
      assert.equal("decode", failure.kind)
      assert.equal("unknown", failure.outcome)
      assert.equal("the reply has no entry for the record", failure.message)
    end
  end)

  it("tells of the sandbox's refusal as of any service's", function()
    local sb <close> = assert(sandbox.start { records = 1 })
    local client <close> = connect.ConnectClient(sb.endpoint, sb.apiKey, { retries = 0 })
    local FILE <const>, RECORD <const> = "UF-2026-01-0000-0000", "UR-2026-01-0000-0000-0000-0001"
    assert(client.usageRecords:closeRecords(FILE, RECORD, "B-1"))
    local chunk, failure = client.usageRecords:closeRecords(FILE, RECORD, "B-1")
    assert.is_nil(chunk)
    assert.equal("record", failure.kind)
    assert.equal("rejected", failure.outcome)
    assert.matches("STATE_001", failure.message, 1, true)
    assert.equal(1, #sb:journal())
  end)
end)
