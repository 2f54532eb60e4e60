-- The library of the module stays in memory when the Lua state that loaded it ends: a look-up of a name that was given
-- up may still be at work in it.

local child = require "spec.support.child"

describe("the module's library", function()
  it("is still mapped after the last state that loaded it has ended", function()
    local output = child.run [[
      local thread = require("cqueues.thread").start(function(_, path, cpath)
        package.path, package.cpath = path, cpath
        require "cloudblue.connect.core"
      end, package.path, package.cpath)
      assert(thread:join())
      local maps <close> = assert(io.open("/proc/self/maps"))
      print(package.loaded["cloudblue.connect.core"], maps:read("a"):find("cloudblue/connect/core", 1, true) ~= nil)
    ]]
    assert.equal("nil\ttrue\n", output)
  end)
end)
