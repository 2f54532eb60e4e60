-- examples/cqueues.lua, as its head says, beside a sandbox.

local sandbox = require "cloudblue.connect.sandbox"

local LUA <const> = os.getenv "LUA" or "lua5.4"

describe("examples/cqueues.lua", function()
  it("closes every approved record", function()
    local running <close> = assert(sandbox.start { records = 100 })
    local command = "CONNECT_ENDPOINT='%s' CONNECT_API_KEY='%s' timeout 60 %s examples/cqueues.lua RUN-1 2>&1"
    local pipe <close> = assert(io.popen(command:format(running.endpoint, running.apiKey, LUA)))
    local printed = pipe:read("a")
    assert.matches("\n100 closed, 0 failed\n$", printed)
    assert.matches("^%d+ closed\n", printed)
    assert.same({ closed = 100 }, running:counts())
  end)
end)
