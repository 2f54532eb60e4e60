-- The failure: what a caller decides by, and the one line it prints as.

local connect = require "cloudblue.connect"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"

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
