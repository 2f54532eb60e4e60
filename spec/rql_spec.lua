local rql = require "cloudblue.connect.rql"
local cases = require "spec.support.rql_cases"
local child = require "spec.support.child"
local locales = require "spec.support.locales"
local reader = require "spec.support.rqlreader"

local null = require("cjson").null
local R = rql.R

--- The query as the service sees it.
local function query(filters, options)
  return reader.decode(rql.encode(filters, options))
end

--- What `encode` says of a filter that it refuses.
local function refusal(filters, options)
  local done, message = pcall(rql.encode, filters, options)
  assert.is_false(done)
  return message
end

local function refusalOf(work)
  local done, message = pcall(work)
  assert.is_false(done)
  return message
end

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
      local tree = assert(reader.read(rql.encode(case.filter)))
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
        local done, result = pcall(rql.encode, filterOf(nothing))
        local says = ("%s in %s: %s"):format(what, place, result)
        if done then
          assert.is_truthy(result:find("a=null%(%)") or result:find("a=empty%(%)")
            or result:find("%(a,null%(%)%)") or result:find("%(a,empty%(%)%)")
            or result:find("%(a,%(null%(%)%)%)") or result:find("%(a,%(empty%(%)%)%)"), says)
        else
          assert.matches("^.-bad argument #1 to 'encode' %(", result, says)
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
      assert.matches("#2 to 'encode' (a table whose metatable may", refusal({}, setmetatable({}, meta)), 1, true)
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

  it("where it is no filter at all", function()
    for _, value in ipairs { 1, true, print, null } do
      assert.matches("bad argument #1 to 'encode' (filter (table, condition of connect.R or string) expected",
        refusal(value), 1, true)
    end
    assert.matches("a field without a comparison", refusal(R.status), 1, true)
    assert.matches("a field without a comparison", refusal(R), 1, true)
  end)

  it("with the caller's place in the message", function()
    local message = refusalOf(function()
      local result = rql.encode { a = { ["$foo"] = 1 } }
      return result
    end)
    assert.matches("^spec/rql_spec.lua:%d+: bad argument #1", (message:gsub("^%./", "")))
  end)
end)

