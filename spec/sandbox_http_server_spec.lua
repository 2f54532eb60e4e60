local sandboxed = require "spec.support.sandboxed"

describe("the sandbox's server", function()
  local running, client
  sandboxed.share({ records = 5 }, function(...) running, client = ... end)

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
