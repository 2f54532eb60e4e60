-- client:request, the primitive that reaches every operation.

local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local misuse = service.misuse

describe("client:request", function()
  it("sends any method of the API, with a body or without", function()
    local s <close> = service.answering(rawserver.reply(200, '{"a":1}'))
    local client = s.client
    local expected = {}
    for _, method in ipairs { "GET", "POST", "PUT", "PATCH", "DELETE" } do
      assert.same({ a = 1 }, (client:request(method, "/x/y")))
      expected[#expected + 1] = { method, "/public/v1/x/y", "none", "" }
      assert.same({ a = 1 }, (client:request(method, "/x/y", { body = { b = "c" } })))
      expected[#expected + 1] = { method, "/public/v1/x/y", "application/json", '{"b":"c"}' }
    end
    local seen = {}
    for index, request in ipairs(s:requests()) do
      seen[index] = { request.method, request.target, request.headers["content-type"] or "none", request.body }
      assert.equal(service.key, request.headers.authorization)
      assert.is_nil(request.headers.expect)
    end
    assert.same(expected, seen)
  end)

  it("sends query, headers and body together", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    assert(s.client:request("POST", "/x", { query = "a=b", headers = { ["X-C"] = "d" }, body = { e = "f" } }))
    local request = s:requests()[1]
    assert.equal("/public/v1/x?a=b", request.target)
    assert.equal("d", request.headers["x-c"])
    assert.equal('{"e":"f"}', request.body)
  end)

  it("keeps the path as it is given", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    for _, path in ipairs { "/", "/a//b/", "/a%2Fb/%C3%A9", "/a;b=c/d:e@f" } do
      assert(s.client:request("GET", path))
      local requests = s:requests()
      assert.equal("/public/v1" .. path, requests[#requests].target)
    end
  end)

  it("gives the decoded value, and status and headers", function()
    local s <close> = service.answering(rawserver.reply(201, '[1,"a",null]', { ["X-Total"] = "3" }))
    local value, reply = s.client:request("GET", "/x")
    assert.same({ 1, "a", require("cloudblue.connect").null }, value)
    assert.equal(201, reply.status)
    assert.equal("3", reply.headers["x-total"])
    assert.equal("application/json", reply.headers["content-type"])
  end)

  it("gives any JSON value, null as connect.null", function()
    local null = require("cloudblue.connect").null
    for text, value in pairs { ["5"] = 5, ['"a"'] = "a", ["true"] = true, ["null"] = null } do
      local s <close> = service.answering(rawserver.reply(200, text))
      assert.equal(value, (s.client:request("GET", "/x")))
    end
  end)

  it("gives true for an empty reply", function()
    for _, bytes in ipairs { rawserver.reply(200, ""), "HTTP/1.1 204 No Content\r\n\r\n" } do
      local s <close> = service.answering(bytes)
      local value, reply = s.client:request("DELETE", "/x")
      assert.is_true(value)
      assert.equal(tonumber(bytes:match(" (%d+)")), reply.status)
    end
  end)

  it("gives the bytes with raw = true, whatever they are", function()
    for _, body in ipairs { "", "{}", "\0\255garbage" } do
      local s <close> = service.answering(rawserver.reply(200, body))
      local value, reply = s.client:request("GET", "/x", { raw = true })
      assert.equal(body, value)
      assert.equal(200, reply.status)
    end
  end)

  it("gives nil and the failure for any other status, with raw = true too", function()
    local s <close> = service.answering(rawserver.reply(404, '{"error_code":"OBJ_001","errors":["no"]}'))
    for _, raw in ipairs { false, true } do
      local value, failure = s.client:request("PATCH", "/x", { raw = raw })
      assert.is_nil(value)
      assert.equal("api", failure.kind)
      assert.equal("PATCH", failure.method)
      assert.equal("PATCH /x: 404 OBJ_001: no", tostring(failure))
      assert.equal("rejected", failure.outcome)
    end
  end)

  it("gives a failure for a 2xx reply that is no JSON", function()
    local s <close> = service.answering(rawserver.reply(200, "<html>"))
    local value, failure = s.client:request("POST", "/x")
    assert.is_nil(value)
    assert.equal("decode", failure.kind)
    assert.equal("unknown", failure.outcome)
    assert.equal(200, failure.status)
  end)

  it("obeys timeout and deadline of its own", function()
    local s <close> = service.scripted { { { read = "request" }, { hang = true } } }
    local _, late = s.client:request("GET", "/x", { timeout = 0.05 })
    assert.equal("transport", late.kind)
    assert.matches("^timeout", late.message)
    assert.equal(1, late.attempts)
    local _, cancelled = s.client:request("GET", "/x", { deadline = 0.05 })
    assert.equal("cancelled", cancelled.kind)
    assert.matches("deadline", cancelled.message)
  end)

  it("obeys retries of its own", function()
    local s <close> = service.answering({ rawserver.reply(503, ""), rawserver.reply(200, "{}") }, { retries = 0 })
    assert.same({}, (s.client:request("GET", "/x", { retries = 1 })))
    assert.equal(2, #s:requests())
  end)

  describe("refuses", function()
    local s

    setup(function()
      s = service.answering(rawserver.reply(200, "{}"))
    end)

    teardown(function()
      assert.equal(0, s.raw:connections())
      s:stop()
    end)

    it("a method that the API does not have, and any spelling but the right one", function()
      for _, method in ipairs {
        "get", "Get", "HEAD", "OPTIONS", "TRACE", "CONNECT", "", "GET /x HTTP/1.1\r\nX: y", "GET\0",
      } do
        assert.equal("bad argument #1 to 'request' (the method must be GET, POST, PUT, PATCH or DELETE)",
          misuse(function() return (s.client:request(method, "/x")) end))
      end
      assert.matches("#1 to 'request' %(method must be a string",
        misuse(function() return (s.client:request(nil, "/x")) end))
    end)

    it("what is no path below the endpoint", function()
      for path, says in pairs {
        [""] = "must begin with '/'",
        ["x"] = "must begin with '/'",
        ["https://elsewhere.example/"] = "must begin with '/'",
        ["@elsewhere.example/"] = "must begin with '/'",
        ["/a/../b"] = "has a '.' or '..' segment, which addresses another path",
        ["/%2E./b"] = "has a '.' or '..' segment, which addresses another path",
        ["/a?b"] = "has '?' at byte 3, which can't stand there (a query goes into options.query)",
        ["/a#b"] = "has '#' at byte 3, which can't stand there",
        ["/a HTTP/1.1\r\nX: y"] = "has a space (0x20) at byte 3",
        ["/a\r\nX:y"] = "has a control character (0x0D) at byte 3",
        ["/a\0"] = "has a control character (0x00) at byte 3",
        ["/ü"] = "has a byte outside ASCII (0xC3) at byte 2",
        ["/\\x"] = "has '\\' at byte 2, which can't stand there",
      } do
        assert.equal("bad argument #2 to 'request' (the path " .. says .. ")",
          misuse(function() return (s.client:request("GET", path)) end))
      end
    end)

    it("options that are no table, or of the wrong type", function()
      assert.matches("#3 to 'request' %(options must be a table",
        misuse(function() return (s.client:request("GET", "/x", 5)) end))
      for name, case in pairs {
        timeout = { 0, "option 'timeout' must be a number of seconds over 0, got 0" },
        deadline = { "5", "option 'deadline' must be a number of seconds over 0, got string" },
        connectTimeout = { -1, "option 'connectTimeout' must be a number of seconds over 0, got -1" },
        retries = { -1, "option 'retries' must be an integer from 0 to 1000, got -1" },
        raw = { 1, "option 'raw' must be true or false, got 1" },
        body = { "{}", "option 'body' must be a table, got string" },
      } do
        assert.equal("bad argument #3 to 'request' (" .. case[2] .. ")",
          misuse(function() return (s.client:request("GET", "/x", { [name] = case[1] })) end))
      end
    end)
  end)
end)
