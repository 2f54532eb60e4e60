local Collection = require "cloudblue.connect.sandbox.data.collection"

describe("a collection of the sandbox", function()
  local a, b, c = { id = "a" }, { id = "b" }, { id = "c" }

  it("finds by id, keeps the order, and gives pages", function()
    local collection = Collection.new { a, b }
    collection:add(c)
    assert.are.equal(b, collection:get("b"))
    assert.is_nil(collection:get("d"))
    assert.are.equal(3, collection:count())
    assert.are.same({ b, c }, collection:slice(1, 10))
    assert.are.same({ a }, collection:slice(0, 1))
    assert.are.same({}, collection:slice(5, 10))
  end)

  it("walks over its objects", function()
    local walked = {}
    for object in Collection.new({ a, b, c }):each() do
      walked[#walked + 1] = object
    end
    assert.are.same({ a, b, c }, walked)
  end)

  it("takes objects out", function()
    local collection = Collection.new { a, b, c }
    assert.are.equal(b, collection:remove("b"))
    assert.is_nil(collection:remove("b"))
    assert.are.same({ a, c }, collection:slice(0, 10))
    assert.is_nil(collection:get("b"))
  end)
end)
