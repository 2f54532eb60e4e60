local Log = require "cloudblue.connect.sandbox.http.log"

describe("the sandbox's log", function()
  local function request(target)
    return { method = "GET", target = target, headers = { host = "h" }, order = { { "host", "h" } } }
  end

  it("numbers what it remembers", function()
    local log = Log.new(10)
    local entry = log:add(request "/a", 7)
    assert.are.same({
      seq = 1, method = "GET", path = "/a", headers = { host = "h" }, order = { { "host", "h" } }, body = "",
      connection = 7,
    }, entry)
    assert.are.equal(2, log:add(request "/b", 7).seq)
    assert.are.equal(entry, log:from()[1])
    assert.are.same({ "/b" }, { log:from(2)[1].path, log:from(2)[2] })
    assert.are.same({}, log:from(3))
  end)

  it("forgets the oldest above its capacity", function()
    local log = Log.new(2)
    for number = 1, 5 do
      log:add(request("/" .. number), 1)
    end
    assert.are.same({ 2, "/4", "/5" }, { #log:from(1), log:from(1)[1].path, log:from(1)[2].path })
  end)

  it("tells in a line what came of a request, in printable characters", function()
    local entry = Log.new(1):add(request "/a\27[1m\255 b", 1)
    assert.are.equal("GET /a\\x1B[1m\\xFF\\x20b: no status", Log.line(entry))
    entry.status, entry.fault = 503, "status"
    assert.is_truthy(Log.line(entry):find(": 503, status$"))
  end)
end)
