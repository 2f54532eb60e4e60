-- What goes wrong on the wire: every failure's kind and outcome, one attempt, and what the service then received.

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"
local certs = require "spec.support.certs"
local folder = require "spec.support.folder"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

--- Closes a record, which must fail; the failure.
local function failed(s)
  local chunk, failure = s.records:close("UR-1", "B-1")
  assert.is_nil(chunk)
  assert.equal(1, failure.attempts)
  assert.equal("POST", failure.method)
  assert.equal(s.client.endpoint .. "/usage/records/UR-1/close", failure.url)
  return failure
end

--- Asserts what a failure tells.
local function assertFailure(failure, kind, outcome, pattern)
  assert.equal(kind, failure.kind)
  assert.equal(outcome, failure.outcome)
  assert.matches(pattern, failure.message)
  if kind == "transport" then assert.is_nil(failure.status) end
end

local START = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"id\":\"UR-1\","

describe("a request that never left", function()
  --- What the client of an endpoint makes of a close.
  local function closeAt(endpoint, options)
    options = options or {}
    options.retries = 0
    local client <close> = connect.ConnectClient(endpoint, service.key, options)
    return failed { client = client, records = client.usageRecords }
  end

  it("because the connection was refused is unsent", function()
    local sb <close> = assert(sandbox.start { records = 1 })
    sb:configure { listening = false }
    assertFailure(closeAt(sb.endpoint), "transport", "unsent", "connect")
    sb:configure { listening = true }
    assert.equal(0, #sb:requests())
  end)

  it("because there is no such host is unsent", function()
    assertFailure(closeAt("https://no-such-host.invalid/v1"), "transport", "unsent",
      "Could not resolve host: no%-such%-host%.invalid")
  end)

  it("because the server speaks no TLS is unsent", function()
    local s <close> = service.scripted { { { send = "220 mail.example ESMTP\r\n" }, { hang = true } } }
    assertFailure(closeAt("https://127.0.0.1:" .. s.raw.port), "transport", "unsent", ".")
    assert.is_nil(table.concat(s.raw:received()):find(service.secret, 1, true))
  end)

  it("because the TLS handshake never ends is unsent, within the time for connecting", function()
    local s <close> = service.scripted { { { hang = true } } }
    local start = cqueues.monotime()
    local failure = closeAt("https://127.0.0.1:" .. s.raw.port, { connectTimeout = 0.2 })
    assertFailure(failure, "transport", "unsent", "^timeout")
    local took = cqueues.monotime() - start
    assert.is_true(took >= 0.19 and took < 5, tostring(took))
  end)

  it("because the connection was reset in the handshake is unsent", function()
    local s <close> = service.scripted { { { read = 10 }, { reset = true } } }
    assertFailure(closeAt("https://127.0.0.1:" .. s.raw.port), "transport", "unsent", ".")
  end)

  it("because the server's certificate is not trusted is unsent", function()
    local s <close> = service.scripted({ { { read = "request" } } }, nil, certs.make().good)
    assertFailure(failed(s), "transport", "unsent", "certificate")
  end)
end)

describe("a reply that does not come", function()
  it("in time is unknown, and the timeout is kept", function()
    local s <close> = service.scripted({ { { read = "request" }, { hang = true } } }, { timeout = 0.2 })
    local start = cqueues.monotime()
    assertFailure(failed(s), "transport", "unknown", "^timeout: ")
    local took = cqueues.monotime() - start
    assert.is_true(took >= 0.19 and took < 5, tostring(took))
    assert.equal(1, #s:requests())
  end)

  it("in time because nobody reads is unknown", function()
    local raw <close> = rawserver.start { accept = false }
    local client <close> = connect.ConnectClient(raw.url, service.key, { retries = 0, timeout = 0.1 })
    assertFailure(failed { client = client, records = client.usageRecords }, "transport", "unknown", "^timeout: ")
  end)

  it("in time because it drips is unknown", function()
    local s <close> = service.scripted(
      { { { read = "request" }, { send = "HTTP/1.1 200 OK\r\nX-A: ", piece = 1, pause = 0.03, times = 1000 } } },
      { timeout = 0.2 })
    assertFailure(failed(s), "transport", "unknown", "^timeout: ")
  end)

  it("before the deadline is cancelled, and unknown", function()
    local s <close> = service.scripted({ { { read = "request" }, { hang = true } } }, { deadline = 0.1 })
    assertFailure(failed(s), "cancelled", "unknown", "deadline")
  end)

  it("because the connection was reset is unknown", function()
    local s <close> = service.scripted { { { read = "request" }, { reset = true } } }
    assertFailure(failed(s), "transport", "unknown", ".")
    assert.equal(1, #s:requests())
  end)

  it("because the connection was closed is unknown", function()
    local s <close> = service.scripted { { { read = "request" }, { close = true } } }
    assertFailure(failed(s), "transport", "unknown", ".")
    assert.equal(1, #s:requests())
  end)
end)

describe("a reply that breaks off", function()
  local BROKEN = {
    ["in the status line, by a reset"] = { { send = "HTTP/1.1 20" }, { reset = true } },
    ["in the headers, by a reset"] = { { send = "HTTP/1.1 200 OK\r\nContent-Le" }, { reset = true } },
    ["in the headers, in order"] = { { send = "HTTP/1.1 200 OK\r\nContent-Le" }, { close = true } },
    ["in the body, by a reset"] = { { send = START }, { reset = true } },
    ["in the body, in order"] = { { send = START }, { close = true } },
    ["behind the headers"] = { { send = START:match("^.*\r\n\r\n") }, { close = true } },
    ["in a chunk"] = {
      { send = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"id":"UR-1"}' }, { close = true },
    },
    ["between chunks"] = {
      { send = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{"id":"UR-1"}\r\n' }, { close = true },
    },
    ["by the timeout"] = { { send = START }, { hang = true } },
  }

  for where, steps in pairs(BROKEN) do
    it(where .. " is unknown, whatever its status said", function()
      local script = { { read = "request" } }
      table.move(steps, 1, #steps, 2, script)
      local s <close> = service.scripted({ script }, { timeout = 0.5 })
      assertFailure(failed(s), "transport", "unknown", ".")
      assert.equal(1, #s:requests())
      assert.same({}, s.raw:problems())
    end)
  end

  it("in the headers is no success of a call that wants no body either", function()
    for _, call in ipairs {
      function(s) return s.records:delete("UR-1") end,
      function(s) return s.client:request("DELETE", "/x") end,
      function(s) return s.chunks:download("UFC-1") end,
    } do
      local s <close> = service.scripted {
        { { read = "request" }, { send = "HTTP/1.1 200 OK\r\nContent-Le" }, { close = true } },
      }
      local value, failure = call(s)
      assert.is_nil(value)
      assertFailure(failure, "transport", failure.method == "GET" and "rejected" or "unknown", ".")
    end
  end)

  it("says that it is truncated", function()
    local s <close> = service.scripted { { { read = "request" }, { send = START }, { close = true } } }
    assert.matches("^the reply is truncated", failed(s).message)
  end)
end)

describe("a reply that is no HTTP", function()
  local GARBAGE = {
    ["of another protocol"] = "SSH-2.0-OpenSSH_9.2\r\n",
    ["of HTTP/0.9"] = '{"id":"UR-1","status":"closed"}',
    ["of binary"] = "\0\1\2\255\254\r\n\r\n",
    ["with a broken status"] = "HTTP/1.1 2x0 OK\r\nContent-Length: 2\r\n\r\n{}",
    ["with a header without a colon"] = "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\n{}",
    ["with a NUL in a header"] = "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    ["with a broken length"] = "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n{}",
    ["with a negative length"] = "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    ["with two lengths"] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    ["with broken chunks"] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    ["in an encoding nobody knows"] = "HTTP/1.1 200 OK\r\nContent-Encoding: x-rot13\r\nContent-Length: 2\r\n\r\n{}",
    ["in gzip that is none"] = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    ["of nothing but interim replies"] = ("HTTP/1.1 100 Continue\r\n\r\n"):rep(10),
    ["that wants to speak another protocol"] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
  }

  for what, bytes in pairs(GARBAGE) do
    it(what .. " is a failure and never a success", function()
      local s <close> = service.scripted { { { read = "request" }, { send = bytes }, { close = true } } }
      local failure = failed(s)
      assert.is_truthy(failure.kind == "transport" or failure.kind == "decode" or failure.kind == "http", failure.kind)
      assert.equal("unknown", failure.outcome)
      assert.equal(1, #s:requests())
    end)
  end
end)

describe("a reply's size", function()
  local LIMIT = 1000

  --- The record closed, in a text of exactly so many bytes.
  local function record(size)
    local head = '{"id":"UR-1","status":"closed","external_billing_id":"B-1","pad":"'
    return head .. ("x"):rep(size - #head - 2) .. '"}'
  end

  --- A reply of exactly so many bytes, head and body together.
  local function reply(size, status)
    local body = record(size - #rawserver.reply(status or 200, "") - #"99")
    return rawserver.reply(status or 200, body), body
  end

  local function limited(bytes)
    return service.answering(bytes, { maxResponseBytes = LIMIT })
  end

  it("may be the limit itself", function()
    local bytes, body = reply(LIMIT)
    assert.equal(LIMIT, #bytes)
    local s <close> = limited(bytes)
    assert.equal(body, assert(s.records:close("UR-1", "B-1")).raw)
  end)

  it("may not be a byte more, and the outcome is unknown", function()
    local s <close> = limited((reply(LIMIT + 1)))
    assertFailure(failed(s), "transport", "unknown", "^the reply has more than 1000 bytes %(maxResponseBytes%)$")
  end)

  it("is counted in chunks too, and without end", function()
    local s <close> = service.scripted({ {
      { read = "request" },
      { send = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
      { send = "400\r\n" .. ("x"):rep(1024) .. "\r\n", times = 10000 },
    } }, { maxResponseBytes = LIMIT })
    assertFailure(failed(s), "transport", "unknown", "more than 1000 bytes")
  end)

  it("is counted in headers and trailers, of interim replies too", function()
    local LINE, CHUNKED = "X-A: " .. ("x"):rep(93) .. "\r\n", "Transfer-Encoding: chunked\r\n"
    for _, steps in ipairs {
      { { send = "HTTP/1.1 200 OK\r\n" }, { send = LINE, times = 100000 } },
      { { send = "HTTP/1.1 200 OK\r\n" .. CHUNKED .. "\r\n2\r\n{}\r\n0\r\n" }, { send = LINE, times = 100000 } },
      { { send = "HTTP/1.1 102 Processing\r\n" .. LINE .. "\r\n", times = 100000 } },
    } do
      local script = { { read = "request" } }
      table.move(steps, 1, #steps, 2, script)
      local s <close> = service.scripted({ script }, { maxResponseBytes = LIMIT })
      assertFailure(failed(s), "transport", "unknown", "more than 1000 bytes")
    end
  end)

  it("is counted for errors", function()
    local s <close> = limited((reply(LIMIT + 1, 400)))
    assertFailure(failed(s), "transport", "unknown", "more than 1000 bytes")
  end)

  it("is counted for downloads into a string", function()
    local s <close> = limited(rawserver.reply(200, ("x"):rep(LIMIT + 1)))
    local bytes, failure = s.chunks:download("UFC-1")
    assert.is_nil(bytes)
    assertFailure(failure, "transport", "rejected", "more than 1000 bytes")
  end)

  it("leaves the client usable when it was too much", function()
    local s <close> = limited { (reply(LIMIT + 1)), (reply(LIMIT)) }
    failed(s)
    assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id)
  end)

  describe("in gzip", function()
    local function gzip(bytes)
      local path = os.tmpname()
      local file = assert(io.open(path, "wb"))
      file:write(bytes)
      file:close()
      local pipe <close> = assert(io.popen("gzip -9 -c " .. path))
      local packed = pipe:read("a")
      os.remove(path)
      return packed
    end

    local function zipped(bytes)
      return rawserver.reply(200, gzip(bytes), { ["Content-Encoding"] = "gzip" })
    end

    it("is read", function()
      local s <close> = limited(zipped(record(LIMIT // 2)))
      assert.equal(record(LIMIT // 2), assert(s.records:close("UR-1", "B-1")).raw)
    end)

    it("is counted after decompression: a bomb is broken off", function()
      local bomb = zipped(record(50 * 1024 * 1024))
      assert.is_true(#bomb < 100 * 1024)
      local s <close> = service.answering(bomb, { maxResponseBytes = 1024 * 1024 })
      collectgarbage()
      assertFailure(failed(s), "transport", "unknown", "more than 1048576 bytes")
    end)
  end)

  it("of the headers is bounded", function()
    local s <close> = service.scripted({ {
      { read = "request" },
      { send = "HTTP/1.1 200 OK\r\n" },
      { send = "X-A: " .. ("x"):rep(90000) .. "\r\n", times = 20000 },
    } })
    assertFailure(failed(s), "transport", "unknown", ".")
  end)
end)

describe("trailers", function()
  --- A reply in chunks with trailers.
  local function trailed(status, body, trailers)
    local head = "HTTP/1.1 %d Scripted\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head:format(status) .. ("%x\r\n%s\r\n0\r\n%s\r\n"):format(#body, body, trailers)
  end

  it("end a whole reply", function()
    local s <close> = service.answering(trailed(200, '{"id":"UR-1","status":"closed","external_billing_id":"B-1"}',
      "X-Checksum: 1\r\nX-Other: 2\r\n"))
    for _ = 1, 2 do assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id) end
    assert.equal(1, s.raw:connections())
  end)

  it("that break off make it none", function()
    local bytes = trailed(200, '{"id":"UR-1","status":"closed"}', "X-Checksum: 1\r\n")
    -- But for the very last byte, which libcurl does without.
    for cut = 2, #"X-Checksum: 1\r\n\r\n" do
      local script = { { read = "request" }, { send = bytes:sub(1, -1 - cut) }, { close = true } }
      local s <close> = service.scripted { script }
      assertFailure(failed(s), "transport", "unknown", ".")
    end
  end)

  it("say nothing that the head would have to say", function()
    local s <close> = service.answering {
      trailed(503, '{"error_code":"X_001","errors":["because"]}', "Retry-After: 3\r\n"),
      trailed(200, "[]", "Content-Range: items 0-0/1234\r\nX-Late: 1\r\n"),
    }
    local failure = failed(s)
    assertFailure(failure, "api", "unknown", "^because$")
    assert.is_nil(failure.retryAfter)
    local _, reply = assert(s.client:request("GET", "/x"))
    assert.is_nil(reply.headers["content-range"])
    assert.is_nil(reply.headers["x-late"])
  end)
end)

describe("a status that refuses", function()
  local OBJECT = '{"error_code":"X_001","errors":["because"]}'

  for _, status in ipairs { 400, 401, 403, 404, 405, 409, 410, 413, 415, 422, 429, 499 } do
    it(status .. " is api with the error object, http without it, and rejected", function()
      local s <close> = service.answering {
        rawserver.reply(status, OBJECT), rawserver.reply(status, ""), rawserver.reply(status, "<html></html>"),
      }
      local failure = failed(s)
      assert.equal(status, failure.status)
      assert.equal("X_001", failure.errorCode)
      assertFailure(failure, "api", "rejected", "^because$")
      for _ = 1, 2 do
        failure = failed(s)
        assert.equal(status, failure.status)
        assert.is_nil(failure.errorCode)
        assertFailure(failure, "http", "rejected", "^the reply has no error object")
      end
      assert.equal(3, #s:requests())
    end)
  end

  for _, status in ipairs { 408, 500, 501, 502, 503, 504, 505, 511, 520, 524, 599, 999 } do
    it(status .. " does not tell whether the close took effect: unknown", function()
      local s <close> = service.answering { rawserver.reply(status, OBJECT), rawserver.reply(status, "") }
      local failure = failed(s)
      assert.equal(status, failure.status)
      assertFailure(failure, "api", "unknown", "^because$")
      assertFailure(failed(s), "http", "unknown", "^the reply has no error object")
      assert.equal(2, #s:requests())
    end)
  end

  it("503 with Retry-After says that nothing was done: rejected", function()
    local s <close> = service.answering(rawserver.reply(503, OBJECT, { ["Retry-After"] = "3" }))
    local failure = failed(s)
    assertFailure(failure, "api", "rejected", "^because$")
    assert.equal(3, failure.retryAfter)
  end)

  for _, status in ipairs { 300, 301, 302, 303, 304, 307, 308 } do
    it(status .. " is not followed, and does not tell whether the close took effect: unknown", function()
      local s <close> = service.answering("HTTP/1.1 " .. status .. " Elsewhere\r\nLocation: /other\r\n"
        .. (status == 304 and "" or "Content-Length: 0\r\n") .. "\r\n")
      local failure = failed(s)
      assert.equal(status, failure.status)
      assertFailure(failure, "http", "unknown", "^a redirect to /other, which is not followed$")
      assert.equal(1, #s:requests())
    end)
  end
end)

describe("a download that is not provably whole", function()
  local OK = "HTTP/1.1 200 OK\r\n"

  --- The first bytes of the file in gzip, and all of them.
  local function gzipped(bytes)
    local pipe <close> = assert(io.popen(("printf %%s '%s' | gzip -nc"):format(bytes)))
    return pipe:read("a")
  end

  local PACKED = gzipped(("x"):rep(1000))

  local function coded(bytes)
    return OK .. ("Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"):format(#bytes, bytes)
  end

  local DOUBTFUL = {
    ["because only the connection's end frames it"] = OK .. "\r\nabc",
    ["because nothing frames it, and it is empty"] = OK .. "\r\n",
    ["because its transfer coding does not frame it"] =
      OK .. "Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc",
    ["because its length is not reached"] = OK .. "Content-Length: 4\r\n\r\nabc",
    ["because its last chunk is missing"] = OK .. "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ["because it is compressed and breaks off before its checksum"] = coded(PACKED:sub(1, -9)),
    ["because it is compressed and breaks off within"] = coded(PACKED:sub(1, -12)),
    ["because it is compressed, which was not asked for"] = coded(PACKED),
    ["because it is a part"] = "HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-2/9\r\nContent-Length: 3\r\n\r\nabc",
    ["because there is none"] = "HTTP/1.1 204 No Content\r\n\r\n",
    ["because there is none yet"] = "HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\nabc",
  }

  for _, tls in ipairs { false, true } do
    for why, bytes in pairs(DOUBTFUL) do
      it(why .. (tls and ", over TLS," or "") .. " is a failure, and leaves the file as it was", function()
        local home <close> = folder.make()
        local script = { { read = "request" }, { send = bytes }, { close = true } }
        local s <close> = service.scripted({ script }, { caFile = certs.make().ca }, tls and certs.make().good or nil)
        home:write("out.bin", "before")
        for _, target in ipairs { false, home:path("out.bin"), function() end } do
          local value, failure = s.chunks:download("UFC-1", target or nil)
          assert.is_nil(value)
          assert.is_truthy(failure.kind == "transport" or failure.kind == "decode", failure.kind)
          assert.matches(".", failure.message)
        end
        assert.equal("before", home:read("out.bin"))
        assert.same({ "out.bin" }, home:list())
        assert.matches("\r\nAccept%-Encoding: identity\r\n", s:requests()[1].head)
      end)
    end
  end

  it("hands none of the bytes over that can't be trusted", function()
    for _, bytes in ipairs { OK .. "\r\nabc", coded(PACKED), DOUBTFUL["because it is a part"] } do
      local s <close> = service.scripted { { { read = "request" }, { send = bytes }, { close = true } } }
      local got = {}
      assert.is_nil((s.chunks:download("UFC-1", function(piece) got[#got + 1] = piece end)))
      assert.same({}, got)
    end
  end)

  it("is no reply to a request for its bytes, either", function()
    local s <close> = service.scripted { { { read = "request" }, { send = OK .. "\r\n{}" }, { close = true } } }
    assert.is_nil((s.client:request("GET", "/x", { raw = true })))
    assert.same({}, (s.client:request("GET", "/x")))
  end)
end)

describe("a JSON reply that only the connection's end frames", function()
  local function closed(body)
    return service.scripted { { { read = "request" }, { send = "HTTP/1.1 200 OK\r\n\r\n" .. body }, { close = true } } }
  end

  local RECORD = '{"id":"UR-1","status":"closed","external_billing_id":"B-1","n":[12]}'

  it("is whole where it shows its own end, and nowhere before", function()
    for cut = 0, #RECORD - 1 do
      local s <close> = closed(RECORD:sub(1, -1 - cut))
      if cut == 0 then
        assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id)
      else
        assert.equal("unknown", failed(s).outcome)
      end
    end
  end)

  it("is none where it could be the beginning of another", function()
    for _, body in ipairs { "12", "1", "true" } do
      local s <close> = closed(body)
      local value, failure = s.client:request("GET", "/x")
      assert.is_nil(value)
      assertFailure(failure, "transport", "rejected", "^the reply can't be proven whole: neither Content%-Length nor")
    end
  end)
end)

describe("a server that sends what nobody asked for", function()
  --- Closes so many records, each answer the only one that its connection holds when the next is asked for.
  ---@return table account of the server
  ---@return table answers by id: "closed", an error's code, or what else the client made of it
  ---@return integer connections
  local function closeAll(count, tricks, tls, options)
    local raw <close> = rawserver.start {
      handler = "spec.support.hostile", seed = 20260101, tricks = tricks, tls = tls and certs.make().good or nil,
    }
    options = options or { retries = 0 }
    options.caFile = certs.make().ca
    local client <close> = connect.ConnectClient(raw.url, service.key, options)
    local answers = {}
    for number = 1, count do
      local id = ("UR-%04d"):format(number)
      local chunk, failure = client.usageRecords:close(id, "B-" .. id)
      if chunk then
        answers[id] = chunk.id == id and chunk.external_billing_id == "B-" .. id and chunk.status or "another's answer"
      else
        answers[id] = failure.errorCode or failure.outcome
      end
      -- Whoever is asked now has sent everything.
      raw:connections()
    end
    assert.same({}, raw:problems())
    return raw:account(), answers, raw:connections()
  end

  --- Each answer is what the server did, and it did everything once. How many answers were that it is not known.
  local function assertTrue(account, answers)
    local unknown = 0
    for id, did in pairs(account.did) do
      if answers[id] == "unknown" then
        unknown = unknown + 1
      else
        assert.equal(did, answers[id], id)
      end
      assert.equal(1, account.posts[id])
      answers[id] = nil
    end
    assert.same({}, answers)
    return unknown
  end

  local TRICKS = { "whole", "apart", "chunked", "doubled", "stale", "hidden", "cut", "chunks", "later", "idle" }

  it("is believed in none of 1,000 closes", function()
    assert.equal(0, assertTrue(closeAll(1000, TRICKS)))
  end)

  it("is believed in none of 1,000 closes over TLS", function()
    local account, answers = closeAll(1000, TRICKS, true)
    -- What stands in one record with the end of a reply is found when it is read: after the next request was sent.
    local hidden = account.played.hidden + account.played.cut
    local unknown = assertTrue(account, answers)
    assert.is_true(unknown > 0 and unknown <= hidden, ("%d of %d"):format(unknown, hidden))
  end)

  for _, tls in ipairs { false, true } do
    for _, trick in ipairs(TRICKS) do
      it(("has %q%s not taken for an answer"):format(trick, tls and " over TLS" or ""), function()
        local account, answers = closeAll(60, { trick }, tls)
        local unknown = assertTrue(account, answers)
        if not (tls and (trick == "hidden" or trick == "cut")) then assert.equal(0, unknown) end
      end)
    end
  end

  it("does not answer with a first line of two replies", function()
    local head, body = service.closed("UR-0"):match("^(.-\r\n\r\n)(.*)$")
    local stale = rawserver.reply(200, "{}"):match("^[^\r]*\r\n")
    for cut = 1, #stale do
      local s <close> = service.scripted({ {
        { read = "request" }, { send = head }, { send = body .. stale:sub(1, cut) },
        { read = "request" }, { send = rawserver.reply(400, '{"error_code":"NO","errors":["no"]}') },
      } }, { caFile = certs.make().ca }, certs.make().good)
      assert(s.records:close("UR-0", "B-1"))
      assertFailure(failed(s), "transport", "unknown", ".")
    end
  end)

  local ENDINGS = { closes = { close = true }, resets = { reset = true }, ["says nothing"] = { hang = true } }

  for how, ending in pairs(ENDINGS) do
    it(("and %s when it is asked has not answered"):format(how), function()
      local head, body = service.closed("UR-0"):match("^(.-\r\n\r\n)(.*)$")
      local s <close> = service.scripted({ {
        { read = "request" }, { send = head }, { send = body .. service.closed("UR-1") }, { read = "request" }, ending,
      } }, { caFile = certs.make().ca, timeout = 0.5 }, certs.make().good)
      assert(s.records:close("UR-0", "B-1"))
      assert.equal("unknown", failed(s).outcome)
      assert.equal(2, #s:requests())
    end)
  end

  it("leaves nothing unknown where a confirmation can find it out", function()
    local time <close> = testenv.start {}
    assert.is_table(time)
    local account, answers = closeAll(200, TRICKS, true, { retries = 3 })
    for id, did in pairs(account.did) do
      if did == "closed" then assert.equal("closed", answers[id], id) end
    end
  end)
end)

describe("a server that answers what it is asked", function()
  for _, tls in ipairs { false, true } do
    it(("keeps one connection for 1,000 closes%s, its head and body sent apart or not"):format(
      tls and " over TLS" or ""), function()
      local raw <close> = rawserver.start {
        handler = "spec.support.hostile", seed = 1, tricks = { "whole", "apart", "chunked" },
        tls = tls and certs.make().good or nil,
      }
      local client <close> = connect.ConnectClient(raw.url, service.key, { retries = 0, caFile = certs.make().ca })
      for number = 1, 1000 do
        local id = ("UR-%04d"):format(number)
        local chunk, failure = client.usageRecords:close(id, "B-" .. id)
        assert.equal(id, chunk and chunk.id or failure.errorCode:gsub("^NO_", ""))
      end
      assert.equal(1, raw:connections())
    end)
  end
end)

describe("a connection kept alive", function()
  local function kept(...)
    return service.scripted { { { read = "request" }, { send = service.closed("UR-0") }, ... } }
  end

  local ENDINGS = { ["is closed"] = { close = true }, ["is reset"] = { reset = true } }

  for how, ending in pairs(ENDINGS) do
    it(how .. " before any reply: the close is sent once and no second time, and its outcome is unknown", function()
      local s <close> = kept({ read = "request" }, ending)
      assert(s.records:close("UR-0", "B-1"))
      local failure = failed(s)
      assertFailure(failure, "transport", "unknown", ".")
      local seen = {}
      for index, request in ipairs(s:requests()) do seen[index] = request.target end
      assert.same({ "/public/v1/usage/records/UR-0/close", "/public/v1/usage/records/UR-1/close" }, seen)
    end)

    it(how .. " before any reply: no other POST and no PATCH is sent a second time", function()
      for _, method in ipairs { "POST", "PATCH" } do
        local s <close> = kept({ read = "request" }, ending)
        assert(s.records:close("UR-0", "B-1"))
        local value, failure = s.client:request(method, "/x", { body = {} })
        assert.is_nil(value)
        assertFailure(failure, "transport", "unknown", ".")
        assert.equal(2, #s:requests())
      end
    end)
  end

  it("that the server closed while nobody used it is left for a new one", function()
    local s <close> = service.scripted {
      { { read = "request" }, { send = service.closed("UR-0") }, { close = true } },
      { { read = "request" }, { send = service.closed("UR-1") } },
    }
    assert(s.records:close("UR-0", "B-1"))
    -- Whoever is asked now has closed its end already.
    assert.equal(1, s.raw:connections())
    assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id)
    assert.equal(2, s.raw:connections())
    assert.equal(2, #s:requests())
  end)

  it("is given up after Connection: close, and the next call opens another", function()
    local s <close> = service.scripted {
      { { read = "request" }, { send = rawserver.reply(200, "{}", { Connection = "close" }) }, { hang = true } },
      { { read = "request" }, { send = rawserver.reply(200, '{"a":1}') }, { hang = true } },
    }
    assert.same({}, (s.client:request("GET", "/x")))
    assert.same({ a = 1 }, (s.client:request("GET", "/x")))
    assert.equal(2, s.raw:connections())
  end)

  it("is not used again after a reply that broke off", function()
    local s <close> = service.scripted {
      { { read = "request" }, { send = START }, { hang = true } },
      { { read = "request" }, { send = service.closed("UR-1") }, { hang = true } },
    }
    local _, late = s.client:request("GET", "/x", { timeout = 0.1 })
    assertFailure(late, "transport", "rejected", "^timeout: ")
    assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id)
    assert.equal(2, s.raw:connections())
  end)
end)
