-- The chunk: what a close gives back.

local connect = require "cloudblue.connect"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"

local misuse = service.misuse

local TEXT = '{"id":"UFC-1", "status":"closed","external_billing_id":"B-1","external_billing_note":null,'
  .. '"amount":12.5,"asset":{"id":"AS-1","note":null},"close":"a field","big":1234567890123456789}'

describe("a chunk", function()
  local s, chunk

  before_each(function()
    s = service.answering(rawserver.reply(200, TEXT))
    chunk = assert(s.chunks:close("UFC-1", "B-1"))
  end)

  after_each(function()
    s:stop()
  end)

  it("has the fields of the reply", function()
    assert.equal("UFC-1", chunk.id)
    assert.equal("closed", chunk.status)
    assert.equal("B-1", chunk.external_billing_id)
    assert.equal(12.5, chunk.amount)
    assert.equal(1234567890123456789, chunk.big)
    assert.equal("AS-1", chunk.asset.id)
  end)

  it("reads a null field and an absent one as nil", function()
    assert.is_nil(chunk.external_billing_note)
    assert.is_nil(chunk.no_such_field)
    assert.is_nil(chunk[1])
    assert.is_nil(chunk[true])
  end)

  it("has the plain table as data, null kept", function()
    assert.equal("table", type(chunk.data))
    assert.equal(connect.null, chunk.data.external_billing_note)
    assert.equal(connect.null, chunk.asset.note)
    assert.equal("a field", chunk.data.close)
    assert.equal(chunk.data, chunk.data)
  end)

  it("has the exact bytes of the reply as raw", function()
    assert.equal(TEXT, chunk.raw)
  end)

  it("has methods that win over fields of their name", function()
    assert.equal("function", type(chunk.close))
    for _, name in ipairs { "download", "regenerate", "refresh" } do assert.equal("function", type(chunk[name])) end
  end)

  it("is not confirmed where the reply itself told", function()
    assert.is_nil(chunk.confirmed)
  end)

  it("walks its fields by pairs, null ones left out", function()
    local seen = {}
    for name, value in pairs(chunk) do seen[name] = value end
    assert.same({
      id = "UFC-1", status = "closed", external_billing_id = "B-1", amount = 12.5, close = "a field",
      asset = { id = "AS-1", note = connect.null }, big = 1234567890123456789,
    }, seen)
  end)

  it("prints as its class, id and status", function()
    assert.equal("UsageChunk UFC-1 (closed)", tostring(chunk))
  end)

  it("prints a question mark for a status that the reply did not have", function()
    local raw <close> = service.answering(rawserver.reply(200, '{"id":"UFC-1","status":5,"x":1}'))
    assert.equal("UsageChunk UFC-1 (?)", tostring(assert(raw.chunks:get("UFC-1"))))
  end)

  it("can't be changed, and its metatable is locked", function()
    assert.has_error(function() chunk.status = "open" end)
    assert.equal("locked", getmetatable(chunk))
    assert.equal("userdata", type(chunk))
  end)

  it("is one of its kind: other values are refused by its methods", function()
    for _, self in ipairs { {}, 5, s.client, io.stdout } do
      assert.matches("UsageChunk expected", misuse(function() return (chunk.refresh(self)) end), 1, true)
    end
  end)
end)

describe("a chunk whose text takes decoding", function()
  -- The id stands before what the scanner stops at (an escape, an exponent, a long number, depth, many fields), and
  -- the fields behind it are there all the same.
  local STOPS = {
    '"s":"\\u0041"', '"n":1e2', '"n":12345678901234567890', '"n":0.1234567890123456789',
    '"deep":' .. ("["):rep(40) .. ("]"):rep(40), ('"x":1,'):rep(60) .. '"y":2',
  }

  it("has every field of it", function()
    for _, stop in ipairs(STOPS) do
      local s <close> = service.answering(rawserver.reply(200,
        '{"id":"UFC-1",' .. stop .. ',"status":"closed","external_billing_id":"B-1","amount":12.5,"none":null}'))
      for _, chunk in ipairs { assert(s.chunks:close("UFC-1", "B-1")), assert(s.chunks:get("UFC-1")) } do
        assert.equal("closed", chunk.status, stop)
        assert.equal("B-1", chunk.external_billing_id, stop)
        assert.equal(12.5, chunk.amount, stop)
        assert.is_nil(chunk.none, stop)
      end
    end
  end)

  it("is none where the text ends in something else, and what is wrong is a failure", function()
    local ends = { "", ",}", ',"a":}', "}}", "} x", ',"a":1e400}', ',"a":"\\u00"}', "}\0" }
    local replies = {}
    for index, ending in ipairs(ends) do
      replies[index] = rawserver.reply(200, '{"id":"UFC-1","status":"closed"' .. ending)
    end
    local s <close> = service.answering(replies)
    for _, ending in ipairs(ends) do
      local chunk, failure = s.chunks:get("UFC-1")
      assert.is_nil(chunk, ending)
      assert.equal("decode", failure.kind, ending)
    end
  end)
end)

