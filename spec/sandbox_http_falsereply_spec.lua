local faulted = require "spec.support.faulted"
local json = require "cloudblue.connect.sandbox.json"

describe("a fault in the sandbox that answers something else:", function()
  local f
  faulted.share(function(given) f = given end)

  --- The value of a reply's body.
  local function valueOf(received)
    return json.decode(faulted.body(received))
  end

  it("garbage: 200, no JSON, applied unless it is said otherwise", function()
    local received, _, applied = f:close { fault = "garbage" }
    assert.are.same({ "200", true }, { faulted.status(received), applied })
    assert.is_truthy(received:find("<html>", 1, true))
    assert.is_false(select(3, f:close { fault = "garbage", applied = false }))
  end)

  it("empty: 200 without a body, applied", function()
    local received, _, applied = f:close { fault = "empty" }
    assert.are.same({ "200", "", true }, { faulted.status(received), faulted.body(received), applied })
  end)

  it("status: not applied, with the error object", function()
    local received, ending, applied = f:close { fault = "status", status = 503 }
    assert.are.same({ "503", "closed", false }, { faulted.status(received), ending, applied })
    assert.is_truthy(received:find("\"error_code\":\"FAULT_503\"", 1, true))
    assert.is_nil(received:find("retry%-after"))
    assert.are.equal(503, f.sandbox:requests()[1].status)
  end)

  it("status: applied when it is said, and plain", function()
    local received, _, applied = f:close { fault = "status", status = 502, applied = true, plain = true }
    assert.are.same({ "502", true }, { faulted.status(received), applied })
    assert.is_truthy(received:find("content%-type: text/html\r\n.*<h1>502</h1>"))
  end)

  it("status: every status, with a body and headers as they are given", function()
    for status = 300, 599 do
      local received, ending, applied = f:close { fault = "status", status = status, applied = status % 2 == 0 }
      assert.are.same({ tostring(status), "closed", status % 2 == 0 }, { faulted.status(received), ending, applied })
    end
    local received = f:close { fault = "status", status = 302, body = "[{}]", headers = { Location = "/elsewhere" } }
    assert.is_truthy(received:find("^HTTP/1.1 302 .-\r\nlocation: /elsewhere\r\n"))
    assert.are.equal("[{}]", faulted.body(received))
  end)

  it("alter: the right reply with other members, applied or not", function()
    for _, applied in ipairs { true, false } do
      local set = { id = "UR-OTHER", status = "closing", external_billing_note = json.null }
      local received, ending, wasApplied = f:close { fault = "alter", set = set, applied = applied }
      assert.are.same({ "200", "closed", applied }, { faulted.status(received), ending, wasApplied })
      local record = valueOf(received)
      assert.are.same({ "UR-OTHER", "closing", json.null, "B" },
        { record.id, record.status, record.external_billing_note, record.external_billing_id })
      assert.are.same({ 200, applied }, { f.sandbox:requests()[1].status, f.sandbox:requests()[1].applied })
    end
  end)

  it("alter: without some members, with another status", function()
    local received, _, applied = f:close { fault = "alter", without = { "status", "item" }, status = 202 }
    local record = valueOf(received)
    assert.are.same({ "202", true, faulted.ID }, { faulted.status(received), applied, record.id })
    assert.is_nil(record.status)
    assert.is_nil(record.item)
  end)

  it("alter: each entry of a bulk reply and of a list, and no refusal", function()
    local function reply(method, path, body, rule)
      f.sandbox:configure { faults = { rule } }
      return (f:send(f:request(method, path, body)))
    end
    local bulk = reply("POST", "/usage/records/close-records", json.encode { { id = faulted.ID }, { id = "UR-none" } },
      { on = "POST /usage/records/close-records", fault = "alter", set = { status = "closing" }, applied = false })
    assert.are.equal("206", faulted.status(bulk))
    assert.are.same({ { faulted.ID, "closing" }, { "UR-none", "closing" } },
      { { valueOf(bulk)[1].id, valueOf(bulk)[1].status }, { valueOf(bulk)[2].id, valueOf(bulk)[2].status } })
    assert.are.same({}, f.sandbox:journal())
    local list = reply("GET", "/usage/records", nil, { on = "GET /usage/records", fault = "alter", set = { id = "X" } })
    assert.are.same({ 5, "X", "X" }, { #valueOf(list), valueOf(list)[1].id, valueOf(list)[5].id })
    assert.is_truthy(list:find("\r\ncontent%-range: items 0%-4/5\r\n"))
    local get = reply("GET", "/usage/records/UR-none", nil,
      { on = "GET /usage/records/*", fault = "alter", set = { error_code = "X" } })
    assert.are.same({ "404", "OBJ_001" }, { faulted.status(get), valueOf(get).error_code })
  end)

  it("gzip: the right reply packed, whole or cut, applied or not", function()
    local received, ending, applied = f:close { fault = "gzip" }
    assert.are.same({ "200", "closed", true }, { faulted.status(received), ending, applied })
    local length, packed = received:match("content%-length: (%d+).-\r\n\r\n(.*)$")
    assert.is_truthy(received:find("\r\ncontent%-encoding: gzip\r\n"))
    assert.are.same({ tonumber(length), "\x1F\x8B" }, { #packed, packed:sub(1, 2) })
    for _, wanted in ipairs { true, false } do
      received, _, applied = f:close { fault = "gzip", missing = 9, applied = wanted }
      local less, some = received:match("content%-length: (%d+).-\r\n\r\n(.*)$")
      assert.are.same({ wanted, tonumber(less), #packed - 9 }, { applied, #some, #some })
    end
  end)

  it("status with Retry-After: in seconds, as it is given, or as a date", function()
    local function retryAfter(rule)
      rule.fault, rule.status = "status", 429
      return f:close(rule):match("\r\nretry%-after: (.-)\r\n")
    end
    assert.are.equal("7", retryAfter { retryAfter = 7 })
    assert.are.equal("soon", retryAfter { retryAfter = "soon" })
    local date = retryAfter { retryAfterDate = 60 }
    assert.is_truthy(date:find("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$"))
    local hour, minute, second = date:match("(%d%d):(%d%d):(%d%d)")
    local now = os.date("!*t")
    local ahead = (hour * 3600 + minute * 60 + second - now.hour * 3600 - now.min * 60 - now.sec) % 86400
    assert.is_true(ahead >= 55 and ahead <= 61, tostring(ahead))
  end)

  it("oversized: valid JSON of so many bytes, applied", function()
    local received, _, applied = f:close { fault = "oversized", bytes = 200000 }
    local body = faulted.body(received)
    assert.are.same({ 200000, true }, { #body, applied })
    assert.is_truthy(body:find("^{\"padding\":\"x+\"}$"))
  end)
end)
