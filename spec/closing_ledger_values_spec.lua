-- Values on their way into a database and out of it.

local values = require "cloudblue.connect.closing.ledger.values"

describe("a text", function()
  it("is a literal of SQL", function()
    assert.equal("NULL", values.quote(nil))
    assert.equal("''", values.quote(""))
    assert.equal("'B-1'", values.quote("B-1"))
    assert.equal("'it''s ''so'''", values.quote("it's 'so'"))
  end)

  it("is made UTF-8 without zero bytes, as databases want it", function()
    assert.equal("prüfen", values.printable("prüfen"))
    assert.equal("a b", values.printable("a\0b"))
    assert.equal("a??b", values.printable("a\xff\xc3b"))
  end)
end)

describe("an integer", function()
  it("is one whatever the driver makes of it", function()
    for _, value in ipairs { 7, 7.0, "7" } do
      assert.equal(7, values.integer(value))
      assert.equal("integer", math.type(values.integer(value)))
    end
  end)
end)

describe("the entries of a batch", function()
  it("are put together from an array for each field", function()
    assert.same({ { id = "UR-1" }, { id = "UR-2" } }, values.entries('["UR-1","UR-2"]'))
    assert.same({
      { id = "UR-1", external_billing_id = "B-1" },
      { id = "UR-2", external_billing_note = "" },
      { id = "UR-3", external_billing_id = "B-3", external_billing_note = "a\0b" },
    }, values.entries('["UR-1","UR-2","UR-3"]', '["B-1",null,"B-3"]', '[null,"","a\\u0000b"]'))
  end)
end)
