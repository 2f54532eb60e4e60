local sandboxed = require "spec.support.sandboxed"

describe("the sandbox's links", function()
  local running, client
  sandboxed.share({ downloadBytes = 300 }, function(...) running, client = ... end)

  it("lead to a product's template, which needs no key", function()
    local reply = client:call("GET", "/usage/products/PRD-000-000-001/template")
    assert.are.equal(200, reply.status)
    local host, path = reply.value.template_link:match("^http://([^/]+)(/.*)$")
    assert.are.equal("127.0.0.1:" .. running.port, host)
    local file = client:call("GET", path, { root = true, key = false })
    assert.are.same({ 200, 300, "PK\3\4" }, { file.status, #file.body, file.body:sub(1, 4) })
  end)

  it("lead nowhere for what does not exist", function()
    assert.are.equal(404, client:call("GET", "/usage/products/PRD-none/template").status)
    for _, path in ipairs { "/media/PRD-none/template.xlsx", "/media/UF-2026-01-0000-0000/usage.xlsx", "/media/x/y" } do
      local reply = client:call("GET", path, { root = true, key = false })
      assert.are.same({ 404, "OBJ_001" }, { reply.status, reply.value.error_code })
    end
    assert.are.equal("REQ_003", client:call("GET", "/media/x", { root = true, key = false }).value.error_code)
  end)
end)
