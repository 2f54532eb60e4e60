local reply = require "cloudblue.connect.sandbox.http.reply"
local json = require "cloudblue.connect.sandbox.json"

describe("a reply of the sandbox", function()
  it("has a status and a body", function()
    assert.are.same({ status = 200, json = '{"a":1}' }, reply.ok { a = 1 })
    assert.are.same({ status = 201, json = '{"a":1}' }, reply.created { a = 1 })
    assert.are.same({ status = 204 }, reply.empty())
    assert.are.same({ status = 200, content = "c" }, reply.file "c")
  end)

  it("writes an empty list as one", function()
    assert.are.same({ status = 206, json = "[]" }, reply.list(206, {}))
    assert.are.same({ status = 200, json = '["a",{"b":1}]', headers = { x = "y" } },
      reply.list(200, { "a", { b = 1 } }, { x = "y" }))
  end)

  it("refuses with the API's error object", function()
    local codes = {
      unauthorized = { 401, "AUTH_001" }, malformed = { 400, "REQ_001" }, unsupportedType = { 415, "REQ_002" },
      noRoute = { 404, "REQ_003" }, noMethod = { 405, "REQ_004" }, tooLarge = { 413, "REQ_005" },
      invalid = { 400, "VAL_001" }, notFound = { 404, "OBJ_001" }, wrongState = { 400, "STATE_001" },
      badFilter = { 400, "RQL_001" }, broken = { 500, "SANDBOX_001" },
    }
    for name, expected in pairs(codes) do
      local refusal = reply[name]("why", { allow = "GET" })
      assert.are.same({ name, expected[1], expected[2] }, { name, refusal.status, refusal.refused })
      assert.are.same({ error_code = expected[2], errors = { "why" } }, json.decode(refusal.json))
      assert.are.same({ allow = "GET" }, refusal.headers)
    end
  end)
end)
