-- The JavaScript SDK's filter objects, as Lua tables: what becomes of them, and what is refused.

local cases = require "spec.support.rql_cases"
local queries = require "spec.support.queries"
local reader = require "spec.support.rqlreader"
local rql = require "cloudblue.connect.rql"

local null = require("cjson").null
local R = rql.R
local query, refusal, refusalOf = queries.of, queries.refusal, queries.raised

--- A query's top-level terms, sorted; those of a bracket stay as they stand.
local function sortedTerms(text)
  local terms, depth, from = {}, 0, 1
  for at, character in (text .. "&"):gmatch("()([&()])") do
    if character == "(" then depth = depth + 1 end
    if character == ")" then depth = depth - 1 end
    if character == "&" and depth == 0 then
      terms[#terms + 1] = text:sub(from, at - 1)
      from = at + 1
    end
  end
  table.sort(terms)
  return terms
end

describe("a filter object of the JavaScript SDK", function()
  for _, case in ipairs(cases) do
    it("becomes " .. case.query, function()
      assert.same(sortedTerms(case.query), sortedTerms(query(case.filter)))
    end)
  end

  it("gives queries that the service's grammar can read", function()
    for _, case in ipairs(cases) do
      local tree = assert(reader.read(queries.encode(case.filter)))
      assert.equal(reader.meaning(assert(reader.read((case.query:gsub("[\\\"| ]", function(c)
        return ("%%%02X"):format(c:byte())
      end))))), reader.meaning(tree))
    end
  end)

  it("is written with its keys sorted and its lists in their order", function()
    assert.equal("a=1&b=2&gt(c,1)&lt(c,9)&in(d,(z,a,m))&limit=5&type=x",
      query {
        type = "x", limit = 5, b = 2, a = 1, c = { ["$lt"] = 9, ["$gt"] = 1 }, d = { ["$in"] = { "z", "a", "m" } },
      })
    assert.equal("ordering(b,-a)&select(-y,x)&a=1&offset=3",
      query { offset = 3, a = 1, ["$select"] = { "-y", "x" }, ["$ordering"] = { "b", "-a" } })
  end)

  it("sorts the keys inside brackets too", function()
    assert.equal("((a=1&b=2&c=3&d=4&e=5&f=6&g=7&h=8)|(z=0))",
      query { ["$or"] = { { h = 8, c = 3, f = 6, a = 1, e = 5, b = 2, g = 7, d = 4 }, { z = 0 } } })
  end)

  it("takes ge and le by both of their names", function()
    assert.equal("ge(a,1)&le(b,2)", query { a = { ["$ge"] = 1 }, b = { ["$le"] = 2 } })
    assert.equal("ge(a,1)&le(b,2)", query { a = { ["$gte"] = 1 }, b = { ["$lte"] = 2 } })
  end)

  it("writes a range with one end as that end", function()
    assert.equal("ge(a,1)", query { a = { ["$range"] = { min = 1 } } })
    assert.equal("le(a,2)", query { a = { ["$range"] = { max = 2 } } })
  end)

  it("writes null as null() and the empty text as empty(), wherever a value stands", function()
    assert.equal("a=null()", query { a = null })
    assert.equal("a=empty()", query { a = "" })
    for name, written in pairs { ["$eq"] = "eq", ["$ne"] = "ne" } do
      assert.equal(written .. "(a,null())", query { a = { [name] = null } })
      assert.equal(written .. "(a,empty())", query { a = { [name] = "" } })
      assert.equal("not(" .. written .. "(a,null()))", query { a = { ["$not"] = { [name] = null } } })
      assert.equal("not(" .. written .. "(a,empty()))", query { a = { ["$not"] = { { [name] = "" } } } })
    end
    assert.equal("in(a,(null()))", query { a = { ["$in"] = { null } } })
    assert.equal("out(a,(empty(),x))", query { a = { ["$out"] = { "", "x" } } })
    assert.equal("((a=null())|(a=empty()))", query { a = { ["$or"] = { null, "" } } })
    assert.equal("((a=null())|(b=empty()))", query { ["$or"] = { { a = null }, { b = "" } } })
    assert.equal("a=false&b=0", query { a = false, b = 0 })
  end)

  it("is no filter where it is empty, and its controls put no condition", function()
    assert.equal("", query {})
    assert.equal("", query { limit = null, offset = null, ["$ordering"] = {}, ["$select"] = "" })
    assert.equal("", query { ["$ordering"] = null, ["$select"] = {} })
  end)

  it("never leaves a condition out, whatever stands for it", function()
    local nothings = { ["the empty table"] = {}, ["null"] = null, ["the empty text"] = "", ["a list of them"] = { {} } }
    local places = {
      ["a field"] = function(x) return { a = x } end,
      ["a field in $or"] = function(x) return { ["$or"] = { { b = 1 }, { a = x } } } end,
      ["$and"] = function(x) return { ["$and"] = x } end,
      ["$or"] = function(x) return { ["$or"] = x } end,
      ["an entry of $and"] = function(x) return { ["$and"] = { { b = 1 }, x } } end,
      ["an entry of $or"] = function(x) return { ["$or"] = { x, { b = 1 } } } end,
      ["a field's $and"] = function(x) return { a = { ["$and"] = x } } end,
      ["a field's $or"] = function(x) return { a = { ["$or"] = x } } end,
      ["an entry of a field's $and"] = function(x) return { a = { ["$and"] = { 1, x } } } end,
      ["an entry of a field's $or"] = function(x) return { a = { ["$or"] = { x, 1 } } } end,
      ["$not"] = function(x) return { a = { ["$not"] = x } } end,
      ["an entry of $not"] = function(x) return { a = { ["$not"] = { { ["$eq"] = 1 }, x } } } end,
      ["$not of $not"] = function(x) return { a = { ["$not"] = { ["$not"] = x } } } end,
      ["$range"] = function(x) return { a = { ["$range"] = x } } end,
      ["min"] = function(x) return { a = { ["$range"] = { min = x, max = 1 } } } end,
      ["max"] = function(x) return { a = { ["$range"] = { min = 1, max = x } } } end,
    }
    for _, name in ipairs {
      "$eq", "$ne", "$gt", "$ge", "$gte", "$lt", "$le", "$lte", "$like", "$ilike", "$in", "$out",
    } do
      places[name] = function(x) return { a = { [name] = x } } end
      places[name .. " beside another"] = function(x) return { a = { [name] = x }, b = { ["$eq"] = 1 } } end
    end
    for place, filterOf in pairs(places) do
      for what, nothing in pairs(nothings) do
        local done, result = pcall(queries.encode, filterOf(nothing))
        local says = ("%s in %s: %s"):format(what, place, result)
        if done then
          assert.is_truthy(result:find("a=null%(%)") or result:find("a=empty%(%)")
            or result:find("%(a,null%(%)%)") or result:find("%(a,empty%(%)%)")
            or result:find("%(a,%(null%(%)%)%)") or result:find("%(a,%(empty%(%)%)%)"), says)
        else
          assert.matches("^.-bad argument #1 %(", result, says)
        end
      end
    end
  end)

  it("refuses an empty list or object where conditions should stand, and says where", function()
    local refused = {
      ["$or: an empty list"] = { ["$or"] = {} },
      ["$and: an empty list"] = { ["$and"] = {}, b = 1 },
      ["a: an empty table"] = { a = {} },
      ["$or[2]: an empty table"] = { ["$or"] = { { a = 1 }, {} } },
      ["$or[1].a: an empty table"] = { ["$or"] = { { a = {} }, { b = 1 } } },
      ["a.$or: an empty list"] = { a = { ["$or"] = {} } },
      ["a.$or[1]: an empty table"] = { a = { ["$or"] = { {}, 1 } } },
      ["a.$not: an empty list"] = { a = { ["$not"] = {} } },
      ["a.$not[2]: an empty table"] = { a = { ["$not"] = { { ["$eq"] = 1 }, {} } } },
      ["a.$range: an empty table"] = { a = { ["$range"] = {} } },
      ["id.$in: an empty list"] = { id = { ["$in"] = {} } },
      ["id.$out: an empty list"] = { id = { ["$out"] = {} } },
      ["id.$not.$in: an empty list"] = { id = { ["$not"] = { ["$in"] = {} } } },
    }
    for says, filter in pairs(refused) do
      assert.matches(says .. "; left out, the filter would match everything", refusal(filter), 1, true)
    end
  end)

  it("refuses null and the empty text where they can't be compared", function()
    for _, name in ipairs { "$gt", "$ge", "$gte", "$lt", "$le", "$lte" } do
      assert.matches("a." .. name .. ": null has no order", refusal { a = { [name] = null } }, 1, true)
      assert.matches("a." .. name .. ": null has no order", refusal { a = { [name] = "null()" } }, 1, true)
      assert.matches("a." .. name .. ": the empty text has no order", refusal { a = { [name] = "" } }, 1, true)
    end
    assert.matches("a.$range.min: null has no order", refusal { a = { ["$range"] = { min = null, max = 1 } } }, 1, true)
    assert.matches("a.$range.max: the empty text has no order", refusal { a = { ["$range"] = { max = "" } } }, 1, true)
    assert.matches("a.$range.max: null has no order", refusal { a = { ["$range"] = { max = "null()" } } }, 1, true)
    assert.matches("a.$like: the text is empty; everything would match", refusal { a = { ["$like"] = "" } }, 1, true)
    assert.matches("a.$ilike: text expected, got null", refusal { a = { ["$ilike"] = null } }, 1, true)
    assert.matches("a.$in: a list expected, got null", refusal { a = { ["$in"] = null } }, 1, true)
    assert.matches("a.$out: a list expected, got string", refusal { a = { ["$out"] = "" } }, 1, true)
    assert.matches("$or: a list expected, got null", refusal { ["$or"] = null }, 1, true)
    assert.matches("$and: a list expected, got string", refusal { ["$and"] = "" }, 1, true)
    assert.matches("$or[1]: a filter expected, got null", refusal { ["$or"] = { null } }, 1, true)
    assert.matches("a.$not: operators or a list of them expected, got null",
      refusal { a = { ["$not"] = null } }, 1, true)
    assert.matches("a.$not[1]: operators expected, got null", refusal { a = { ["$not"] = { null } } }, 1, true)
    assert.matches("limit: whole number from 0 expected, got", refusal { limit = "" }, 1, true)
  end)

  it("is read as it stands, and refused where its metatable may hold more", function()
    local inherited = { status = "approved" }
    for _, meta in ipairs {
      { __index = inherited }, { __index = function() return 1 end },
      { __pairs = function() return next, inherited end },
      { __metatable = "locked", __index = inherited },
    } do
      for path, filter in pairs {
        [""] = setmetatable({ a = 1 }, meta),
        ["a: "] = { a = setmetatable({ ["$eq"] = 1 }, meta) },
        ["a.$not: "] = { a = { ["$not"] = setmetatable({ ["$eq"] = 1 }, meta) } },
        ["a.$range: "] = { a = { ["$range"] = setmetatable({ min = 1 }, meta) } },
      } do
        assert.matches("(" .. path .. "a table whose metatable may hold more than", refusal(filter), 1, true)
      end
      assert.matches("#2 (a table whose metatable may", refusal({}, setmetatable({}, meta)), 1, true)
    end
    assert.equal("a=1", query(setmetatable({ a = 1 }, { __name = "filter", __tostring = print, __len = print })))
  end)

  it("takes a list with methods, but none with entries that only its metatable has", function()
    local List = { add = table.insert }
    List.__index = List
    assert.equal("in(a,(x,y))", query { a = { ["$in"] = setmetatable({ "x", "y" }, List) } })
    assert.equal("in(a,(x))", tostring(R.a:oneOf(setmetatable({ "x" }, List))))
    local more = setmetatable({ "x" }, { __index = { "x", "y" } })
    assert.matches("a.$in: a list expected", refusal { a = { ["$in"] = more } }, 1, true)
    assert.matches("$or: a list expected", refusal { ["$or"] = setmetatable({}, { __index = { { a = 1 } } }) }, 1, true)
    assert.matches("a list expected", refusalOf(function() R.a:oneOf(more) end), 1, true)
  end)

  it("takes null() and empty() as RQL's words, and null in a list as null()", function()
    assert.equal("a=null()&ne(b,empty())", query { a = "null()", b = { ["$ne"] = "empty()" } })
    assert.equal("in(a,(null(),empty(),null()))", query { a = { ["$in"] = { null, "empty()", "null()" } } })
    assert.equal("a=\"null()x\"", query { a = "null()x" })
  end)

  it("takes values beside operators in a field's $or and $and", function()
    assert.equal("((a=1)|(ne(a,2)))", query { a = { ["$or"] = { 1, { ["$ne"] = 2 } } } })
    assert.equal("(gt(a,1))&(lt(a,9))", query { a = { ["$and"] = { { ["$gt"] = 1 }, { ["$lt"] = 9 } } } })
  end)

  it("carries a negation down to the comparisons, as the service's not() takes nothing else", function()
    assert.equal("(not(ge(a,1))|not(le(a,2)))", query { a = { ["$not"] = { ["$range"] = { min = 1, max = 2 } } } })
    assert.equal("not(eq(a,1))&not(eq(a,2))",
      query { a = { ["$not"] = { ["$or"] = { { ["$eq"] = 1 }, { ["$eq"] = 2 } } } } })
    assert.equal("eq(a,1)", query { a = { ["$not"] = { ["$not"] = { ["$eq"] = 1 } } } })
  end)

  it("never brackets more than the service's grammar takes", function()
    local deep = { ["$or"] = { { a = 1 }, { b = 2 } } }
    for _ = 1, 5 do deep = { ["$or"] = { deep } } end
    assert.equal("(((a=1)|(b=2)))", query(deep))
    assert.equal("(not(eq(a,1))|(b=2))", query { ["$or"] = { { a = { ["$not"] = { ["$eq"] = 1 } } }, { b = 2 } } })
    assert.equal("((a=1)&(b=2))&(c=3)", query { ["$and"] = { { ["$and"] = { { a = 1 }, { b = 2 } } }, { c = 3 } } })
  end)

  it("writes many alternatives without nesting them", function()
    local function alternatives(count)
      local conditions = {}
      for index = 1, count do conditions[index] = { id = index } end
      return query { ["$or"] = conditions }
    end
    assert.equal(("("):rep(20) .. "id=1)|(id=2))|(id=3))", alternatives(20):sub(1, 41))
    assert.equal("((id=1)|(id=2)|(id=3)|", alternatives(21):sub(1, 22))
    assert.equal("|(id=4999)|(id=5000))", alternatives(5000):sub(-21))
  end)
end)

describe("a filter object is refused", function()
  local refused = {
    ["an unknown operator"] = { { a = { ["$foo"] = 1 } }, "a.$foo: unknown operator" },
    ["an unknown operator that is empty"] = { { a = { ["$foo"] = "" } }, "a.$foo: unknown operator" },
    ["an unknown operator at the top"] = { { ["$not"] = { a = 1 } }, "$not: unknown operator" },
    ["an unknown operator far inside"] = {
      { ["$or"] = { { a = 1 }, { b = { ["$not"] = { { ["$eq"] = 1 }, { ["$x"] = 1 } } } } } },
      "$or[2].b.$not[2].$x: unknown operator" },
    ["a field that is no name"] = { { ["a b"] = 1 }, '["a b"]: not a field\'s name' },
    ["a field that is no name, with no condition"] = { { ["a)"] = "" }, '["a)"]: not a field\'s name' },
    ["a field that is no name, inside"] = {
      { ["$and"] = { { ["a=1&b"] = 1 } } }, '$and[1]["a=1&b"]: not a field\'s name' },
    ["a field that the service cannot read"] = { { t = 1 }, "t: not a field's name" },
    ["a field with a name of a thousand letters"] = { { [("a"):rep(1000)] = 1 }, "not a field's name" },
    ["a field with a long name that is none"] = {
      { [(" "):rep(1000)] = 1 }, '(["' .. (" "):rep(60) .. '"]: not a field\'s name)' },
    ["a list for a field"] = { { a = { "x", "y" } }, "a: a list where an object was expected" },
    ["a list for the whole filter"] = { { { a = 1 } }, "a list where an object was expected" },
    ["an object for a list"] = { { a = { ["$in"] = { x = 1 } } }, "a.$in: a list expected" },
    ["a list with a hole"] = { { a = { ["$in"] = { 1, nil, 3 } } }, "a.$in: a list expected" },
    ["one value for a list"] = { { a = { ["$in"] = "x" } }, "a.$in: a list expected, got string" },
    ["a table for a value"] = {
      { a = { ["$eq"] = { x = 1 } } }, "a.$eq: text, number, boolean or null expected, got table" },
    ["a function for a value"] = { { a = print }, "a: text, number, boolean or null expected, got function" },
    ["a value for a filter"] = { { ["$or"] = { "x" } }, "$or[1]: a filter expected, got string" },
    ["a value for operators"] = {
      { a = { ["$not"] = "x" } }, "a.$not: operators or a list of them expected" },
    ["a range that is none"] = { { a = { ["$range"] = { mim = 1 } } }, "a.$range.mim: a range has min and max only" },
    ["a boolean to look for"] = { { a = { ["$like"] = true } }, "a.$like: text expected, got boolean" },
    ["ordering inside"] = {
      { ["$or"] = { { ["$ordering"] = "a" } } }, "$or[1].$ordering: belongs to the whole filter" },
    ["a limit inside"] = { { ["$and"] = { { a = 1, limit = 3 } } }, "$and[1].limit: belongs to the whole filter" },
    ["a condition of R for a field"] = { { a = R.a:eq(1) }, "a: a condition of connect.R stands by itself" },
    ["a condition of R inside"] = { { ["$or"] = { R.a:eq(1) } }, "$or[1]: a condition of connect.R stands by itself" },
    ["a limit that is no number"] = { { limit = "10" }, "limit: whole number from 0 expected, got 10" },
    ["a limit that is none"] = { { limit = false }, "limit: whole number from 0 expected, got false" },
    ["a broken offset"] = { { offset = 1.5 }, "offset: whole number from 0 expected, got 1.5" },
    ["a limit that is not exact as a float"] = {
      { limit = 0x1p53 }, "limit: whole number from 0 expected, got 9.007" },
    ["a negative offset"] = { { offset = -1 }, "offset: whole number from 0 expected, got -1" },
    ["an ordering by no name"] = { { ["$ordering"] = { "a", "b,c" } }, "ordering: entry 2 is not a field's name" },
    ["an ordering that is no list"] = {
      { ["$ordering"] = { by = "a" } }, "ordering: a field's name or a list of them" },
    ["a selection of no name"] = { { ["$select"] = { "--a" } }, "select: entry 1 is not a field's name" },
  }
  for what, case in pairs(refused) do
    it("for " .. what, function()
      assert.matches(case[2], refusal(case[1]), 1, true)
    end)
  end

  it("where it nests deeper than anybody writes", function()
    local function nested(depth)
      local filter = { a = 1 }
      for _ = 2, depth do filter = { ["$and"] = { filter } } end
      return filter
    end
    local function negated(depth)
      local operators = { ["$eq"] = 1 }
      for _ = 2, depth do operators = { ["$not"] = operators } end
      return { a = operators }
    end
    local function alternatives(depth)
      local operators = { ["$eq"] = 1 }
      for _ = 2, depth do operators = { ["$or"] = { operators, 2 } } end
      return { a = operators }
    end
    local function negatedInLists(depth)
      local operators = { ["$eq"] = 1 }
      for _ = 2, depth do operators = { ["$not"] = { operators } } end
      return { a = operators }
    end
    local function ranges(depth)
      local operators = { ["$range"] = { min = 1 } }
      for _ = 3, depth do operators = { ["$not"] = operators } end
      return { a = operators }
    end
    for _, filterOf in ipairs { nested, negated, negatedInLists, alternatives, ranges } do
      assert.is_true(#query(filterOf(50)) > 0)
      assert.matches("nested more than 50 deep", refusal(filterOf(51)), 1, true)
    end
  end)

  it("where it holds itself", function()
    local filter = {}
    filter["$and"] = { filter }
    assert.matches("nested more than 50 deep", refusal(filter), 1, true)
    local operators = {}
    operators["$not"] = operators
    assert.matches("nested more than 50 deep", refusal { a = operators }, 1, true)
  end)
end)
