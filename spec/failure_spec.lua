-- The failure: what a caller decides by, and the one line it prints as.

local connect = require "cloudblue.connect"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local scene = require "spec.support.scene"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

--- The failure of a close that the service answers with that.
local function failureOf(status, body, headers)
  local s <close> = service.answering(rawserver.reply(status, body, headers))
  local chunk, failure = s.records:close("UR-1", "B-1")
  assert.is_nil(chunk)
  assert.equal(s.client.endpoint .. "/usage/records/UR-1/close", failure.url)
  return failure
end

local VALIDATION = '{"error_code":"VAL_001","errors":["external_billing_id: required.","second"],"params":{"a":1}}'

describe("a failure", function()
  it("has every field of the API's error object, and what was called", function()
    local failure = failureOf(400, VALIDATION)
    assert.equal("api", failure.kind)
    assert.equal(400, failure.status)
    assert.equal("integer", math.type(failure.status))
    assert.equal("VAL_001", failure.errorCode)
    assert.same({ "external_billing_id: required.", "second" }, failure.errors)
    assert.equal("external_billing_id: required.; second", failure.message)
    assert.equal("rejected", failure.outcome)
    assert.equal(1, failure.attempts)
    assert.equal("integer", math.type(failure.attempts))
    assert.equal("POST", failure.method)
    assert.is_nil(failure.retryAfter)
  end)

  it("is of kind http without such an object", function()
    for _, body in ipairs {
      "", "<html>Bad gateway</html>", "{}", "[]", "null", '"error_code"', '{"error_code":5}', '{"errors":["a"]}',
      '{"error_code":"X"', ("["):rep(10000) .. ("]"):rep(10000),
    } do
      local failure = failureOf(403, body, { ["Content-Type"] = "text/html" })
      assert.equal("http", failure.kind)
      assert.equal(403, failure.status)
      assert.is_nil(failure.errorCode)
      assert.is_nil(failure.errors)
      assert.equal("the reply has no error object (text/html)", failure.message)
      assert.equal("rejected", failure.outcome)
    end
  end)

  it("takes an error object without a list of errors", function()
    local failure = failureOf(400, '{"error_code":"X_1"}')
    assert.equal("api", failure.kind)
    assert.equal("X_1", failure.errorCode)
    assert.is_nil(failure.errors)
    assert.equal("no reason given", failure.message)
  end)

  it("takes errors of any JSON type", function()
    local failure = failureOf(400, '{"error_code":"X_1","errors":["a",5,true,{"why":"b"}]}')
    assert.equal("a; 5; true; (an object or a list)", failure.message)
    assert.equal("b", failure.errors[4].why)
    assert.equal("", failureOf(400, '{"error_code":"X_1","errors":[]}').message)
    assert.equal("no reason given", failureOf(400, '{"error_code":"X_1","errors":"text"}').message)
  end)

  it("tells when the service wants to be asked again, in seconds", function()
    assert.equal(7, failureOf(429, VALIDATION, { ["Retry-After"] = "7" }).retryAfter)
    assert.equal(0, failureOf(503, VALIDATION, { ["Retry-After"] = "Fri, 31 Dec 1999 23:59:59 GMT" }).retryAfter)
    local date = os.date("!%a, %d %b %Y %H:%M:%S GMT", os.time() + 100)
    local seconds = failureOf(429, "", { ["Retry-After"] = date }).retryAfter
    assert.is_true(seconds > 90 and seconds <= 101, tostring(seconds))
    for _, neither in ipairs { "soon", "-5", "1.5", "5 apples", "" } do
      assert.is_nil(failureOf(429, VALIDATION, { ["Retry-After"] = neither }).retryAfter)
    end
  end)

  it("names a redirect's target, which was not followed", function()
    local failure = failureOf(307, "", { Location = "https://elsewhere.example/x" })
    assert.equal("http", failure.kind)
    assert.equal(307, failure.status)
    assert.equal("a redirect to https://elsewhere.example/x, which is not followed", failure.message)
    assert.equal("a redirect, which is not followed", failureOf(304, "").message)
  end)
end)

