local fields = require "cloudblue.connect.sandbox.fields"
local filter = require "cloudblue.connect.sandbox.filter"
local json = require "cloudblue.connect.sandbox.json"
local rql = require "cloudblue.connect.sandbox.rql"

local RECORD = {
  id = "UR-1",
  status = "approved",
  amount = 10.5,
  tier = 2,
  category = "",
  closed_at = json.null,
  start_date = "2026-01-15T00:00:00+00:00",
  external_billing_note = "50% off*",
  item = { id = "PRD-1", name = "Virtual Machine" },
}

local function compile(query, collection)
  return filter.compile(assert(rql.parse(query)), function(name)
    return fields.of(collection or "records")[name]
  end)
end

local function matches(query)
  return assert(compile(query))(RECORD)
end

describe("the sandbox's filters", function()
  --- A list of queries that match and one of queries that don't.
  local function check(yes, no)
    for _, query in ipairs(yes) do
      assert.are.same({ query, true }, { query, matches(query) })
    end
    for _, query in ipairs(no) do
      assert.are.same({ query, false }, { query, matches(query) })
    end
  end

  it("compare strings as they are", function()
    check({ "status=approved", "eq(item.id,PRD-1)", "ne(status,closed)", "gt(status,app)", "le(id,UR-1)" },
      { "status=Approved", "status=approve", "ne(status,approved)", "lt(id,UR-1)" })
  end)

  it("compare numbers as numbers", function()
    check({ "amount=10.50", "gt(amount,9)", "ge(tier,2)", "lt(amount,1e2)", "in(tier,(1,2))" },
      { "amount=10", "gt(amount,10.5)", "lt(tier,2)", "out(tier,(1,2))" })
  end)

  it("compare dates by their text", function()
    check({ "gt(start_date,2026-01-14)", "lt(start_date,2026-01-15T00:00:01+00:00)" }, { "gt(start_date,2026-01-16)" })
  end)

  it("search with * for anything, and \\* for a star", function()
    check({
      "like(item.name,Virtual*)", "like(item.name,*Machine)", "like(item.name,*l M*)",
      "like(item.name,'Virtual Machine')",
      "ilike(item.name,*MACHINE)", "like(external_billing_note,*\\*)", "like(external_billing_note,'50% off\\*')",
      "like(item.name,V*e)",
    }, {
      "like(item.name,virtual*)", "like(item.name,Machine)", "ilike(item.name,machine)", "like(item.name,*\\*)",
      "like(id,UR.1)", "like(item.name,V.*e)",
    })
  end)

  it("know null and empty", function()
    check({
      "closed_at=null()", "closed_by=null()", "ne(status,null())", "category=empty()", "in(closed_at,(null(),x))",
    },
      { "status=null()", "ne(closed_at,null())", "status=empty()", "closed_at=empty()", "category=null()" })
  end)

  it("find null unequal to every value, and neither above nor below it", function()
    check({ "ne(closed_at,x)", "out(closed_at,(x,y))", "not(closed_at=x)" },
      { "closed_at=x", "gt(closed_at,0)", "le(closed_at,z)", "like(closed_at,*)", "in(closed_at,(x))" })
  end)

  it("combine", function()
    check({
      "status=approved&tier=2", "(status=x|tier=2)", "not((status=x|tier=3))", "or(id=x,and(id=UR-1,tier=2))", "",
    },
      { "status=approved&tier=3", "(status=x|tier=3)", "not(tier=2)", "and(id=UR-1,tier=1)" })
  end)

  it("know fields that are only filters, and those of other names", function()
    check({ "hub.id=HB-0000-0000", "part_usage_file__hub__id=HB-0000-0000", "ge(usage_start_time,2026-01-15)" },
      { "hub.id=HB-1", "lt(created_time,2026-01-15)" })
  end)

  it("refuse what means nothing", function()
    local problems = {
      ["nosuch=1"] = "there is no field 'nosuch' here",
      ["item.nosuch=1"] = "there is no field 'item.nosuch' here",
      ["amount=much"] = "'much' is not a number, as amount is",
      ["in(tier,(1,x))"] = "'x' is not a number, as tier is",
      ["item=PRD-1"] = "item is an object and can't be compared with a value",
      ["params=x"] = "params is a list and can't be compared with a value",
      ["gt(status,null())"] = "gt can't compare with null()",
      ["like(status,empty())"] = "like can't search for empty()",
      ["like(amount,1*)"] = "like can't search in amount, a number",
      ["(status=x|ordering(id))"] = "ordering can't be part of another expression",
      ["not(nosuch=1)"] = "there is no field 'nosuch' here",
    }
    for query, problem in pairs(problems) do
      assert.are.same({ query, nil, problem }, { query, compile(query) })
    end
    assert.are.same({ nil, "'maybe' is neither true nor false, as outdated is" },
      { compile("outdated=maybe", "chunks") })
    assert.are.same({ nil, "gt can't compare outdated" }, { compile("gt(outdated,true)", "chunks") })
    assert.is_true(compile("outdated=false", "chunks") { outdated = false })
  end)

  it("sort by several keys, nulls last, and keep the order of equals", function()
    local a = { id = "a", n = 2, s = "x" }
    local b = { id = "b", n = 1, s = json.null }
    local c = { id = "c", n = 2, s = "w" }
    local d = { id = "d", n = 10, s = "x" }
    local function sorted(keys)
      local objects, ids = { a, b, c, d }, {}
      filter.sort(objects, keys)
      for number, object in ipairs(objects) do
        ids[number] = object.id
      end
      return table.concat(ids)
    end
    assert.are.equal("bacd", sorted { { path = { "n" }, minus = false } })
    assert.are.equal("dacb", sorted { { path = { "n" }, minus = true } })
    assert.are.equal("cadb", sorted { { path = { "s" }, minus = false } })
    assert.are.equal("dcab", sorted { { path = { "n" }, minus = true }, { path = { "s" }, minus = false } })
    assert.are.equal("abcd", sorted {})
  end)
end)
