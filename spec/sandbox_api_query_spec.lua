local fields = require "cloudblue.connect.sandbox.data.fields"
local query = require "cloudblue.connect.sandbox.api.query"

local KNOWN = { filters = fields.filters("files"), selects = fields.selects("files") }

local function plan(text, lenient)
  return query.plan(text, KNOWN, not lenient, function() end)
end

describe("the sandbox's list queries", function()
  it("ask for the first 100 of all unless they say otherwise", function()
    local planned = plan ""
    assert.are.same({ 100, 0 }, { planned.limit, planned.offset })
    assert.is_nil(planned.test)
    assert.is_nil(planned.ordering)
  end)

  it("say limit and offset, at most 1000 entries", function()
    local planned = plan "limit=7&offset=1234"
    assert.are.same({ 7, 1234 }, { planned.limit, planned.offset })
    assert.are.equal(1000, plan("limit=1001").limit)
    assert.are.equal(0, plan("limit=0").limit)
  end)

  it("order and select by what the description has", function()
    local planned = plan "ordering(-created.at,id)&select(-vendor,product.id)"
    assert.are.same({ "created.at", true, "id", false }, {
      planned.ordering[1].field.name, planned.ordering[1].minus,
      planned.ordering[2].field.name, planned.ordering[2].minus,
    })
    assert.are.same({ { path = { "vendor" }, minus = true }, { path = { "product", "id" }, minus = false } },
      planned.select)
  end)

  it("search in all fields that are searched", function()
    local test = plan("search=janu").test
    assert.is_true(test { name = "Usage of January" })
    assert.is_true(test { external_id = "JANUARY" })
    assert.is_false(test { name = "Usage of May", status = "janu" })
    assert.is_nil(plan('search=""').test)
  end)

  it("leave out a filter that doesn't exist only where they may", function()
    assert.are.same({ nil, "there is no filter 'nam' here" }, { plan "nam=x" })
    assert.is_nil(plan("nam=x", true).test)
    assert.is_false(plan("nam=x&name=y", true).test { name = "x" })
  end)

  it("undo percent-encoding before anything else", function()
    assert.is_true(plan("in%28name%2C%28x%2C%22y%20z%22%29%29").test { name = "y z" })
  end)

  it("are refused where they mean nothing, a lenient service's too", function()
    for text, problem in pairs {
      ["limit=-1"] = "limit must be an integer that is not negative",
      ["offset=x"] = "offset must be an integer that is not negative",
      ["gt(limit,1)"] = "limit must be an integer that is not negative",
      ["limit=1&limit=2"] = "limit stands there twice",
      ["ordering(name)"] = "there is no ordering by 'name' here",
      ["ordering(nosuch)"] = "there is no ordering by 'nosuch' here",
      ["ordering(id,id,id,id,id,id)"] = "there may be 5 orderings at most",
      ["ordering(id)&ordering(id)"] = "ordering stands there twice",
      ["select(-records)"] = "there is no select of 'records' here",
      ["select(nosuch)"] = "there is no select of 'nosuch' here",
      ["select(-id)&select(-id)"] = "select stands there twice",
      ["ne(search,x)"] = "search takes a text",
      ["search=null()"] = "search takes a text",
      ["status=x"] = "'x' is no status",
      ["name"] = "'=' expected at character 5, found the end",
    } do
      assert.are.same({ text, nil, problem }, { text, plan(text) })
      assert.are.same({ text, nil, problem }, { text, plan(text, true) })
    end
  end)
end)
