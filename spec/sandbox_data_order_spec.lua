local json = require "cloudblue.connect.sandbox.json"
local order = require "cloudblue.connect.sandbox.data.order"

describe("the sandbox's order", function()
  local OBJECTS = {
    { id = "a", n = "2", s = "x" },
    { id = "b", n = "1", s = json.null },
    { id = "c", n = "2", s = "w" },
    { id = "d", n = "9", s = "x" },
  }
  local N, S = { name = "n", path = { "n" } }, { name = "s", path = { "s" } }
  local T = { name = "t", isTime = true }

  --- The ids in their order; `drawn` are the numbers that decide between equals.
  local function sorted(keys, drawn)
    local ids, at = {}, 0
    local function draw()
      at = at + 1
      return drawn and drawn[at] or 0
    end
    local function hidden(object)
      return object.id == "b" and "2026-01-01T00:00:00+02:00" or "2026-01-01"
    end
    for number, object in ipairs(order.sorted(OBJECTS, keys, draw, hidden)) do
      ids[number] = object.id
    end
    return table.concat(ids)
  end

  it("is that of several keys, nulls last", function()
    assert.are.equal("bacd", sorted { { field = N, minus = false } })
    assert.are.equal("dacb", sorted { { field = N, minus = true } })
    assert.are.equal("cadb", sorted { { field = S, minus = false } })
    assert.are.equal("dcab", sorted { { field = N, minus = true }, { field = S, minus = false } })
  end)

  it("is drawn where the keys are equal", function()
    assert.are.equal("bcad", sorted({ { field = N, minus = false } }, { 4, 3, 2, 1 }))
    assert.are.equal("dbca", sorted({}, { 4, 2, 3, 1 }))
    assert.are.equal("abcd", sorted {})
  end)

  it("is that of times, and of what is not shown", function()
    assert.are.equal("bacd", sorted { { field = T, minus = false } })
  end)
end)
