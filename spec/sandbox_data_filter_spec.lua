local fields = require "cloudblue.connect.sandbox.data.fields"
local filter = require "cloudblue.connect.sandbox.data.filter"
local json = require "cloudblue.connect.sandbox.json"
local rql = require "cloudblue.connect.sandbox.data.rql"

local RECORD = {
  id = "UR-1",
  status = "approved",
  category = "",
  start_date = "2026-01-15T00:00:00+00:00",
  end_date = json.null,
  product_id = "50% off*\\",
  item = { id = "Virtual Machine" },
  asset = { id = "", external_id = json.null },
}

local HIDDEN = { created_time = "2026-01-31T10:00:00+00:00", ["hub.id"] = "HB-1" }

local function hidden(_, name)
  return HIDDEN[name]
end

local function compile(query, collection)
  return filter.compile(assert(rql.parse(query)), fields.filters(collection or "records"), hidden)
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

  it("compare texts as they are", function()
    check({ "status=approved", "eq(item.id,'Virtual Machine')", "ne(status,closed)", "in(status,(valid,approved))" },
      { "item.id=virtual machine", "item.id=Virtual", "ne(status,approved)", "out(status,(valid,approved))" })
  end)

  it("compare times as times, however they are written", function()
    check({
      "gt(start_date,2026-01-14)", "lt(start_date,2026-01-15T00:00:01+00:00)", "start_date=2026-01-15",
      "start_date=2026-01-15T01:00:00+01:00", "ge(start_date,2026-01-15T00:00:00Z)", "ne(start_date,2026-01-16)",
      "in(start_date,(2026-01-14,2026-01-15))",
    }, { "gt(start_date,2026-01-15)", "lt(start_date,2026-01-15T00:00:00Z)", "start_date=2026-01-15T00:00:00-01:00" })
  end)

  it("search with * for anything, \\* for a star and \\\\ for a backslash", function()
    check({
      "like(item.id,Virtual*)", "like(item.id,*Machine)", "like(item.id,*l M*)", "like(item.id,'Virtual Machine')",
      "ilike(item.id,*MACHINE)", "like(product.id,*\\**)", "like(product.id,'50% off\\*\\\\')", "like(item.id,V*e)",
      "like(product.id,*\\\\)",
    }, {
      "like(item.id,virtual*)", "like(item.id,Machine)", "ilike(item.id,machine)", "like(item.id,*\\*)",
      "like(item.id,Virtual.Machine)", "like(item.id,V.*e)", "like(product.id,*\\*)",
    })
  end)

  it("know null and empty", function()
    check({
      "asset.external_id=null()", "item_id=null()", "ne(status,null())", "asset.id=empty()", "end_date=null()",
      "in(asset.external_id,(null(),x))",
    }, {
      "status=null()", "ne(asset.external_id,null())", "item.id=empty()", "asset.external_id=empty()",
      "asset.id=null()", "out(asset.external_id,(null(),x))",
    })
  end)

  it("find null unequal to every value, and neither above nor below it", function()
    check({ "ne(asset.external_id,x)", "out(asset.external_id,(x,y))", "not(asset.external_id=x)" },
      { "asset.external_id=x", "gt(end_date,2026-01-01)", "le(end_date,2026-01-01)", "like(asset.external_id,*)" })
  end)

  it("combine", function()
    check({
      "status=approved&item_id=null()", "(status=valid|item_id=null())", "not((status=valid))",
      "or(item_id=x,and(status=approved,start_date=2026-01-15))", "", "status=approved,item_id=null()",
    }, {
      "status=approved&item_id=x", "(status=valid|item_id=x)", "not(item_id=null())", "and(status=approved,item_id=x)",
      "status=approved,item_id=x",
    })
  end)

  it("know what an object does not show, and members of another name", function()
    check({ "hub.id=HB-1", "ge(usage_start_time,2026-01-15)", "created_time=2026-01-31T10:00:00Z" },
      { "hub.id=HB-2", "lt(created_time,2026-01-31)" })
  end)

  it("refuse what means nothing", function()
    local problems = {
      ["nosuch=1"] = "there is no filter 'nosuch' here",
      ["id=UR-1"] = "there is no filter 'id' here",
      ["not(external_billing_id=1)"] = "there is no filter 'external_billing_id' here",
      ["item=PRD-1"] = "there is no filter 'item' here",
      ["gt(status,approved)"] = "gt can't be asked of status",
      ["like(start_date,2026*)"] = "like can't be asked of start_date",
      ["status=aproved"] = "'aproved' is no status",
      ["in(status,(approved,Closed))"] = "'Closed' is no status",
      ["start_date=yesterday"] = "'yesterday' is no date, as start_date is",
      ["ge(start_date,2026-13-01)"] = "'2026-13-01' is no date, as start_date is",
      ["usagefile.schema=null()"] = "usagefile.schema is never null",
      ["start_date=empty()"] = "start_date is never empty",
      ["status=empty()"] = "status is never empty",
      ["gt(start_date,null())"] = "gt can't compare with null()",
      ["like(item.id,empty())"] = "like can't search for empty()",
      ["like(item.id,a**)"] = "like can't search for two stars in a row",
      ["(status=valid|ordering(status))"] = "ordering can't be part of another expression",
    }
    for query, problem in pairs(problems) do
      assert.are.same({ query, nil, problem }, { query, compile(query) })
    end
    assert.is_truthy(compile("like(item.id,*\\**)"))
  end)

  it("leave out what doesn't exist, whatever it is part of, where they are told to", function()
    local function known(query)
      local node = filter.known(assert(rql.parse(query)), fields.filters("records"))
      return node and assert(filter.compile(node, fields.filters("records"), hidden))(RECORD)
    end
    assert.is_nil(known "nosuch=1")
    assert.is_nil(known "not(nosuch=1)&(a=1|b=2)")
    assert.is_true(known "nosuch=1&status=approved")
    assert.is_false(known "(nosuch=1|status=valid)")
    assert.is_true(known "(not(in(nosuch,(1,2)))|status=approved)")
    assert.is_false(known "(not(nosuch=1)|not(status=approved))")
  end)
end)
