local sandboxed = require "spec.support.sandboxed"

describe("the sandbox's usage rules", function()
  local running, client
  local RULES = "/products/PRD-000-000-001/usage/rules"
  sandboxed.share(nil, function(...) running, client = ... end)

  it("are listed by product", function()
    local reply = client:call("GET", RULES .. "?action=accept")
    assert.are.same({ 200, 2 }, { reply.status, #reply.value })
    assert.are.equal("[]", client:call("GET", "/products/PRD-000-000-002/usage/rules").body)
    assert.are.equal(404, client:call("GET", "/products/PRD-none/usage/rules").status)
  end)

  it("are made, read, changed and deleted", function()
    local reply = client:call("POST", RULES, { json = {
      item = { id = "PRD-000-000-001-0002" }, action = "manual", rule = "usage > 5", status = "active",
    } })
    assert.are.same({ 201, "UIR-000-000-003", "manual", "Object storage" },
      { reply.status, reply.value.id, reply.value.action, reply.value.item.name })
    local path = RULES .. "/UIR-000-000-003"
    assert.are.equal("usage > 5", client:call("GET", path).value.rule)
    assert.are.equal("reject", client:call("PUT", path, { json = { action = "reject" } }).value.action)
    reply = client:call("DELETE", path)
    assert.are.same({ 204, "" }, { reply.status, reply.body })
    assert.are.equal(404, client:call("GET", path).status)
    assert.are.equal(404, client:call("DELETE", path).status)
    local actions = {}
    for number, entry in ipairs(running:journal()) do
      actions[number] = entry.action .. " " .. entry.id
    end
    assert.are.same({ "create UIR-000-000-003", "update UIR-000-000-003", "delete UIR-000-000-003" }, actions)
  end)

  it("are refused where they mean nothing", function()
    for _, value in ipairs {
      { rule = "x" }, { action = "explode" }, { action = "accept", status = "sleeping" },
      { action = "accept", item = { id = "PRD-none" } }, { action = 7 },
    } do
      assert.are.equal("VAL_001", client:call("POST", RULES, { json = value }).value.error_code)
    end
    assert.are.equal(404, client:call("PUT", RULES .. "/UIR-none", { json = {} }).status)
    assert.are.equal("VAL_001", client:call("PUT", RULES .. "/UIR-000-000-001",
      { json = { action = "x" } }).value.error_code)
    assert.are.same({}, running:journal())
  end)
end)
