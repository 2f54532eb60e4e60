local cqueues = require "cqueues"
local faulted = require "spec.support.faulted"
local rawclient = require "spec.support.rawclient"
local sandboxed = require "spec.support.sandboxed"

describe("an exchange with the sandbox", function()
  local running, client
  sandboxed.share({ records = 5, requestLog = 3, bodyLog = 10 }, function(...) running, client = ... end)

  it("lets in who has the key, the whole key and nothing but the key", function()
    local key = running.apiKey
    for _, other in ipairs { false, "", "ApiKey", key .. "x", key:sub(1, -2), key:lower() } do
      local reply = client:call("GET", "/usage/records", { key = other })
      assert.are.same({ 401, "AUTH_001" }, { reply.status, reply.value.error_code })
    end
    assert.are.equal(200, client:call("GET", "/usage/records").status)
  end)

  it("asks for the key before it says whether there is anything", function()
    assert.are.equal(401, client:call("GET", "/nothing", { key = false }).status)
  end)

  it("knows its routes and no others", function()
    local paths = { "/", "/usage", "/usage/records/", "/usage/records/a/b", "/usage//records", "/subscriptions/assets" }
    for _, path in ipairs(paths) do
      local reply = client:call("GET", path)
      assert.are.same({ path, 404, "REQ_003" }, { path, reply.status, reply.value.error_code })
    end
    assert.are.equal(404, client:call("GET", "/usage/records", { root = true }).status)
  end)

  it("names the methods where another was used", function()
    local reply = client:call("PATCH", "/usage/records/UR-2026-01-0000-0000-0000-0001", { json = {} })
    assert.are.same({ 405, "REQ_004", "GET, PUT" }, { reply.status, reply.value.error_code, reply.headers.allow })
    assert.are.equal(405, client:call("DELETE", "/usage/records/UR-2026-01-0000-0000-0000-0001").status)
  end)

  it("says 100 Continue to a client that waits for it", function()
    local bytes = rawclient.request(running, "POST", "/usage/records/UR-2026-01-0000-0000-0000-0001/close", "{}",
      { "Expect: 100-continue", "Connection: close" })
    local received = rawclient.exchange(running.port, bytes)
    assert.is_truthy(received:find("^HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"))
  end)

  it("reads a body in chunks", function()
    local head = rawclient.request(running, "POST", "/usage/records/UR-2026-01-0000-0000-0000-0001/close", nil,
      { "Transfer-Encoding: chunked", "Content-Type: application/json", "Connection: close" })
    local chunks = "c\r\n{\"external_b\r\n10\r\nilling_id\":\"B1\"}\r\n0\r\n\r\n"
    local received = rawclient.exchange(running.port, head .. chunks)
    assert.are.equal("HTTP/1.1 200 OK", received:match("^[^\r]*"))
    assert.are.equal("B1", running:record("UR-2026-01-0000-0000-0000-0001").external_billing_id)
  end)

  it("answers HEAD-like nonsense and broken requests without harm", function()
    assert.is_truthy(rawclient.exchange(running.port, "nonsense\r\n\r\n"):find("^HTTP/1.1 400 "))
    local head = rawclient.request(running, "HEAD", "/usage/records", nil, { "Connection: close" })
    assert.is_truthy(rawclient.exchange(running.port, head):find("^HTTP/1.1 405 .*\r\n\r\n$"))
    local cutOff = rawclient.request(running, "POST", "/usage/records/UR-2026-01-0000-0000-0000-0001/close", nil,
      { "Content-Length: 100", "Content-Type: application/json" })
    local received, ending = rawclient.exchange(running.port, cutOff .. "{}", 0.05)
    assert.are.same({ "", "waiting" }, { received, ending })
  end)

  it("applies nothing of a request that was broken off", function()
    for _, rest in ipairs { "", "Content-Length: 100\r\n", "Content-Length: 100\r\n\r\n{}" } do
      local bytes = "POST /public/v1/usage/records/UR-2026-01-0000-0000-0000-0001/close HTTP/1.1\r\nHost: x\r\n"
        .. "Authorization: " .. running.apiKey .. "\r\nContent-Type: application/json\r\n" .. rest
      assert.are.equal("waiting", select(2, rawclient.exchange(running.port, bytes, 0.03)))
    end
    assert.are.equal(200, client:call("GET", "/usage/records").status)
    assert.are.same({}, running:journal())
  end)

  it("remembers the newest requests and the beginnings of their bodies", function()
    for number = 1, 4 do
      client:call("POST", "/usage/records/x/close", { body = "{\"external_billing_id\":\"" .. number .. "\"}",
        type = "application/json" })
    end
    local requests = running:requests()
    assert.are.same({ 3, 2, 4, "{\"external" }, { #requests, requests[1].seq, requests[3].seq, requests[3].body })
    assert.are.same({ 4 }, { running:requests(4)[1].seq })
  end)
end)


describe("an exchange with the sandbox under a fault", function()
  local f
  faulted.share(function(given) f = given end)

  it("delay: applied and answered, later", function()
    local received, ending, applied, times = f:close { fault = "delay", seconds = 0.1 }
    assert.are.same({ "200", "closed", true }, { faulted.status(received), ending, applied })
    assert.is_true(times[1] >= 0.099)
  end)

  it("delay: applied even when the client is gone, unless there was a reset", function()
    local bytes = f:request("POST", "/usage/records/" .. faulted.ID .. "/close", "{}")
    for _, resets in ipairs { true, false } do
      f.sandbox:reset()
      f.sandbox:configure { faults = { { on = faulted.ON, fault = "delay", seconds = 0.1 } } }
      assert.are.equal("waiting", select(2, f:send(bytes, 0.03)))
      if resets then
        f.sandbox:reset()
      end
      cqueues.sleep(0.2)
      assert.are.equal(resets and 0 or 1, #f.sandbox:journal())
    end
  end)

  it("closeAs: somebody else is quicker, and the journal says so", function()
    local rule = { on = faulted.ON, fault = "reset-before", closeAs = "THEIRS" }
    f.sandbox:configure { faults = { rule } }
    local bytes = f:request("POST", "/usage/records/" .. faulted.ID .. "/close", "{}")
    assert.are.equal("reset", select(2, f:send(bytes)))
    assert.are.equal("THEIRS", f.sandbox:record(faulted.ID).external_billing_id)
    assert.are.same({ "THEIRS", "somebody else", nil },
      { f.sandbox:journal()[1].external_billing_id, f.sandbox:journal()[1].route, f.sandbox:journal()[2] })
    rule.on = "POST /usage/chunks/*/close"
    f.sandbox:configure { faults = { rule } }
    bytes = f:request("POST", "/usage/chunks/UFC-2026-01-0000-0000-001/close", "{}")
    f:send(bytes)
    assert.are.equal("THEIRS", f.sandbox:chunk("UFC-2026-01-0000-0000-001").external_billing_id)
  end)

  it("does not carry out what would be refused anyway", function()
    f.sandbox:configure { faults = { { on = faulted.ON, fault = "reset-after" } } }
    local bytes = f:request("POST", "/usage/records/UR-none/close", "{}")
    assert.are.equal("reset", select(2, f:send(bytes)))
    assert.are.same({ {}, false }, { f.sandbox:journal(), f.sandbox:requests()[1].applied })
  end)
end)
