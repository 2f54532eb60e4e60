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
    assert.are.equal('and(lt(a.b.c "4") ne(d "x"))', parsed("a.b.c=lt=4,d=ne=x"))
    assert.are.equal('and(eq(eq "eq") ge(not "like"))', parsed("eq=eq&not=ge=like"))
    assert.are.equal('and(ne(a "b"))', parsed("ne(a,b)"))
  end)

  it("reads all, written in each of its ways", function()
    for _, query in ipairs { "a=1&b=2&c=3", "a=1,b=2,c=3", "and(a=1,b=2,c=3)", "a=1,b=2&c=3" } do
      assert.are.equal('and(eq(a "1") eq(b "2") eq(c "3"))', parsed(query))
    end
    assert.are.equal('and(or(eq(d "4") and(eq(a "1") eq(b "2"))))', parsed("(d=4|(a=1,b=2))"))
  end)

  it("reads & and , as binding more strongly than | and ;", function()
    for _, query in ipairs { "(a=1|b=2&c=3)", "(a=1;b=2,c=3)", "(a=1|(b=2&c=3))" } do
      assert.are.equal('and(or(eq(a "1") and(eq(b "2") eq(c "3"))))', parsed(query))
    end
    assert.are.equal('and(or(and(eq(a "1") eq(b "2")) eq(c "3")))', parsed("(a=1&b=2|c=3)"))
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
    assert.are.equal('and(or(eq(a "1") and(eq(b "2") eq(c "3"))))', parsed("or(a=1,and(b=2,c=3))"))
    assert.are.equal('and(eq(a "1") or(eq(b "2") eq(c "3")))', parsed("and(a=1,or(b=2,c=3))"))
    assert.are.equal('and(not(in(a "1")) not(eq(b "1")))', parsed("not(in(a,(1)))&not((b=1))"))
  end)

  -- From the second argument on a comma joins what must all hold: so the service's grammar has it.
  it("reads or(a,b,c) as a, or both b and c", function()
    assert.are.equal('and(or(eq(a "1") and(eq(b "2") eq(c "3"))))', parsed("or(a=1,b=2,c=3)"))
    assert.are.equal('and(or(eq(a "1") and(eq(b "2") eq(c "3"))))', parsed("or(a=1,b=2&c=3)"))
    assert.are.equal('and(or(or(eq(a "1") eq(b "2")) eq(c "3")))', parsed("or(or(a=1,b=2),c=3)"))
  end)

  it("takes one comparison in not(), in brackets or without", function()
    assert.are.equal('and(not(eq(a "1")))', parsed("not(a=1)"))
    assert.are.equal('and(not(in(a "1")))', parsed("not(((in(a,(1)))))"))
    for query, problem in pairs {
      ["not(a=1&b=2)"] = "')' expected at character 8, found '&b=2)'",
      ["not((a=1&b=2))"] = "a comparison expected at character 5, found '(a=1&b=2))'",
      ["not((a=1|b=2))"] = "a comparison expected at character 5, found '(a=1|b=2))'",
      ["not(and(a=1,b=2))"] = "a comparison expected at character 5, found 'and(a=1,b=2))'",
      ["a=1&not(not(b=2))"] = "a comparison expected at character 9, found 'not(b=2))'",
    } do
      assert.are.same({ query, nil, problem }, { query, rql.parse(query) })
    end
  end)

  it("takes brackets around a group where the service does, and no more", function()
    for _, query in ipairs {
      "(((a=1)))", "((a=1|b=2))", "((a=1,b=2))", "(and(a=1,b=2))", "(or(a=1,b=2))", "(not(a=1)|b=2)", "((a=1&b=2)|c=3)",
      "((a=1|b=2)&c=3)",
    } do
      assert.is_truthy(rql.parse(query), query)
    end
    for query, at in pairs {
      ["(((a=1|b=2)))"] = 13, ["(((a=1,b=2)))"] = 13, ["((a=1&b=2))"] = 11, ["((and(a=1,b=2)))"] = 16,
      ["((or(a=1,b=2)))"] = 15, ["(not(a=1))"] = 10, ["((a=1)|(not(b=2)))"] = 17,
    } do
      local problem = ("'&', ',', '|' or ';' expected at character %d, found '%s'"):format(at, query:sub(at))
      assert.are.same({ query, nil, problem }, { query, rql.parse(query) })
    end
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
      ["(a=b|c=d;e=f)"] = "')' expected at character 9, found ';e=f)'",
      ["or(a=b&c=d,e=f)"] = "',' expected at character 7, found '&c=d,e=f)'",
      ["a=like=*b*"] = "'&' or the end expected at character 7, found '=*b*'",
      ["t=b"] = "'(' expected at character 2, found '=b'",
      ["a=t"] = "a value expected at character 3, found 't'",
      ["in(a,(b,t))"] = "a value expected at character 9, found 't))'",
      ["t(a=1)"] = "an operator expected at character 1, found 't(a=1)'",
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
