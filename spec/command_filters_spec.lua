local filters = require "cloudblue.connect.command.filters"

describe("a filter of the command line", function()
  it("is what the API describes", function()
    for _, where in ipairs {
      "status=approved", "eq(status,approved)&ge(created_time,2026-01-01T00:00:00Z)", "in(item.id,(A,B))",
      "(status=approved;status=closed)", "not(eq(status,closed))", "usagefile.id=UF-1",
    } do
      assert.are.same({ where, where }, { where, filters.check("records", where) })
    end
    assert.are.equal("(status=valid%7Cstatus=closed)", filters.check("records", "(status=valid|status=closed)"))
    assert.are.equal("id=UFC-1", filters.check("chunks", "id=UFC-1"))
    assert.are.equal("asset.external_id=a%20b", filters.check("records", "asset.external_id=a%20b"))
  end)

  it("is refused where the service would leave it out", function()
    for where, problem in pairs {
      ["stauts=approved"] = "there is no filter 'stauts'; the nearest known one is 'status' (--any-filter sends it all "
        .. "the same)",
      ["status=approved&external_billing_id=B"] = "there is no filter 'external_billing_id' (",
      ["id=UR-1"] = "there is no filter 'id'",
    } do
      local query, found = filters.check("records", where)
      assert.is_nil(query)
      assert.are.equal("--where: " .. problem, found:sub(1, #problem + #"--where: "))
      assert.are.equal(where, filters.check("records", where, true))
    end
  end)

  it("is refused where it is empty, for it would find everything", function()
    for _, where in ipairs { "", "  " } do
      assert.are.same({ nil, "--where: the filter is empty, and would find everything" },
        { filters.check("records", where, true) })
    end
    assert.is_nil((filters.check("records", "search=''")))
    assert.are.equal("search=Ada", filters.check("records", "search=Ada"))
  end)

  it("is refused where it can't be what was meant", function()
    for where, problem in pairs {
      ["status=aproved"] = "'aproved' is no status",
      ["ge(created_time,yesterday)"] = "'yesterday' is no date, as created_time is",
      ["like(created_time,*1*)"] = "like can't be asked of created_time",
      ["status"] = "'=' expected at character 7, found the end",
      ["status=approved&limit=10"] = "limit is no filter (--limit)",
      ["offset=10"] = "offset is no filter",
      ["ordering(status)"] = "ordering is no filter (--order)",
      ["select(-item)"] = "select is no filter (--columns)",
    } do
      assert.are.same({ where, nil, "--where: " .. problem }, { where, filters.check("records", where) })
    end
    for _, where in ipairs { "a=1&&b=2", "status=a b", "status=#" } do
      local query, problem = filters.check("records", where, true)
      assert.is_nil(query)
      assert.is_truthy(problem:find("^%-%-where: "), problem)
    end
  end)
end)

describe("an ordering of the command line", function()
  it("is one that the API describes", function()
    assert.are.same({ "created_time", "status", "usage_start_time" }, filters.orderings("records"))
    assert.are.same({ "status" }, filters.readOrder("records", "status"))
    assert.are.same({ "-created_time", "+status" }, filters.readOrder("records", "-created_time, +status"))
    for order, name in pairs { ["id"] = "id", ["status,"] = "", ["status,-x"] = "x", [""] = "" } do
      assert.are.same({ nil, ("--order: there is no ordering by '%s'; there is created_time, status, usage_start_time")
        :format(name) }, { filters.readOrder("records", order) })
    end
  end)
end)
