local http = require "spec.support.http"
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

  it("counts connections, each with its requests", function()
    client:call("GET", "/usage/files")
    client:call("GET", "/usage/files")
    client:close()
    client:call("GET", "/usage/files")
    local requests = running:requests()
    assert.are.equal(2, running:connections())
    assert.are.same({ 1, 1, 2 }, { requests[1].connection, requests[2].connection, requests[3].connection })
  end)
end)
