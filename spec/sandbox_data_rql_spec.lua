local rql = require "cloudblue.connect.sandbox.data.rql"

--- A tree in one line, so that the expectations read like formulas.
local function written(node)
  if type(node) ~= "table" or node == rql.NULL or node == rql.EMPTY then
    return type(node) == "string" and string.format("%q", node) or tostring(node)
  end
  local parts = { node.field }
  for _, term in ipairs(node) do
    parts[#parts + 1] = written(term)
  end
  for _, value in ipairs(node.values or { node.value }) do
    parts[#parts + 1] = written(value)
  end
  for _, field in ipairs(node.fields or {}) do
    parts[#parts + 1] = (field.minus and "-" or "+") .. field.name
  end
  return node.op .. "(" .. table.concat(parts, " ") .. ")"
end

local function parsed(query)
  return written(assert(rql.parse(query)))
end

describe("the sandbox's RQL reader", function()
  it("reads nothing as no condition", function()
    assert.are.equal("and()", parsed(""))
  end)

  it("reads comparisons in each of their forms", function()
    assert.are.equal('and(eq(name "eugene") eq(age "13"))', parsed("name=eugene&age=13"))
    assert.are.equal('and(ge(age "9") le(age "5"))', parsed("ge(age,9)&le(age,5)"))
    assert.are.equal('and(lt(a.b.c "4") like(d "*x*"))', parsed("a.b.c=lt=4,d=like=*x*"))
    assert.are.equal('and(ne(a "b"))', parsed("ne(a,b)"))
  end)

  it("reads all, written in each of its ways", function()
    for _, query in ipairs { "a=1&b=2&c=3", "a=1,b=2,c=3", "and(a=1,b=2,c=3)", "a=1,b=2&c=3" } do
      assert.are.equal('and(eq(a "1") eq(b "2") eq(c "3"))', parsed(query))
    end
    assert.are.equal('and(or(eq(d "4") and(eq(a "1") eq(b "2"))))', parsed("(d=4|(a=1,b=2))"))
  end)

  it("reads lists", function()
    assert.are.equal('and(out(age "1" "2") in(id "UR-1" "x y"))', parsed("out(age,(1,2))&in(id,(UR-1,'x y'))"))
  end)

  it("reads searches with their stars as they are", function()
    assert.are.equal([[and(like(name "*vasya\\**") ilike(name "*\\*\\*New*"))]],
      parsed([[like(name,*vasya\**)&ilike(name,*\*\*New*)]]))
  end)

  it("reads null() and empty(), and the same words in quotes as words", function()
    assert.are.equal('and(eq(a null()) ne(b empty()) eq(c "null()"))', parsed('a=null()&ne(b,empty())&c="null()"'))
    assert.are.equal('and(in(a null() "x"))', parsed("in(a,(null(),x))"))
  end)

  it("reads quoted values with everything in them", function()
    assert.are.equal('and(eq(a "x&y=(1,2)|\'z\'") like(b "*with \\"q\\"*"))',
      parsed([[a="x&y=(1,2)|'z'"&like(b,'*with "q"*')]]))
    assert.are.equal('and(eq(a "") eq(b "é"))', parsed('a=""&b=é'))
  end)

  it("reads bare words with what may be in them", function()
    assert.are.equal('and(eq(a "2026-01-15T00:00:00+00:00") eq(b "a.b@c d") eq(c "-1.5") eq(d "*\\\\x"))',
      parsed([[a=2026-01-15T00:00:00+00:00&b=a.b@c d&c=-1.5&d=*\x]]))
  end)

  it("takes letters of every alphabet for a field's name and for a bare word, as the service does", function()
    assert.are.equal('and(eq(na\xC3\xA9 "\xC3\xA9t\xC3\xA9"))', parsed("na\xC3\xA9=\xC3\xA9t\xC3\xA9"))
  end)

  it("groups by parentheses", function()
    assert.are.equal('and(or(or(eq(c "r") eq(c "b")) eq(c "y")))', parsed("(((eq(c,r))|(eq(c,b)))|(eq(c,y)))"))
    assert.are.equal('and(or(eq(a "1") eq(b "2")) or(eq(c "3") eq(d "4")))', parsed("(((a=1)|(b=2)))&(((c=3);(d=4)))"))
    assert.are.equal('and(or(and(eq(a "1") eq(b "2")) eq(c "3")))', parsed("((a=1&b=2)|c=3)"))
  end)

  it("reads and, or, not as functions", function()
    assert.are.equal('and(or(eq(a "1") and(eq(b "2") eq(c "3")) eq(d "4")))', parsed("or(a=1,and(b=2,c=3),eq(d,4))"))
    assert.are.equal('and(not(in(a "1")) not(or(eq(b "1") eq(c "2"))))', parsed("not(in(a,(1)))&not((b=1|c=2))"))
  end)

  it("reads ordering and select, empty ones too", function()
    assert.are.equal("and(ordering(+title -created) select(-items +contract))",
      parsed("ordering(title,-created)&select(-items,+contract)"))
    assert.are.equal("and(ordering() select())", parsed("ordering()&select()"))
  end)

  it("refuses what is not in the grammar, and says where", function()
    local problems = {
      ["a"] = "'=' expected at character 2, found the end",
      ["a="] = "a value expected at character 3, found the end",
      ["=b"] = "a field expected at character 1, found '=b'",
      ["a=b&"] = "a field expected at character 5, found the end",
      ["a=b|c=d"] = "'&' or the end expected at character 4, found '|c=d'",
      ["(a=b|c=d&e=f)"] = "')' expected at character 9, found '&e=f)'",
      ["(a=b&c=d|e=f)"] = "')' expected at character 9, found '|e=f)'",
      ["eq(a)"] = "',' expected at character 5, found ')'",
      ["eq(a,b"] = "')' expected at character 7, found the end",
      ["foo(a,b)"] = "an operator expected at character 1, found 'foo(a,b)'",
      ["a=1/2"] = "'&' or the end expected at character 4, found '/2'",
      ["a=\"b"] = "a value expected at character 3, found '\"b'",
      ["in(a,b)"] = "',(' expected at character 5, found ',b)'",
      ["in(a,())"] = "a value expected at character 7, found '))'",
      ["and(a=1)"] = "',' expected at character 8, found ')'",
      ["1a=b"] = "a field expected at character 1, found '1a=b'",
      ["a=b)"] = "'&' or the end expected at character 4, found ')'",
      ["ordering(-)"] = "a field expected at character 11, found ')'",
      ["()"] = "a field expected at character 2, found ')'",
    }
    for query, problem in pairs(problems) do
      assert.are.same({ query, nil, problem }, { query, rql.parse(query) })
    end
  end)

  it("refuses nesting that is deeper than anybody writes", function()
    local function nested(depth)
      return ("("):rep(depth) .. "a=b" .. (")"):rep(depth)
    end
    assert.is_truthy(rql.parse(nested(90)))
    assert.are.same({ nil, "the filter is nested too deeply" }, { rql.parse(nested(5000)) })
    assert.is_truthy(rql.parse("and(" .. ("a=b,"):rep(5000) .. "a=b)"))
  end)

  it("keeps every term of a long and()", function()
    assert.are.equal(3001, #rql.parse("and(" .. ("a=b,"):rep(3000) .. "c=d)"))
  end)
end)