describe("a method of a chunk", function()
  local sb, client

  before_each(function()
    sb = assert(sandbox.start { records = 1, chunkStatuses = { "ready" } })
    client = connect.ConnectClient(sb.endpoint, sb.apiKey, { retries = 0 })
  end)

  after_each(function()
    client:close()
    sb:stop()
  end)

  local ID = "UFC-2026-01-0000-0000-001"

  local function lastLine()
    local requests = sb:requests()
    return requests[#requests].method .. " " .. requests[#requests].path, requests[#requests].body
  end

  it("close closes it, with the arguments of the resource's but for the id", function()
    local chunk = assert(client.usageChunks:get(ID))
    local closed = assert(chunk:close("B-1", "a note"))
    local line, body = lastLine()
    assert.equal("POST /public/v1/usage/chunks/" .. ID .. "/close", line)
    assert.equal('{"external_billing_id":"B-1","external_billing_note":"a note"}', body)
    assert.equal("closed", closed.status)
    assert.equal("ready", chunk.status)
    assert.equal("closed", sb:chunk(ID).status)
  end)

  it("refresh reads it again", function()
    local chunk = assert(client.usageChunks:get(ID))
    assert(chunk:close("B-1"))
    local fresh = assert(chunk:refresh())
    assert.equal("GET /public/v1/usage/chunks/" .. ID, (lastLine()))
    assert.equal("UsageChunk " .. ID .. " (closed)", tostring(fresh))
  end)

  it("download gives its bytes", function()
    local chunk = assert(client.usageChunks:get(ID))
    assert.equal(16384, #assert(chunk:download()))
    assert.equal("GET /public/v1/usage/chunks/" .. ID .. "/download", (lastLine()))
  end)

  it("regenerate asks for it", function()
    local chunk = assert(client.usageChunks:get(ID))
    assert(chunk:regenerate())
    assert.equal("POST /public/v1/usage/chunks/" .. ID .. "/regenerate", (lastLine()))
  end)

  it("gives a failure as the resource's does", function()
    local chunk = assert(client.usageChunks:get(ID))
    assert(chunk:close("B-1"))
    local none, failure = chunk:close("B-2")
    assert.is_nil(none)
    assert.equal("STATE_001", failure.errorCode)
    assert.equal("B-1", sb:chunk(ID).external_billing_id)
  end)

  it("counts arguments without the chunk itself", function()
    local chunk = assert(client.usageChunks:get(ID))
    assert.equal("bad argument #1 to 'close' (externalBillingId is empty; pass nil to close without one)",
      misuse(function() return (chunk:close("")) end))
    assert.equal("bad argument #2 to 'close' (externalBillingNote must be a string, got number)",
      misuse(function() return (chunk:close("B", 5)) end))
  end)

  it("of a record is that of records, and what only a chunk has is misuse", function()
    local record = assert(client.usageRecords:close("UR-2026-01-0000-0000-0000-0001", "B-1"))
    local again = assert(record:refresh())
    assert.equal("GET /public/v1/usage/records/UR-2026-01-0000-0000-0000-0001", (lastLine()))
    assert.equal("B-1", again.external_billing_id)
    local _, failure = record:close("B-1")
    assert.equal("POST /public/v1/usage/records/UR-2026-01-0000-0000-0000-0001/close", (lastLine()))
    assert.equal("STATE_001", failure.errorCode)
    local sent = #sb:requests()
    for _, name in ipairs { "download", "regenerate" } do
      assert.equal(
        ("calling '%s' on a bad self (a usage record has no %s; a chunk of usageChunks has)"):format(name, name),
        misuse(function() return (record[name](record)) end))
    end
    assert.equal(sent, #sb:requests())
  end)
end)
