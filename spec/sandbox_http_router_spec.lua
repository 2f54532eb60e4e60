local router = require "cloudblue.connect.sandbox.http.router"

describe("the sandbox's router", function()
  --- Handlers that give their names.
  local things = {}
  for _, name in ipairs { "get", "close", "bulk", "part" } do
    things[name] = function() return name end
  end

  local tree = router.build({
    { "GET", "/a/{id}", "things", "get" },
    { "POST", "/a/{id}/close", "things", "close" },
    { "POST", "/a/bulk", "things", "bulk", "upload" },
    { "GET", "/a/{id}/parts/{part}", "things", "part" },
  }, { things = things })

  local function find(method, path)
    local row, found = router.find(tree, method, path)
    return row and row.handle(), found
  end

  it("is not built where a handler is missing", function()
    assert.has_error(function() router.build({ { "GET", "/a", "things", "none" } }, { things = things }) end)
  end)

  it("finds a row and its parameters", function()
    assert.are.same({ "get", { id = "x" } }, { find("GET", "/a/x") })
    assert.are.same({ "part", { id = "x", part = "y" } }, { find("GET", "/a/x/parts/y") })
    assert.is_true((router.find(tree, "POST", "/a/bulk")).upload)
    assert.is_false((router.find(tree, "GET", "/a/x")).upload)
  end)

  it("prefers a fixed segment to a parameter", function()
    assert.are.same({ "bulk", {} }, { find("POST", "/a/bulk") })
  end)

  it("comes back from a fixed segment that leads nowhere", function()
    assert.are.same({ "close", { id = "bulk" } }, { find("POST", "/a/bulk/close") })
  end)

  it("undoes percent-encoding in parameters, once, after the path is split", function()
    assert.are.same({ "get", { id = "a/b" } }, { find("GET", "/a/a%2Fb") })
    assert.are.same({ "get", { id = "%2F é" } }, { find("GET", "/a/%252F%20%C3%A9") })
  end)

  it("tells which methods a path has", function()
    local row, methods = router.find(tree, "DELETE", "/a/x")
    assert.is_nil(row)
    assert.is_truthy(methods.GET)
  end)

  it("finds nothing elsewhere", function()
    local paths = { "/", "", "/a", "/a/", "/a//close", "/b/x", "/a/x/", "/a/x/close/y", "a/x", "/a/x/parts/" }
    for _, path in ipairs(paths) do
      assert.are.same({ path }, { path, find("GET", path) })
    end
  end)
end)