describe("a value", function()
  it("stands bare where it is a plain word", function()
    local words = { "approved", "UR-1", "2024-01-31T10:00:00+03:00", "a@b.com", "x*y", "a\\b", "-1", "+2", "_" }
    for _, value in ipairs(words) do
      assert.equal("a=" .. value, query { a = value })
    end
  end)

  it("is quoted where it is not", function()
    local texts = { "two words", "a,b", "(a)", "a=b", "a&b", "a|b", "a;b", "it's", "a#b", "50%", "текст", "~", "%22",
      ":a", "t", "?" }
    for _, value in ipairs(texts) do
      assert.equal('a="' .. value .. '"', query { a = value })
    end
    assert.equal("a='say \"hi\"'", query { a = 'say "hi"' })
  end)

  it("is percent-encoded but for what a URL may carry", function()
    assert.equal("a=%22x%26b%3D1%23%25%2B%7C%28%29%2C%22", rql.encode { a = "x&b=1#%+|()," })
    assert.equal("a=%22%C3%A9%22", rql.encode { a = "é" })
    assert.equal("a=2024-01-31T10:00:00%2B03:00", rql.encode { a = "2024-01-31T10:00:00+03:00" })
    assert.equal("((a=1)%7C(b=2))", rql.encode { ["$or"] = { { a = 1 }, { b = 2 } } })
    assert.equal("ordering(%2Ba,-b)", rql.encode { ["$ordering"] = { "+a", "-b" } })
  end)

  it("is refused where it holds both kinds of quotation marks", function()
    assert.matches("a: the text holds both kinds of quotation marks", refusal { a = [["it's"]] }, 1, true)
  end)

  it("is refused where it holds a control character", function()
    for _, character in ipairs { "\0", "\t", "\r", "\n", "\31", "\127" } do
      assert.matches("a: the text holds a control character", refusal { a = "x" .. character }, 1, true)
    end
  end)

  it("is refused where it is not UTF-8", function()
    local bad = { "\xFF", "\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\x80", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
      "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xC3", "\xF0\x9F\x98", "\xE2\x28\xA1", "\xE2\x82\x28",
      "\xE2\x82\xC2", "\xF0\x9F\x98\x28", "\xF0\x9F\x98\xC2", "\xF0\x9F\x28\x80", "\xC3\xC3" }
    for _, bytes in ipairs(bad) do
      assert.matches("a: the text is not UTF-8 (byte 3)", refusal { a = "xy" .. bytes }, 1, true)
    end
    local good = { "\xC2\x80", "\xDF\xBF", "\xEF\xBF\xBD",
      "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80",
      "\xF4\x8F\xBF\xBF" }
    for _, bytes in ipairs(good) do
      assert.equal('a="' .. bytes .. '"', query { a = bytes })
    end
  end)

  it("is a number that reads back as the same", function()
    local written = { [0.5] = "0.5", [1e20] = "100000000000000000000", [-3] = "-3", [0.1] = "0.1",
      [1 / 3] = "0.3333333333333333", [2.0] = "2", [1234567890123.45] = "1234567890123.45", [-12.75] = "-12.75",
      [2 ^ 51 + 0.5] = "2251799813685248.5", [2 ^ 53] = "9007199254740992", [2 ^ 53 + 2] = "9007199254740994",
      [math.maxinteger] = "9223372036854775807", [math.mininteger] = "-9223372036854775808", [-0.0] = "0" }
    for number, text in pairs(written) do
      assert.equal("a=" .. text, query { a = number })
      assert.equal(number, tonumber(text))
    end
    assert.equal("a=9007199254740993", query { a = 2 ^ 53 | 1 })
    assert.equal("like(a,*1.5*)", query { a = { ["$like"] = 1.5 } })
  end)

  it("is a number without an exponent, which the service would cut off a decimal", function()
    local written = { [1e-7] = "0.0000001", [-1.2345e-07] = "-0.00000012345", [1.5e-10] = "0.00000000015",
      [0.05] = "0.05", [1e300] = ("%.0f"):format(1e300), [5e-324] = "0." .. ("0"):rep(323) .. "494065645841247" }
    for number, text in pairs(written) do
      assert.equal("a=" .. text, query { a = number })
      assert.equal(number, tonumber(text))
      assert.equal("eq(a," .. text .. ")", tostring(R.a:eq(number)))
    end
  end)

  it("is no NaN and no infinity", function()
    for _, number in ipairs { 0 / 0, 1 / 0, -1 / 0 } do
      assert.matches("a: NaN and infinity have no place in a query", refusal { a = number }, 1, true)
      assert.matches("a.$like: NaN and infinity", refusal { a = { ["$like"] = number } }, 1, true)
    end
  end)

  it("to look for anywhere keeps its stars and backslashes", function()
    assert.equal("like(a,*x\\*\\\\*)", query { a = { ["$like"] = "x*\\" } })
    local tree = assert(reader.read(rql.encode { a = { ["$like"] = "\\*" } }))
    assert.equal(reader.ANY .. "\\*" .. reader.ANY, tree[3])
  end)
end)

describe("a filter given as a query", function()
  it("passes as it stands", function()
    assert.equal("status=approved&in(id,(a,b))", rql.encode "status=approved&in(id,(a,b))")
    assert.equal("a=%22x%26y%22&b='c'", rql.encode "a=%22x%26y%22&b='c'")
  end)

  it("has the bytes encoded that a URL cannot carry", function()
    assert.equal("(a=1%7Cb=%22%C3%A9%5C%22)", rql.encode '(a=1|b="é\\")')
  end)

  it("is not changed by another encoding", function()
    local once = rql.encode { a = "x&y|é\"", ["$or"] = { { b = 1 }, { c = "a'b" } } }
    assert.equal(once, rql.encode(once))
  end)

  it("is refused where it is none", function()
    -- The rules are those of cbc_url_check_query; spec/query_spec.lua has them all.
    assert.matches("bad argument #1 to 'encode' (the query has a space (0x20) at byte 4)", refusal "a=b c", 1, true)
    assert.matches("(the query begins with '?', which stands before a query)", refusal "?a=1", 1, true)
    assert.matches("(the query is not UTF-8)", refusal "a=\xFF", 1, true)
    assert.matches("(the query has an empty condition beside the '&' at byte 4)",
      refusal("a=1&", { limit = 1 }), 1, true)
  end)
end)

