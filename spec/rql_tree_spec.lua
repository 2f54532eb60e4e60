-- The tree of a filter, and how it is written: always within the service's grammar, as spec/support/rqlreader.lua
-- reads it.

local reader = require "spec.support.rqlreader"
local tree = require "cloudblue.connect.rql.tree"

local function written(node) return reader.decode(tree.write(node)) end

local A, B, C, D = tree.leaf "a=1", tree.leaf "b=2", tree.leaf "c=3", tree.leaf "d=4"

describe("a tree", function()
  it("is written with & between what all must hold, with | in brackets between alternatives", function()
    assert.equal("a=1", written(A))
    assert.equal("a=1&b=2&c=3", written(tree.all { A, B, C }))
    assert.equal("(a=1|b=2|c=3)", written(tree.any { A, B, C }))
    assert.equal("(a=1|(b=2&c=3))", written(tree.any { A, tree.all { B, C } }))
    assert.equal("(a=1|b=2)&(c=3|d=4)", written(tree.all { tree.any { A, B }, tree.any { C, D } }))
  end)

  it("has no 'and' right inside an 'and', and no 'or' right inside an 'or'", function()
    assert.equal("a=1&b=2&c=3&d=4", written(tree.all { tree.all { A, B }, tree.all { C, D } }))
    assert.equal("(a=1|b=2|c=3|d=4)", written(tree.any { tree.any { A, B }, tree.any { C, D } }))
    assert.equal(A, tree.all { A })
  end)

  it("writes alternatives by twos up to 20 of them, as the JavaScript SDK does", function()
    local function alternatives(count)
      local nodes = {}
      for index = 1, count do nodes[index] = tree.leaf("x=" .. index) end
      return written(tree.anyPairwise(nodes))
    end
    assert.equal("(x=1)", alternatives(1))
    assert.equal("((x=1)|(x=2))", alternatives(2))
    assert.equal("(((x=1)|(x=2))|(x=3))", alternatives(3))
    assert.equal(("("):rep(20) .. "x=1)|(x=2))|", alternatives(20):sub(1, 32))
    assert.equal("((x=1)|(x=2)|(x=3)|", alternatives(21):sub(1, 19))
  end)

  it("has one pair of brackets around a group, and none around a negation", function()
    local group = tree.group(tree.all { A, B })
    assert.equal("(a=1&b=2)", written(group))
    assert.equal(group, tree.group(group))
    assert.equal("(a=1&b=2)", written(tree.group(tree.anyPairwise { tree.all { A, B } })))
    assert.equal("not(a=1)", written(tree.group(tree.negate(A))))
  end)

  it("is negated at its comparisons, the service's not() taking nothing else", function()
    assert.equal("not(a=1)", written(tree.negate(A)))
    assert.equal(A, tree.negate(tree.negate(A)))
    assert.equal("(not(a=1)|not(b=2))", written(tree.negate(tree.all { A, B })))
    assert.equal("not(a=1)&not(b=2)", written(tree.negate(tree.any { A, B })))
    assert.equal("not(a=1)&not(b=2)", written(tree.negate(tree.anyPairwise { A, B })))
    assert.equal("(not(a=1)|b=2)", written(tree.negate(tree.group(tree.all { A, tree.negate(B) }))))
  end)

  it("stays as it is when others are made of it", function()
    local both = tree.all { A, B }
    for _, make in ipairs { tree.all, tree.any, tree.anyPairwise } do make { both, C, both } end
    tree.negate(both)
    tree.group(both)
    assert.equal("a=1&b=2", written(both))
  end)
end)

-- A random tree, and what it means, worked out beside it.
local function randomTree(depth)
  local kind = depth > 0 and math.random(6) or 1
  if kind == 1 then
    local value = tostring(math.random(99))
    return tree.leaf("x=" .. value), { "eq", "x", value }
  end
  local node, meaning = randomTree(depth - 1)
  if kind == 2 then return tree.negate(node), { "not", meaning } end
  if kind == 3 then return tree.group(node), meaning end
  local nodes, meanings = { node }, { kind == 4 and "and" or "or", meaning }
  for index = 2, math.random(2, 4) do
    nodes[index], meanings[index + 1] = randomTree(depth - 1)
  end
  return (kind == 4 and tree.all or kind == 5 and tree.any or tree.anyPairwise)(nodes), meanings
end

describe("random trees", function()
  it("read back as what they mean", function()
    math.randomseed(20260101)
    for _ = 1, 2000 do
      local node, meaning = randomTree(math.random(0, 6))
      local query = tree.write(node)
      assert.equal(reader.meaning(meaning), reader.meaning(assert(reader.read(query))), query)
    end
  end)
end)
