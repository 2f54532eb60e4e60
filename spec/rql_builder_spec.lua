-- Conditions of connect.R.

local queries = require "spec.support.queries"
local reader = require "spec.support.rqlreader"
local rql = require "cloudblue.connect.rql"

local null = require("cjson").null
local R = rql.R
local query, refusalOf = queries.of, queries.raised

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
      assert.matches("^%.?/?spec/rql_builder_spec.lua:" .. line .. ": fields and conditions of connect", message)
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
    ["a second value"] = {
      function() R.a:eq("x", "y") end, "bad argument #2 to 'eq' (one argument too many: a string)" },
    ["a second value behind nil"] = {
      function() R.a:oneOf({ 1 }, nil, false) end, "bad argument #3 to 'oneOf' (one argument too many: a boolean)" },
    ["a value where there is nothing to compare with"] = {
      function() R.a:isNull(true) end, "bad argument #1 to 'isNull' (one argument too many: a boolean)" },
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
      assert.matches("^%.?/?spec/rql_builder_spec.lua:" .. line .. ": ", message)
    end)
  end
end)