describe("a condition of R", function()
  it("compares", function()
    assert.equal("eq(status,approved)", tostring(R.status:eq "approved"))
    assert.equal("ne(a,1)", tostring(R.a:ne(1)))
    assert.equal("gt(a,1)", tostring(R.a:gt(1)))
    assert.equal("ge(a,1)", tostring(R.a:ge(1)))
    assert.equal("lt(a,1)", tostring(R.a:lt(1)))
    assert.equal("le(a,1)", tostring(R.a:le(1)))
    assert.equal("in(a.b.c,(x,1,true,null()))", tostring(R.a.b.c:oneOf { "x", 1, true, null }))
    assert.equal("out(a,(x))", tostring(R.a:noneOf { "x" }))
    assert.equal("like(a,*x*)", tostring(R.a:like "x"))
    assert.equal("ilike(a,*x\\**)", reader.decode(tostring(R.a:ilike "x*")))
    assert.equal("eq(a,null())", tostring(R.a:isNull()))
    assert.equal("eq(a,empty())", tostring(R.a:isEmpty()))
    assert.equal("eq(a,null())", tostring(R.a:eq(null)))
    assert.equal("ne(a,false)", tostring(R.a:ne(false)))
  end)

  it("reaches every field, whatever its name", function()
    local long = ("n"):rep(255)
    assert.equal("eq(" .. long .. ",1)", tostring(R[long]:eq(1)))
    assert.matches("is not a field's name", refusalOf(function() return R[long .. "n"] end), 1, true)
    assert.equal("eq(like,1)", tostring(R.like:eq(1)))
    assert.equal("eq(a.eq,1)", tostring(R["a.eq"]:eq(1)))
    assert.equal("eq(a.eq.b,1)", tostring(R("a.eq").b:eq(1)))
    assert.equal("a.b-c", tostring(R.a["b-c"]))
  end)

  it("joins with the precedence that Lua's operators have", function()
    local a, b, c, d = R.a:eq(1), R.b:eq(2), R.c:eq(3), R.d:eq(4)
    local function text(condition) return reader.decode(tostring(condition)) end
    assert.equal("eq(a,1)&eq(b,2)", text(a & b))
    assert.equal("(eq(a,1)|eq(b,2))", text(a | b))
    assert.equal("((eq(a,1)&eq(b,2))|eq(c,3))", text(a & b | c))
    assert.equal("(eq(a,1)|(eq(b,2)&eq(c,3)))", text(a | b & c))
    assert.equal("(eq(a,1)|eq(b,2))&eq(c,3)", text((a | b) & c))
    assert.equal("not(eq(a,1))&eq(b,2)", text(~a & b))
    assert.equal("eq(a,1)&eq(b,2)&eq(c,3)&eq(d,4)", text((a & b) & (c & d)))
    assert.equal("(eq(a,1)|eq(b,2)|eq(c,3)|eq(d,4))", text((a | b) | (c | d)))
    assert.equal("((eq(status,approved)&in(asset.external_uid,(x,y)))|not(eq(closed_at,null())))",
      text(R.status:eq("approved") & R.asset.external_uid:oneOf { "x", "y" } | ~R.closed_at:isNull()))
  end)

  it("is negated at its comparisons", function()
    local a, b, c = R.a:eq(1), R.b:eq(2), R.c:eq(3)
    local function text(condition) return reader.decode(tostring(condition)) end
    assert.equal("(not(eq(a,1))|not(eq(b,2)))", text(~(a & b)))
    assert.equal("not(eq(a,1))&not(eq(b,2))", text(~(a | b)))
    assert.equal("eq(a,1)", text(~~a))
    assert.equal("(not(eq(a,1))&not(eq(b,2)))", text(~(a | b) | c):match("^%((.-%))|"))
    assert.equal("eq(a,1)&eq(b,2)", text(~~(a & b)))
  end)

  it("takes a text for a text", function()
    assert.equal('eq(a,"null()")', reader.decode(tostring(R.a:eq "null()")))
    assert.equal('in(a,("null()"))', reader.decode(tostring(R.a:oneOf { "null()" })))
    assert.matches("takes this text for its word empty()", refusalOf(function() R.a:eq "empty()" end), 1, true)
  end)

  it("takes the empty text for empty(), and null for null()", function()
    assert.equal("eq(a,empty())", tostring(R.a:eq ""))
    assert.equal("ne(a,empty())", tostring(R.a:ne ""))
    assert.equal("in(a,(empty(),null()))", tostring(R.a:oneOf { "", null }))
    assert.equal("out(a,(empty()))", tostring(R.a:noneOf { "" }))
    assert.equal("not(eq(a,empty()))", tostring(~R.a:eq ""))
  end)

  it("cannot be changed", function()
    local condition = R.a:eq(1)
    for _, object in ipairs { R, R.a, condition } do
      local line = debug.getinfo(1, "l").currentline + 1
      local message = refusalOf(function() object.x = 1 end)
      assert.matches("^%.?/?spec/rql_spec.lua:" .. line .. ": fields and conditions of connect.R cannot be", message)
      assert.is_false(getmetatable(object))
    end
    local _ = condition & R.b:eq(2)
    assert.equal("eq(a,1)", tostring(condition))
  end)

  it("goes wherever filters go, with options beside it", function()
    assert.equal("eq(a,1)&ordering(-b)&select(c)&limit=5&offset=10",
      query(R.a:eq(1), { offset = 10, limit = 5, select = "c", ordering = { "-b" } }))
    assert.equal("(eq(a,1)|eq(b,2))&limit=5", query(R.a:eq(1) | R.b:eq(2), { limit = 5 }))
  end)

  local misuse = {
    ["a method called with a dot"] = {
      function() R.a.eq(1) end, "bad self of 'eq' (call it with a colon: R.field:eq)" },
    ["no value"] = {
      function() R.a:eq() end, "bad argument #1 to 'eq' (text, number, boolean or null expected, got nil)" },
    ["a table"] = {
      function() R.a:gt {} end, "bad argument #1 to 'gt' (text, number, boolean or null expected, got table)" },
    ["an order for null"] = { function() R.a:lt(null) end, "bad argument #1 to 'lt' (null has no order)" },
    ["an order for the empty text"] = {
      function() R.a:ge "" end, "bad argument #1 to 'ge' (the empty text has no order)" },
    ["an empty list"] = {
      function() R.a:oneOf {} end,
      "bad argument #1 to 'oneOf' (an empty list; left out, the filter would match everything)" },
    ["no list"] = { function() R.a:noneOf "x" end, "bad argument #1 to 'noneOf' (a list expected, got string)" },
    ["null for a list"] = { function() R.a:oneOf(null) end, "bad argument #1 to 'oneOf' (a list expected, got null)" },
    ["a list with a hole"] = {
      function() R.a:oneOf { "a", nil, "c" } end, "bad argument #1 to 'oneOf' (a list expected, got table)" },
    ["NaN"] = { function() R.a:eq(0 / 0) end, "bad argument #1 to 'eq' (NaN and infinity have no place in a query)" },
    ["the page's limit for a field"] = {
      function() R.limit:eq(5) end, "limit is an option beside the filter, and no field" },
    ["the page's offset for a field"] = {
      function() R.offset:oneOf { 5 } end, "offset is an option beside the filter, and no field" },
    ["no text to look for"] = { function() R.a:like() end, "bad argument #1 to 'like' (text expected, got nil)" },
    ["a bad entry"] = { function() R.a:oneOf { "x", {} } end, "bad argument #1 to 'oneOf' (entry 2: text, number" },
    ["nothing to look for"] = { function() R.a:like "" end, "bad argument #1 to 'like' (the text is empty" },
    ["both quotation marks"] = {
      function() R.a:ilike "'\"" end, "bad argument #1 to 'ilike' (the text holds both kinds" },
    ["a name that is none"] = { function() return R["a b"] end, '"a b" is not a field\'s name' },
    ["an inner name that is none"] = { function() return R.a["1"], R.a["b c"] end, '"a.b c" is not a field\'s name' },
    ["a number for a name"] = { function() return R.a[1] end, "a field's name is a string, got number" },
    ["a name of another type"] = { function() local name = R(nil) return name end, '"nil" is not a field\'s name' },
    ["a field for a condition"] = {
      function() return R.a & R.b:eq(1) end, "a field needs a comparison before it is joined: R.a" },
    ["a field negated"] = { function() return ~R.a end, "a field needs a comparison" },
    ["a condition with a value"] = {
      function() return R.a:eq(1) | 3 end, "bad operand of '|' (condition expected, got number)" },
    ["a condition with a field"] = {
      function() return R.a:eq(1) & R.b end,
      "bad operand of '&' (condition expected, got field b without a comparison)" },
  }
  for what, case in pairs(misuse) do
    it("refuses " .. what, function()
      local message = refusalOf(function() local result = case[1]() return result end)
      assert.matches(case[2], message, 1, true)
      -- At the line of the case, where the method was called.
      local line = debug.getinfo(case[1], "S").linedefined
      assert.matches("^%.?/?spec/rql_spec.lua:" .. line .. ": ", message)
    end)
  end
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
    for name, queries in pairs {
      limit = { "limit=5", "a=1&limit=5", "a=1,limit=5", "a=%22x%22&%6Cimit=5", "(limit=5)", "eq(limit,5)",
        "limit=eq=5", "or(a=1,limit=5)", "(a=1%7Climit=5)", "a='&'&limit=5" },
      offset = { "offset=0", "a=1&eq(offset,5)" },
      ordering = { "ordering(a)", "a=1&ordering(-b)", "and(a=1,ordering(b))" },
      select = { "select(-a)" },
    } do
      for _, ready in ipairs(queries) do
        assert.matches("#2 to 'encode' (" .. name .. ": stands in the filter too)",
          refusal(ready, { [name] = (name == "limit" or name == "offset") and 1 or "x" }), 1, true)
      end
    end
  end)

  it("stand beside a ready query that only looks as if it held the same", function()
    for _, ready in ipairs {
      "credit_limit=5", "a=limit", "name='&limit=5'", "name=%22&limit=5%22", "in(a,(limit,x))", "eq(a,limit)",
      "limits=5", "a.limit=5", "name='it%22&limit=1'", "ordering(limit)", "like(a,limit)",
    } do
      assert.equal(ready .. "&limit=7", rql.encode(ready, { limit = 7 }))
    end
    assert.equal("ordering=1&ordering(a)", rql.encode("ordering=1", { ordering = "a" }))
    assert.equal("limit=1&ordering(a)&offset=2", rql.encode("limit=1&ordering(a)", { offset = 2 }))
  end)

  it("are refused where they are unknown, of the wrong type or given twice", function()
    assert.matches("bad argument #2 to 'encode' (unknown option 'order'; the nearest known one is 'ordering')",
      refusal(nil, { order = "a" }), 1, true)
    assert.matches("bad argument #2 to 'encode' (unknown option 'size')", refusal(nil, { size = 5 }), 1, true)
    assert.matches("bad argument #2 to 'encode' (options are a table of names", refusal(nil, { "limit" }), 1, true)
    assert.matches("bad argument #2 to 'encode' (table expected, got null)", refusal(nil, null), 1, true)
    assert.matches("bad argument #2 to 'encode' (table expected, got string)", refusal(nil, "a"), 1, true)
    assert.matches("#2 to 'encode' (limit: whole number from 0 expected", refusal(nil, { limit = -1 }), 1, true)
    assert.matches("#2 to 'encode' (ordering: a field's name or a list of them expected, got number)",
      refusal(nil, { ordering = 1 }), 1, true)
    assert.matches("#2 to 'encode' (limit: stands in the filter too)", refusal({ limit = 5 }, { limit = 5 }), 1, true)
    assert.matches("#2 to 'encode' (ordering: stands in the filter too)",
      refusal({ ["$ordering"] = "a" }, { ordering = "a" }), 1, true)
  end)
