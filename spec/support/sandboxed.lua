--- A sandbox and a plain HTTP client of it, for all tests of a `describe`.
---
---     local running, client
---     sandboxed.share({ records = 5 }, function(...) running, client = ... end)

local assert = require "luassert"
local busted = require "busted"
local http = require "spec.support.http"
local sandbox = require "cloudblue.connect.sandbox"

local sandboxed = {}

--- Starts the sandbox before the first test of the `describe` that calls this, puts it back to its start before each,
--- sees after each that it had no problem, and stops it after the last. Each test has a connection of its own.
---@param options table? of sandbox.start
---@param take fun(running: Sandbox, client: table) is given the sandbox and the client
function sandboxed.share(options, take)
  local running, client

  busted.setup(function()
    running = assert(sandbox.start(options))
    client = http.open(running)
    take(running, client)
  end)

  busted.before_each(function()
    running:reset()
  end)

  busted.after_each(function()
    client:close()
    assert.same({}, running:problems())
  end)

  busted.teardown(function()
    running:stop()
  end)
end

return sandboxed
