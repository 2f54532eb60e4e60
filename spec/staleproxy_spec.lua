-- The proxy of the random faults: it passes everything on, and adds what nobody asked for, by its seed alone.

local rawclient = require "spec.support.rawclient"
local sandbox = require "cloudblue.connect.sandbox"
local staleproxy = require "spec.support.staleproxy"

describe("the proxy that adds stale replies", function()
  local sb, proxy

  setup(function()
    sb = assert(sandbox.start { records = 10 })
    proxy = staleproxy.start(sb.port)
  end)

  teardown(function()
    assert.same({}, proxy:problems())
    proxy:stop()
    sb:stop()
  end)

  local function port() return math.tointeger(tonumber(proxy.endpoint:match(":(%d+)/"))) end

  local function get(more)
    return rawclient.request(sb, "GET", "/usage/records/UR-2026-01-0000-0000-0000-0001", nil, more)
  end

  -- Seconds until all that the proxy adds has come.
  local PATIENCE = 0.05 * (tonumber(os.getenv "TEST_SLOWNESS") or 1)

  --- What comes through it of so many requests, each on a connection of its own; what was added by then.
  local function received(count)
    local list, before = {}, proxy:added()
    for number = 1, count do
      list[number] = rawclient.exchange(port(), get { "Connection: close" }, PATIENCE):gsub("\r\nDate: [^\r]*", "")
    end
    return list, proxy:added() - before
  end

  it("adds the same for the same seed, right behind a whole reply", function()
    local whole = rawclient.exchange(sb.port, get { "Connection: close" }, 1):gsub("\r\nDate: [^\r]*", "")
    proxy:seed(5)
    local first, added = received(30)
    assert.is_true(added > 3 and added < 27, tostring(added))
    local longer = 0
    for _, bytes in ipairs(first) do
      assert.equal(whole, bytes:sub(1, #whole))
      if #bytes > #whole then longer = longer + 1 end
    end
    assert.equal(added, longer)
    proxy:seed(5)
    assert.same(first, (received(30)))
    proxy:seed(6)
    assert.not_same(first, (received(30)))
  end)

  it("passes requests on once, and resets", function()
    proxy:seed(7)
    local before = #sb:requests()
    received(10)
    assert.equal(10, #sb:requests() - before)
    sb:configure { faults = { { on = "GET /**", fault = "reset-after", count = "all" } } }
    local bytes, ending = rawclient.exchange(port(), get(), 2)
    sb:configure { faults = {} }
    assert.same({ "", "reset" }, { bytes, ending })
  end)
end)