end)

describe("rql.tryEncode", function()
  it("gives the query, or which argument is wrong and why", function()
    assert.equal("a=1", rql.tryEncode { a = 1 })
    assert.same({ nil, 1, "a.$x: unknown operator" }, { rql.tryEncode { a = { ["$x"] = 1 } } })
    assert.same({ nil, 2, "unknown option 'x'" },
      { rql.tryEncode({}, { x = 1 }) })
  end)

  it("lets errors through that are no refusals", function()
    local broken = setmetatable({}, { __tostring = function() error("not ours", 0) end })
    assert.equal("not ours", refusalOf(function() rql.tryEncode(nil, { limit = broken }) end))
  end)
end)

describe("numbers of a query", function()
  it("are the same in every locale", function()
    local script = [[
      local rql = require "cloudblue.connect.rql"
      local filter = { a = 0.5, b = 0.1, c = -1.25e-7, d = 1e300, e = 7.0 }
      local plain = rql.encode(filter)
      math.randomseed(20260101)
      local numbers = {}
      for index = 1, 2000 do numbers[index] = (math.random() - 0.5) * 10.0 ^ math.random(-30, 30) end
      local more = rql.encode { x = { ["$in"] = numbers } }
      local at = 0
      for written in more:gmatch "[-0-9.]+" do
        at = at + 1
        assert(tonumber(written) == numbers[at], written)
      end
      assert(at == #numbers)
      assert(os.setlocale "%s")
      assert(tostring(5 / 10) ~= "0.5", "the locale is not in effect")
      assert(more == rql.encode { x = { ["$in"] = numbers } })
      print(plain)
      print(rql.encode(filter))
    ]]
    for _, name in ipairs { "comma", "wide" } do
      local plain, other = child.run(script:format(name), locales.environment()):match "^([^\n]*)\n([^\n]*)\n$"
      assert.matches("a=0.5&b=0.1&c=-0.000000125&d=1000000", plain, 1, true)
      assert.equal(plain, other)
    end
  end)
end)
