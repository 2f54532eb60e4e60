local copy = require "cloudblue.connect.sandbox.data.copy"
local json = require "cloudblue.connect.sandbox.json"

describe("the sandbox's copies", function()
  it("of values are tables with what is in them", function()
    local from = { a = { b = { 1, 2 } }, c = json.null }
    local made = copy.values(from)
    assert.are.same(from, made)
    made.a.b[1] = 3
    assert.are.equal(1, from.a.b[1])
    assert.are.equal("x", copy.values("x"))
  end)

  it("of objects keep what is shared, what refers to itself, and their kind", function()
    local Kind = { __index = { answer = function() return 42 end } }
    local shared = { n = 1 }
    local from = setmetatable({ first = shared, [shared] = "a key" }, Kind)
    from.itself = from
    local made = copy.objects(from, {})
    assert.are.equal(42, made:answer())
    assert.are.equal(made, made.itself)
    assert.are_not.equal(shared, made.first)
    assert.are.equal("a key", made[made.first])
    made.first.n = 2
    assert.are.equal(1, shared.n)
  end)

  it("of objects leave alone what they are told to", function()
    local kept, replaced, instead = {}, { 1 }, {}
    local made = copy.objects({ kept = kept, replaced = replaced }, { [kept] = kept, [replaced] = instead })
    assert.are.equal(kept, made.kept)
    assert.are.equal(instead, made.replaced)
  end)
end)
