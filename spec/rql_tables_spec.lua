-- The tables of a filter: what counts as a list, what as an object, and which ones can't be trusted.

local refusal = require "cloudblue.connect.rql.refusal"
local tables = require "cloudblue.connect.rql.tables"

local null = require("cjson").null

--- What is said of a table where it is refused, or nil.
local function problem(work, value)
  return select(2, refusal.catch(work, value, "a"))
end

local UNSEEN = "a: a table whose metatable may hold more than can be seen; a plain table expected"

describe("a value in a message", function()
  it("is named by its type, null by its own name", function()
    assert.same({ "null", "nil", "table", "number" },
      { tables.describe(null), tables.describe(nil), tables.describe {}, tables.describe(1) })
    assert.equal("userdata", tables.describe(io.stdout))
  end)
end)

describe("a list", function()
  it("has as many entries as it has keys, from 1 on", function()
    assert.equal(0, tables.length {})
    assert.equal(3, tables.length { "a", false, null })
    assert.is_nil(tables.length { x = 1 })
    assert.is_nil(tables.length { "a", x = 1 })
    assert.is_nil(tables.length { "a", nil, "c" })
    assert.is_nil(tables.length { [2] = "b" })
    assert.is_nil(tables.length { [0] = "z", "a" })
    assert.is_nil(tables.length { "a", [1.5] = "b" })
  end)

  it("has none of its metatable's, but may have one", function()
    assert.equal(1, tables.length(setmetatable({ "a" }, { __index = table, __len = function() return 9 end })))
    assert.is_nil(tables.length(setmetatable({ "a" }, { __index = { "a", "b" } })))
    assert.is_nil(tables.length(setmetatable({}, { __index = { "a" } })))
    assert.is_nil(tables.length(setmetatable({ "a", x = 1 }, { __index = { [2] = "b" } })))
  end)

  it("is walked from its first entry to its last", function()
    local seen = {}
    for index, value in tables.entries({ "x", "y", "z" }, "a") do seen[index] = value end
    assert.same({ "x", "y", "z" }, seen)
  end)

  it("is refused where it is none, or has no entries", function()
    assert.equal("a: a list expected, got null", problem(tables.entries, null))
    assert.equal("a: a list expected, got string", problem(tables.entries, "x"))
    assert.equal("a: a list expected, got table", problem(tables.entries, { x = 1 }))
    assert.equal("a: an empty list; left out, the filter would match everything", problem(tables.entries, {}))
  end)
end)

describe("an object", function()
  it("has its keys sorted", function()
    assert.same({ "", "$or", "A", "a", "b" }, tables.keys({ b = 1, a = 2, A = 3, ["$or"] = 4, [""] = 5 }, "a"))
    assert.same({}, tables.keys({}, "a"))
  end)

  it("is refused where it has another key than texts", function()
    for _, value in ipairs { { "x" }, { [true] = 1 }, { x = 1, [1] = 2 }, { [null] = 1 } } do
      assert.matches("^a: a list where an object was expected", problem(tables.keys, value))
    end
  end)

  it("is refused where its metatable may add to it", function()
    for _, meta in ipairs {
      { __index = {} }, { __index = print }, { __pairs = pairs }, { __metatable = false }, { __metatable = "locked" },
    } do
      assert.equal(UNSEEN, problem(tables.keys, setmetatable({ x = 1 }, meta)))
      assert.equal(UNSEEN, problem(tables.checkPlain, setmetatable({}, meta)))
    end
  end)

  it("is plain with a metatable that adds nothing, even one that has a metatable", function()
    local meta = setmetatable({ __name = "filter", __len = print, __tostring = print }, { __index = { __index = {} } })
    assert.same({ "x" }, tables.keys(setmetatable({ x = 1 }, meta), "a"))
    assert.is_nil(problem(tables.checkPlain, {}))
  end)
end)
