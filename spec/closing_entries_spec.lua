-- The entries of a run: checked before anything of them is sent.

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

describe("a list of entries", function()
  it("is taken as it is where nothing is wrong", function()
    local list = { entry("UR-1", "B-1"), entry("UR-2"), entry("UR-3", nil, "note") }
    local checked, repeated = entries.check(list)
    assert.same(list, checked)
    assert.equal(0, repeated)
  end)

  it("has a record once that stands there twice in the same way", function()
    local checked, repeated = entries.check { entry("UR-1", "B-1", "n"), entry("UR-1", "B-1", "n") }
    assert.equal(1, #checked)
    assert.equal(1, repeated)
  end)

  it("is wrong where a record stands there twice in two ways, and names both places", function()
    for _, other in ipairs { entry("UR-1", "B-2", "n"), entry("UR-1", "B-1"), entry("UR-1", nil, "n") } do
      local checked, problem = entries.check { entry("UR-1", "B-1", "n"), entry("UR-2"), other }
      assert.is_nil(checked)
      assert.equal("entry 3: UR-1 stands already in entry 1, with another billing id or note", problem)
    end
  end)
end)

describe("an iterator of entries", function()
  it("returns one after the other, without those that repeat one that is not done", function()
    local nextEntry, forget, repeated = entries.read(iterator {
      entry("UR-1", "B-1"), entry("UR-1", "B-1"), entry("UR-2", "B-2"), entry("UR-1", "B-1"),
    })
    local first = nextEntry()
    assert.equal("UR-1", first.id)
    assert.equal("UR-2", nextEntry().id)
    assert.equal(1, repeated())
    forget(first)
    -- It is done: what comes now is told by the service.
    assert.equal("UR-1", nextEntry().id)
    assert.is_nil(nextEntry())
    assert.equal(1, repeated())
  end)

  it("raises what is wrong with an entry, with its number", function()
    local nextEntry = entries.read(iterator { entry("UR-1"), 7 })
    assert.equal("UR-1", nextEntry().id)
    local done, problem = pcall(nextEntry)
    assert.is_false(done)
    assert.equal("entry 2: must be a table, got number", problem)
  end)
end)
