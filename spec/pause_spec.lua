-- What a run in Lua needs beside calls: core.pause, the clock, whose key the client has.

local connect = require "cloudblue.connect"
local core = require "cloudblue.connect.core"
local gate = require "spec.support.gate"
local testenv = require "spec.support.testenv"

describe("core.pause", function()
  it("lasts as long as it is told, and sends nothing", function()
    local s <close> = gate.start { delay = 0 }
    local before = core.now()
    core.pause(s.client, 0.03)
    assert.is_true(core.now() - before >= 0.03)
    assert.equal(0, s.raw:connections())
  end)

  it("lets tasks run meanwhile", function()
    local s <close> = gate.start { delay = 0 }
    local before, order = core.now(), {}
    for item in s.client:parallel(3, { 0.06, 0.02, 0.04 }, function(seconds) core.pause(s.client, seconds) end) do
      order[#order + 1] = item
    end
    assert.same({ 0.02, 0.04, 0.06 }, order)
    assert.is_true(core.now() - before < 0.12 * (tonumber(os.getenv "TEST_SLOWNESS") or 1))
  end)

  it("ends with a failure when the client is closed meanwhile", function()
    local s <close> = gate.start { delay = 0 }
    local result
    for _, _, failure in s.client:parallel(2, { 1, 2 }, function(item)
      if item == 1 then return core.pause(s.client, 3600) end
      s.client:close()
    end) do
      result = result or failure
    end
    assert.equal("cancelled", result.kind)
    assert.equal("unsent", result.outcome)
  end)
end)

describe("core.account", function()
  it("is whose key the client has, and nothing of its secret", function()
    for key, account in pairs {
      ["ApiKey SU-000-000-000:s3cret"] = "SU-000-000-000", ["ApiKey SU-1:another"] = "SU-1",
      ["a"] = "#af63dc4c8601ec8c",
    } do
      local client <close> = connect.ConnectClient("http://127.0.0.1:1", key)
      assert.equal(account, core.account(client))
    end
  end)

  it("is none of a closed client", function()
    local client = connect.ConnectClient("http://127.0.0.1:1", "ApiKey SU-1:s3cret")
    client:close()
    assert.is_false(pcall(core.account, client))
  end)
end)

describe("core.now and core.timeout", function()
  it("are those of the client's surroundings, and of its options", function()
    local time = testenv.start {}
    local before = core.now()
    time.pass(7)
    assert.is_true(core.now() - before >= 7)
    time.stop()
    local s <close> = gate.start({ delay = 0 }, { timeout = 17 })
    assert.equal(17, core.timeout(s.client))
  end)
end)
