-- The pure part of tools/mutants.lua: which changes to a source file it finds.

local mutation = require "tools.mutation"

-- What the changes of a text make of it, each by what it is called; several of a name are joined.
local function changes(language, text)
  local list = {}
  for _, site in ipairs(mutation.sites(text, language)) do
    local changed = mutation.apply(text, site)
    list[site.what] = list[site.what] and list[site.what] .. "|" .. changed or changed
  end
  return list
end

describe("a change to C", function()
  for what, case in pairs {
    ["!= for =="] = { "a = b == c;", "a = b != c;" },
    ["== for !="] = { "a = b != c;", "a = b == c;" },
    ["<= for <"] = { "a = b < c;", "a = b <= c;" },
    [">= for <"] = { "a = b < c;", "a = b >= c;" },
    ["> for >="] = { "a = b >= c;", "a = b > c;" },
    ["|| for &&"] = { "a = b &&\n  c;", "a = b ||\n  c;" },
    ["- for +"] = { "a = b + c;", "a = b - c;" },
    ["-= for +="] = { "a += c;", "a -= c;" },
    ["-- for ++"] = { "a++;", "a--;" },
    ["false for true"] = { "a = true;", "a = false;" },
    ["1 for 0"] = { "a = 0;", "a = 1;" },
    ["0 for 1"] = { "a = 1;", "a = 0;" },
    ["65 for 64"] = { "char a[64];", "char a[65];" },
    ["a negation dropped"] = { "a = !b;", "a = b;" },
    ["a condition negated"] = { "if (b < f(c)) d();", "if (!(b < f(c))) d();" },
    ["a statement dropped"] = { "{\n  f(a);\n  int b;\n}", "{\n  ;\n  int b;\n}" },
    ["an early return dropped"] = { "\n  if (a)\n    return b;\n  return c;", "\n  if (a)\n    ;\n  return c;" },
  } do
    it("is " .. what, function() assert.equal(case[2], changes("c", case[1])[what]) end)
  end

  it("is a return after a condition on its line", function()
    assert.equal("if (f(a)) ;\nreturn c;", changes("c", "if (f(a)) return b;\nreturn c;")["an early return dropped"])
  end)

  it("is none of a comment, a string, a character, a line of the preprocessor or a part of a name", function()
    for _, text in ipairs {
      "/* a == 0\n true */", "// a == 0", '"a \\" == 0"', "'0'", "#define A 0\n", "# if A == 0 && \\\n  B == 0\n",
      "a0", "0x10", "1.5", "p->q", "a << b", "true_name",
    } do
      assert.same({}, changes("c", text))
    end
  end)
end)

describe("a change to Lua", function()
  for what, case in pairs {
    ["~= for =="] = { "a = b == c", "a = b ~= c" },
    ["== for ~="] = { "a = b ~= c", "a = b == c" },
    ["or for and"] = { "a = b and c", "a = b or c" },
    ["and for or"] = { "a = b or c", "a = b and c" },
    ["a negation dropped"] = { "a = not b", "a = b" },
    ["a condition negated"] = { "if a == b then", "if not (a == b) then" },
    ["0 for 1"] = { "a = 1", "a = 0" },
    ["a statement dropped"] = { "do\n  f(a)\n  a.b = c\n  local d = e\nend",
      "do\n  \n  a.b = c\n  local d = e\nend|do\n  f(a)\n  \n  local d = e\nend" },
  } do
    it("is " .. what, function() assert.equal(case[2], changes("lua", case[1])[what]) end)
  end

  it("is a return that is not a function's last", function()
    local text = "  if a then return b end\n  if c then\n    return d\n  end\n  return e\n"
    assert.equal("  if a then return b end\n  if c then\n    \n  end\n  return e\n|"
      .. "  if a then  end\n  if c then\n    return d\n  end\n  return e\n",
      changes("lua", text)["an early return dropped"])
  end)

  it("is none of a comment, a string, a long string or an attribute", function()
    for _, text in ipairs {
      "-- a == 0", "--[[ a ==\n0 ]]", "'a == 0'", "[==[ a == 0 ]] ]==]", "local a <const> = b",
    } do
      assert.same({}, changes("lua", text))
    end
  end)
end)

describe("a site", function()
  local TEXT <const> = "a = 1\nb = c and\n  d\n"

  it("knows its line", function()
    local lines = {}
    for _, site in ipairs(mutation.sites(TEXT, "lua")) do lines[site.what] = site.line end
    assert.same({ ["or for and"] = 2, ["0 for 1"] = 1 }, lines)
  end)

  it("shows the lines that it changes", function()
    for _, site in ipairs(mutation.sites(TEXT, "lua")) do
      local before, after = mutation.lines(TEXT, site)
      if site.line == 1 then assert.same({ "a = 1", "a = 0" }, { before, after }) end
      if site.line == 2 then assert.same({ "b = c and", "b = c or" }, { before, after }) end
    end
  end)
end)
