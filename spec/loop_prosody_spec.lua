-- cloudblue.connect.loop.prosody, in Prosody itself: Debian's, with each of its network backends.

local cqueues = require "cqueues"
local folders = require "spec.support.folder"
local loops = require "spec.support.loops"
local loopservice = require "spec.support.loopservice"
local prosody = require "spec.support.prosody"

local MODULES <const> = loops.absolute("spec/support/prosody")
local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

for _, backend in ipairs { "epoll", "select", "event" } do
  describe("in Prosody's loop, with the backend " .. backend, function()
    loops.inProgram(function(environment, folder)
      return prosody.run {
        folder = folder,
        environment = environment,
        modules = { "loopcases" },
        paths = { MODULES },
        backend = backend,
      }
    end)

    it("does not keep Prosody from ending while a call waits", function()
      local raw <close> = loopservice.start()
      local folder <close> = folders.make()
      local began = cqueues.monotime()
      local log, ended = prosody.run {
        folder = folder,
        environment = ("%s LOOP_SERVICE='%s'"):format(loops.environment(), raw.url),
        modules = { "inflight" },
        paths = { MODULES },
        backend = backend,
      }
      assert.is_true(ended, log)
      assert.equal(1, raw:account().hanging)
      assert.is_nil(log:find("error", 1, true), log)
      assert.is_true(cqueues.monotime() - began < 10 * SLOWNESS)
    end)
  end)
end

describe("examples/prosody/mod_close_usage.lua", function()
  it("closes records in a task of mod_cron, and the server goes on", function()
    local raw <close> = loopservice.start()
    local folder <close> = folders.make()
    local log, ended = prosody.run {
      folder = folder,
      environment = loops.environment(),
      modules = { "close_usage", "overdue" },
      paths = { MODULES, loops.absolute("examples/prosody") },
      settings = ("close_usage_endpoint = %q\nclose_usage_key = 'ApiKey SU-000-000-000:secret'\n"):format(
        raw.url .. "/slow/v1"),
    }
    assert.is_true(ended, log)
    assert.same({ ["UR-1"] = 1, ["UR-2"] = 1, ["UR-3"] = 1 }, raw:account().closes)
    assert.truthy(log:find("UR-3 is closed as B-1", 1, true), log)
    assert.is_true(tonumber(log:match("(%d+) ticks")) > 0)
  end)
end)
