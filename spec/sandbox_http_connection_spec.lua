local rawclient = require "spec.support.rawclient"
local sandboxed = require "spec.support.sandboxed"

describe("a connection to the sandbox", function()
  local running, client
  sandboxed.share({ records = 5, keepAlive = 0.2 }, function(...) running, client = ... end)

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

  it("reads long filters", function()
    local ids = {}
    for number = 1, 2000 do
      ids[number] = string.format("AS-0000-0000-%04d", number)
    end
    local reply = client:call("GET", "/usage/records?in(asset_id,(" .. table.concat(ids, ",") .. "))")
    assert.are.same({ 200, "items 0-4/5" }, { reply.status, reply.headers["content-range"] })
  end)
end)
