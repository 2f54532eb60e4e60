local json = require "cloudblue.connect.sandbox.json"

describe("the sandbox's JSON", function()
  it("writes integers as integers, whatever their kind", function()
    assert.are.equal("[1,2,10000000000000]", json.encode { 1, 2.0, 10000000000000 })
    assert.are.equal("[12.5,0.1]", json.encode { 12.5, 0.1 })
  end)

  it("takes every byte there and back", function()
    local bytes = {}
    for value = 0, 255 do
      bytes[value + 1] = string.char(value)
    end
    local text = json.encode { table.concat(bytes) }
    assert.is_nil(text:find("\n", 1, true))
    assert.are.equal(table.concat(bytes), json.decode(text)[1])
  end)

  it("says what is wrong with a text", function()
    for _, text in ipairs { "", "{", "[1,]", "nonsense", "[NaN]", "{}x" } do
      local value, problem = json.decode(text)
      assert.is_nil(value)
      assert.are.equal("string", type(problem))
      assert.is_nil(problem:find(".lua:", 1, true))
    end
  end)

  it("tells null from an absent problem", function()
    assert.are.same({ json.null, nil }, { json.decode("null") })
    assert.is_false((json.decode("false")))
  end)

  it("makes values native: integers, and no nulls", function()
    local value = json.native(json.decode("{\"a\":1,\"b\":null,\"c\":[{\"d\":2.5,\"e\":null}],\"f\":false}"))
    assert.are.same({ a = 1, c = { { d = 2.5 } }, f = false }, value)
    assert.are.equal("integer", math.type(value.a))
    assert.is_nil(json.native(json.null))
  end)

  it("makes integers alone where nulls mean something", function()
    local value = json.integers(json.decode("{\"a\":1,\"b\":null,\"c\":[{\"d\":2.5,\"e\":null}]}"))
    assert.are.same({ a = 1, b = json.null, c = { { d = 2.5, e = json.null } } }, value)
    assert.are.equal("integer", math.type(value.a))
  end)

  it("finds a number that would not be written as it is", function()
    assert.is_nil(json.inexact({ a = { 1, 12.5, 1e14, -0.25 } }, "x"))
    assert.are.equal("x.a.2", json.inexact({ a = { 1, 1234567890123.45 } }, "x"))
    assert.are.equal("x", json.inexact(2 ^ 53, "x"))
  end)
end)
