-- Where a run takes its entries from: checked before anything of them is sent.

local entries = require "cloudblue.connect.closing.entries"

local function entry(id, bill, note)
  return { id = id, external_billing_id = bill, external_billing_note = note }
end

local function iterator(list)
  local index = 0
  return function()
    index = index + 1
    return list[index]
  end
end

local function idsOf(list)
  local ids = {}
  for index, each in ipairs(list or {}) do ids[index] = each.id end
  return ids
end

describe("a list of entries", function()
  it("is taken in batches, and knows the rest", function()
    local source = entries.list { entry("UR-1", "B-1"), entry("UR-2"), entry("UR-3", nil, "note") }
    assert.same({ entry("UR-1", "B-1"), entry("UR-2") }, source:take(2))
    assert.same({ "UR-3" }, idsOf(source:rest()))
    assert.same({ "UR-3" }, idsOf(source:take(2)))
    assert.is_nil(source:take(2))
    assert.same({}, source:rest())
    assert.equal(0, source.repeated)
  end)

  it("has a record once that stands there twice in the same way", function()
    local source = entries.list { entry("UR-1", "B-1", "n"), entry("UR-1", "B-1", "n") }
    assert.equal(1, #source:take(10))
    assert.equal(1, source.repeated)
  end)

  it("is wrong where a record stands there twice in two ways, and names both places", function()
    for _, other in ipairs { entry("UR-1", "B-2", "n"), entry("UR-1", "B-1"), entry("UR-1", nil, "n") } do
      local source, problem = entries.list { entry("UR-1", "B-1", "n"), entry("UR-2"), other }
      assert.is_nil(source)
      assert.equal("entry 3: UR-1 stands already in entry 1, with another billing id or note", problem)
    end
  end)
end)

describe("an iterator of entries", function()
  it("is read as needed, without those that repeat one that is not done", function()
    local source = entries.iterator(iterator {
      entry("UR-1", "B-1"), entry("UR-1", "B-1"), entry("UR-2", "B-2"), entry("UR-1", "B-1"),
    })
    local first = source:take(1)
    assert.same({ "UR-1" }, idsOf(first))
    assert.same({ "UR-2" }, idsOf(source:take(1)))
    assert.equal(1, source.repeated)
    source:done(first)
    -- It is done: what comes now is told by the service.
    assert.same({ "UR-1" }, idsOf(source:take(1)))
    assert.is_nil(source:take(1))
    assert.equal(1, source.repeated)
    assert.same({}, source:rest())
  end)

  it("raises what is wrong with an entry, with its number, after what stands before it", function()
    local source = entries.iterator(iterator { entry("UR-1"), 7 })
    assert.same({ "UR-1" }, idsOf(source:take(5)))
    for _ = 1, 2 do
      local done, problem = pcall(source.take, source, 5)
      assert.is_false(done)
      assert.equal("entry 2: must be a table, got number", problem)
    end
  end)

  it("is wrong where it returns one table again and again, filled anew", function()
    local one, number = {}, 0
    local source = entries.iterator(function()
      number = number + 1
      one.id = "UR-" .. number
      return one
    end)
    source:take(1)
    local _, problem = pcall(source.take, source, 5)
    assert.equal("entry 2: it is the same table as entry 1, which is not done yet", problem)
  end)

  it("raises what the iterator raises", function()
    local source = entries.iterator(function() error({ "no more" }, 0) end)
    assert.same({ false, { "no more" } }, { pcall(source.take, source, 5) })
  end)

  it("is wrong where a record under way comes in another way, and names both places", function()
    local source = entries.iterator(iterator { entry("UR-0"), entry("UR-1", "B-1"), entry("UR-1", "B-2") })
    source:take(2)
    local _, problem = pcall(source.take, source, 5)
    assert.equal("entry 3: UR-1 stands already in entry 2, with another billing id or note", problem)
  end)
end)
