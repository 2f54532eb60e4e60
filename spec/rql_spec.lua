-- The query of a filter and of the options beside it.

local queries = require "spec.support.queries"
local rql = require "cloudblue.connect.rql"

local null = require("cjson").null
local R = rql.R
local query, refusal, refusalOf = queries.of, queries.refusal, queries.raised

describe("a filter", function()
  it("is refused where it is none", function()
    for _, value in ipairs { 1, true, print, null } do
      assert.matches("bad argument #1 (filter (table, condition of connect.R or string) expected",
        refusal(value), 1, true)
    end
    assert.matches("a field without a comparison", refusal(R.status), 1, true)
    assert.matches("a field without a comparison", refusal(R), 1, true)
  end)
end)

describe("a filter given as a query", function()
  it("passes as it stands", function()
    assert.equal("status=approved&in(id,(a,b))", queries.encode "status=approved&in(id,(a,b))")
    assert.equal("a=%22x%26y%22&b='c'", queries.encode "a=%22x%26y%22&b='c'")
  end)

  it("has the bytes encoded that a URL cannot carry", function()
    assert.equal("(a=1%7Cb=%22%C3%A9%5C%22)", queries.encode '(a=1|b="é\\")')
  end)

  it("is not changed by another encoding", function()
    local once = queries.encode { a = "x&y|é\"", ["$or"] = { { b = 1 }, { c = "a'b" } } }
    assert.equal(once, queries.encode(once))
  end)

  it("is refused where it is none", function()
    -- The rules are those of cbc_url_check_query; spec/query_spec.lua has them all.
    assert.matches("bad argument #1 (the query has a space (0x20) at byte 4)", refusal "a=b c", 1, true)
    assert.matches("(the query begins with '?', which stands before a query)", refusal "?a=1", 1, true)
    assert.matches("(the query is not UTF-8)", refusal "a=\xFF", 1, true)
    assert.matches("(the query has an empty condition beside the '&' at byte 4)",
      refusal("a=1&", { limit = 1 }), 1, true)
  end)
end)

describe("the options beside a filter", function()
  it("stand among a filter object's keys, sorted", function()
    assert.equal("ordering(-b)&a=1&limit=5&status=x", query({ status = "x", a = 1 }, { limit = 5.0, ordering = "-b" }))
  end)

  it("follow a ready query", function()
    assert.equal("status=x&limit=5", query("status=x", { limit = 5 }))
    assert.equal("limit=0", query(nil, { limit = 0 }))
    assert.equal("offset=9007199254740991", query(nil, { offset = 0x1p53 - 1 }))
    assert.equal("", query(nil, {}))
    assert.equal("", query("", { ordering = {}, limit = null }))
  end)

  it("are refused where a ready query holds the same itself", function()
    for name, ready in pairs {
      limit = { "limit=5", "a=1&limit=5", "a=1,limit=5", "a=%22x%22&%6Cimit=5", "(limit=5)", "eq(limit,5)",
        "limit=eq=5", "or(a=1,limit=5)", "(a=1%7Climit=5)", "a='&'&limit=5" },
      offset = { "offset=0", "a=1&eq(offset,5)" },
      ordering = { "ordering(a)", "a=1&ordering(-b)", "and(a=1,ordering(b))" },
      select = { "select(-a)" },
    } do
      for _, held in ipairs(ready) do
        assert.matches("#2 (" .. name .. ": stands in the filter too)",
          refusal(held, { [name] = (name == "limit" or name == "offset") and 1 or "x" }), 1, true)
      end
    end
  end)

  it("stand beside a ready query that only looks as if it held the same", function()
    for _, ready in ipairs {
      "credit_limit=5", "a=limit", "name='&limit=5'", "name=%22&limit=5%22", "in(a,(limit,x))", "eq(a,limit)",
      "limits=5", "a.limit=5", "name='it%22&limit=1'", "ordering(limit)", "like(a,limit)",
    } do
      assert.equal(ready .. "&limit=7", queries.encode(ready, { limit = 7 }))
    end
    assert.equal("ordering=1&ordering(a)", queries.encode("ordering=1", { ordering = "a" }))
    assert.equal("limit=1&ordering(a)&offset=2", queries.encode("limit=1&ordering(a)", { offset = 2 }))
  end)

  it("are refused where they are unknown, of the wrong type or given twice", function()
    assert.matches("bad argument #2 (unknown option 'order'; the nearest known one is 'ordering')",
      refusal(nil, { order = "a" }), 1, true)
    assert.matches("bad argument #2 (unknown option 'size')", refusal(nil, { size = 5 }), 1, true)
    assert.matches("bad argument #2 (options are a table of names", refusal(nil, { "limit" }), 1, true)
    assert.matches("bad argument #2 (table expected, got null)", refusal(nil, null), 1, true)
    assert.matches("bad argument #2 (table expected, got string)", refusal(nil, "a"), 1, true)
    assert.matches("#2 (limit: whole number from 0 expected", refusal(nil, { limit = -1 }), 1, true)
    assert.matches("#2 (ordering: a field's name or a list of them expected, got number)",
      refusal(nil, { ordering = 1 }), 1, true)
    assert.matches("#2 (limit: stands in the filter too)", refusal({ limit = 5 }, { limit = 5 }), 1, true)
    assert.matches("#2 (ordering: stands in the filter too)",
      refusal({ ["$ordering"] = "a" }, { ordering = "a" }), 1, true)
  end)
end)

describe("rql.encode", function()
  it("gives the query, or which argument is wrong and why", function()
    assert.equal("a=1", rql.encode { a = 1 })
    assert.same({ nil, 1, "a.$x: unknown operator" }, { rql.encode { a = { ["$x"] = 1 } } })
    assert.same({ nil, 2, "unknown option 'x'" },
      { rql.encode({}, { x = 1 }) })
  end)

  it("lets errors through that are no refusals", function()
    local broken = setmetatable({}, { __tostring = function() error("not ours", 0) end })
    assert.equal("not ours", refusalOf(function() rql.encode(nil, { limit = broken }) end))
  end)
end)