describe("the confirmation of a failure", function()
  local LOST <const> = { { read = "request" }, { reset = true } }

  local function answer(bytes) return { { read = "request" }, { send = bytes }, { close = true } } end

  --- The failure of a close whose reply is lost, the n-th reading of the record being answered by the n-th script.
  local function failureAfter(...)
    local time <close> = testenv.start() -- luacheck: ignore
    local s <close> = service.scripted({ LOST, ... }, { retries = 1, timeout = 5 })
    local chunk, failure = s.records:close("UR-1", "B-1", "note")
    assert.is_nil(chunk)
    assert.same({ "POST", 1 }, { failure.method, failure.attempts })
    assert.equal("/usage/records/UR-1/close", failure.path)
    return failure
  end

  local function met(expected, outcome, kind, ...)
    local failure = failureAfter(...)
    assert.same(expected, failure.confirmation)
    assert.same({ outcome, kind }, { failure.outcome, failure.kind })
    return failure
  end

  it("is there only where the record was read", function()
    for _, status in ipairs { 400, 404 } do assert.is_nil(failureOf(status, VALIDATION).confirmation) end
    local s <close> = service.scripted({ LOST }, { retries = 0 })
    assert.is_nil(select(2, s.records:close("UR-1", "B-1")).confirmation)
    local t <close> = service.scripted({ LOST }, { retries = 1 })
    assert.is_nil(select(2, t.client:request("POST", "/usage/records/UR-1/close")).confirmation)
  end)

  it("says why no reply came, and after how many tries", function()
    local failure = failureAfter(LOST)
    assert.equal(2, failure.confirmation.attempts)
    assert.is_nil(failure.confirmation.status)
    assert.matches("reset", failure.confirmation.message, 1, true)
    assert.same({ "transport", "unknown" }, { failure.kind, failure.outcome })
    failure = failureAfter(answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"))
    assert.matches("the reply is truncated", failure.confirmation.message, 1, true)
  end)

  it("has status, code and errors where the service refuses the reading", function()
    met({ attempts = 1, status = 404, errorCode = "OBJ_001", errors = { "no such record", "at all" },
      message = "no such record; at all" }, "unknown", "transport",
      answer(rawserver.reply(404, '{"error_code":"OBJ_001","errors":["no such record","at all"]}')))
    met({ attempts = 1, status = 403, message = "the reply has no error object (text/html)" }, "unknown", "transport",
      answer(rawserver.reply(403, "<html>", { ["Content-Type"] = "text/html" })))
    met({ attempts = 1, status = 302, message = "a redirect to /elsewhere, which is not followed" }, "unknown",
      "transport", answer(rawserver.reply(302, "", { Location = "/elsewhere" })))
    met({ attempts = 2, status = 502, message = "the reply has no error object (application/json)" }, "unknown",
      "transport", answer(rawserver.reply(502, "")))
  end)

  it("is what was met last", function()
    met({ attempts = 2, status = 404, message = "the reply has no error object (application/json)" }, "unknown",
      "transport", LOST, answer(rawserver.reply(404, "")))
    met({ attempts = 2, status = 200, message = "the reply is empty where JSON was expected" }, "unknown", "transport",
      answer(rawserver.reply(503, "")), answer(rawserver.reply(200, "")))
  end)

  it("says what can't be read in a reply", function()
    for text, message in pairs {
      ["[]"] = "the reply is no record or chunk: it has no id",
      ['{"id":"UR-2","status":"closed","external_billing_id":"B-1"}'] = "the reply is about another object (UR-2)",
      ['{"id":"UR-1","external_billing_id":"B-1"}'] = "the reply shows no status",
      ['{"id":"UR-1","status":"closed"}'] = "it is closed, and under which billing id the reply does not show",
    } do
      met({ attempts = 2, status = 200, message = message }, "unknown", "transport", answer(rawserver.reply(200, text)))
    end
  end)

  it("says whose the record is where it is another's, as the failure itself does", function()
    local message = "it is closed under another billing id (THEIRS)"
    local failure = met({ attempts = 1, status = 200, message = message }, "rejected", "record",
      answer(service.closed("UR-1", "THEIRS")))
    assert.equal(message, failure.message)
    message = "it is closed under another billing id (b-1), which may be ours: it differs in no more than blanks, "
      .. "letter case or Unicode normalisation"
    failure = met({ attempts = 1, status = 200, message = message }, "unknown", "record",
      answer(service.closed("UR-1", "b-1")))
    assert.equal(message, failure.message)
  end)

  it("says that it was not closed where the close was sent again and failed, and counts every reading", function()
    local time <close> = testenv.start() -- luacheck: ignore
    local read, send = { read = "request" }, { send = rawserver.reply(200, '{"id":"UR-1","status":"approved"}') }
    local s <close> = service.scripted({ LOST, { read, send, read, send, read, send } }, { retries = 1 })
    local _, failure = s.records:close("UR-1", "B-1")
    assert.same({ "decode", "unknown", 2 }, { failure.kind, failure.outcome, failure.attempts })
    assert.same({ attempts = 2, status = 200, message = "it is not closed (its status is approved)" },
      failure.confirmation)
    assert.equal("it is not closed (its status is approved)", failure.message)
  end)

  it("is there where the deadline passed while the record was read", function()
    local s <close> = service.scripted({ LOST, { { read = "request" }, { hang = true } } },
      { deadline = 10 * scene.SHORT, retries = 3 })
    local _, failure = s.records:close("UR-1", "B-1")
    assert.same({ "cancelled", "unknown", 1 }, { failure.kind, failure.outcome, failure.attempts })
    assert.equal(1, failure.confirmation.attempts)
    assert.matches("time%-?out", failure.confirmation.message)
  end)
end)

describe("tostring of a failure", function()
  it("is one line: method, path, status, code, reason", function()
    assert.equal("POST /usage/records/UR-1/close: 400 VAL_001: external_billing_id: required.; second",
      tostring(failureOf(400, VALIDATION)))
    assert.equal("POST /usage/records/UR-1/close: 404: the reply has no error object (text/plain)",
      tostring(failureOf(404, "", { ["Content-Type"] = "text/plain" })))
    local s <close> = service.answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    assert.equal("POST /usage/records/UR-1/close: 404: the reply has no error object (no Content-Type)",
      tostring(select(2, s.records:close("UR-1"))))
  end)

  it("stays one line whatever the service writes", function()
    local line = tostring(failureOf(400, [[{"error_code":"A\r\nB","errors":["x\ny\u0000z\u001b[31m\u007f"]}]]))
    assert.equal("POST /usage/records/UR-1/close: 400 A  B: x y z [31m ", line)
  end)

  it("is made from the fields as they are, and leaves out what is missing", function()
    local failure = failureOf(400, VALIDATION)
    failure.errorCode, failure.message, failure.status = nil, "changed", nil
    assert.equal("POST /usage/records/UR-1/close: changed", tostring(failure))
    failure.method, failure.path, failure.errorCode = nil, nil, "VAL_001"
    assert.equal("VAL_001: changed", tostring(failure))
    for name in pairs(failure) do failure[name] = nil end
    assert.equal("", tostring(failure))
  end)

  it("has the path below the endpoint, the url all of it", function()
    local failure = failureOf(400, VALIDATION)
    assert.matches("^http://127%.0%.0%.1:%d+/public/v1/usage/records/UR%-1/close$", failure.url)
    assert.equal("/usage/records/UR-1/close", failure.path)
  end)
end)

describe("a failure in error and assert", function()
  it("arrives as it is", function()
    local failure = failureOf(400, VALIDATION)
    -- Lua's own functions: busted puts others in their place.
    local raise, verify = load "return error, assert" ()
    local _, raised = pcall(raise, failure)
    assert.is_true(rawequal(failure, raised))
    _, raised = pcall(verify, nil, failure)
    assert.is_true(rawequal(failure, raised))
  end)

  it("prints as its line where nobody catches it", function()
    local child = require "spec.support.child"
    local output = child.run [[
      local client = require("cloudblue.connect").ConnectClient("http://127.0.0.1:1/v1", "key", { retries = 0 })
      assert(client.usageRecords:close("UR-1", "B-1"))
    ]]
    assert.matches("POST /usage/records/UR%-1/close: .*[Cc]onnect", output)
  end)
end)

describe("the metatable of a failure", function()
  it("is locked", function()
    local failure = failureOf(400, VALIDATION)
    assert.equal("locked", getmetatable(failure))
    assert.has_error(function() setmetatable(failure, {}) end)
  end)
end)

describe("the sandbox's refusals", function()
  it("arrive with their code and reason", function()
    local sb <close> = assert(sandbox.start { records = 1 })
    local client <close> = connect.ConnectClient(sb.endpoint, sb.apiKey, { retries = 0 })
    local id = "UR-2026-01-0000-0000-0000-0001"
    assert(client.usageRecords:close(id, "B-1"))
    local _, again = client.usageRecords:close(id, "B-2")
    assert.equal("api", again.kind)
    assert.equal(400, again.status)
    assert.equal("STATE_001", again.errorCode)
    assert.equal("rejected", again.outcome)
    assert.equal("B-1", sb:record(id).external_billing_id)
    local _, unknown = client.usageRecords:close("UR-9", "B-1")
    assert.equal(404, unknown.status)
    assert.equal("OBJ_001", unknown.errorCode)
    local stranger <close> = connect.ConnectClient(sb.endpoint, "ApiKey SU-1:wrong", { retries = 0 })
    local _, denied = stranger.usageRecords:close(id, "B-1")
    assert.equal(401, denied.status)
    assert.equal("AUTH_001", denied.errorCode)
    assert.equal("rejected", denied.outcome)
  end)
end)
