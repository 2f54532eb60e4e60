-- A host that can't wait: lighttpd, Debian's, whose worker runs a script of mod_magnet and nothing else meanwhile. What
-- docs/loops.md says of it, with examples/lighttpd/close-usage.lua.

local cqueues = require "cqueues"
local lighttpd = require "spec.support.lighttpd"
local loops = require "spec.support.loops"
local loopservice = require "spec.support.loopservice"

local SCRIPT <const> = loops.absolute("examples/lighttpd/close-usage.lua")
local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

-- The script's, in seconds.
local DEADLINE <const> = 1

describe("a script of lighttpd's mod_magnet", function()
  local raw

  setup(function() raw = loopservice.start() end)
  teardown(function() raw:stop() end)

  local function start(way)
    return lighttpd.start {
      script = SCRIPT,
      environment = ("%s CONNECT_ENDPOINT='%s/%s/v1' CONNECT_API_KEY='ApiKey SU-000-000-000:secret'"):format(
        loops.environment(), raw.url, way),
    }
  end

  it("closes records on one connection", function()
    local server <close> = start("fast")
    for i = 1, 3 do
      local status, body = server:request("POST", ("/close/UR-%d?B-1"):format(i))
      assert.equal(200, status, body .. server:log())
      assert.equal(("UsageChunk UR-%d (closed)\n"):format(i), body)
    end
    assert.same({ ["UR-1"] = 1, ["UR-2"] = 1, ["UR-3"] = 1 }, raw:account().closes)
    assert.equal(1, raw:connections())
  end)

  it("keeps the server no longer than its deadline", function()
    local server <close> = start("hang")
    local controller = cqueues.new()
    local closing, page, seconds
    controller:wrap(function() closing = server:request("POST", "/close/UR-4?B-1") end)
    controller:wrap(function()
      while raw:account().hanging == 0 do cqueues.sleep(0.01) end
      local began = cqueues.monotime()
      page = server:request("GET", "/page")
      seconds = cqueues.monotime() - began
    end)
    assert(controller:loop(30 * SLOWNESS))
    assert.equal(504, closing, server:log())
    assert.equal(200, page)
    -- It stood still, and no longer than the call may take.
    assert.is_true(seconds > DEADLINE / 2 and seconds < DEADLINE + 0.5 * SLOWNESS, seconds .. " s")
    assert.is_nil(raw:account().closes["UR-4"])
  end)
end)
