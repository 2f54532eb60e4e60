local http = require "spec.support.http"
local rawclient = require "spec.support.rawclient"
local sandbox = require "cloudblue.connect.sandbox"

describe("the sandbox's server", function()
  local running, client

  setup(function()
    running = assert(sandbox.start { records = 5, requestLog = 3, bodyLog = 10, keepAlive = 0.2 })
    client = http.open(running)
  end)

  before_each(function()
    running:reset()
  end)

  after_each(function()
    client:close()
    assert.are.same({}, running:problems())
  end)

  teardown(function()
    running:stop()
  end)

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

  it("remembers the newest requests and the beginnings of their bodies", function()
    for number = 1, 4 do
      client:call("POST", "/usage/records/x/close", { body = "{\"external_billing_id\":\"" .. number .. "\"}",
        type = "application/json" })
    end
    local requests = running:requests()
    assert.are.same({ 3, 2, 4, "{\"external" }, { #requests, requests[1].seq, requests[3].seq, requests[3].body })
    assert.are.same({ 4 }, { running:requests(4)[1].seq })
  end)

  it("counts connections, each with its requests", function()
    client:call("GET", "/usage/files")
    client:call("GET", "/usage/files")
    client:close()
    client:call("GET", "/usage/files")
    local requests = running:requests()
    assert.are.equal(2, running:connections())
    assert.are.same({ 1, 1, 2 }, { requests[1].connection, requests[2].connection, requests[3].connection })
  end)

  it("closes a connection that was idle for too long", function()
    local bytes = rawclient.request(running, "GET", "/usage/records/UR-2026-01-0000-0000-0000-0001")
    local received, ending = rawclient.exchange(running.port, bytes)
    assert.are.equal("HTTP/1.1 200 OK", received:match("^[^\r]*"))
    assert.are.equal("closed", ending)
  end)

  it("answers requests that were sent in one go, in order", function()
    local close = rawclient.request(running, "POST", "/usage/records/UR-2026-01-0000-0000-0000-0001/close", "{}")
    local get = rawclient.request(running, "GET", "/usage/records/UR-2026-01-0000-0000-0000-0001", nil,
      { "Connection: close" })
    local received, ending = rawclient.exchange(running.port, close .. get)
    local first, second = received:match("^HTTP/1.1 200 OK.-({.*})HTTP/1.1 200 OK.-({.*})$")
    assert.are.equal(first, second)
    assert.are.equal("closed", ending)
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

  it("reads long filters", function()
    local ids = {}
    for number = 1, 2000 do
      ids[number] = string.format("AS-0000-0000-%04d", number)
    end
    local reply = client:call("GET", "/usage/records?in(asset_id,(" .. table.concat(ids, ",") .. "))")
    assert.are.same({ 200, "items 0-4/5" }, { reply.status, reply.headers["content-range"] })
  end)
end)
