-- The reader of pages that pages_spec.lua uses: what it takes for a block, and that it finds what is wrong with a page.

local folders = require "spec.support.folder"
local page = require "spec.support.page"

-- A page with this block and nothing else.
local function fenced(kind, code, output)
  return ("```%s\n%s\n```\n"):format(kind, code) .. (output and ("```text\n%s\n```\n"):format(output) or "")
end

describe("the blocks of a page", function()
  it("have a line, a kind, the heading above, and what they print", function()
    local blocks = page.blocks("# One\n\n" .. fenced("sh", "true") .. "\n## Two\na\n" .. fenced("lua", "print(1)", "1"))
    assert.same({
      { line = 4, kind = "sh", code = "true\n", section = "One" },
      { line = 10, kind = "lua", code = "print(1)\n", section = "Two", expected = "1\n" },
    }, blocks)
  end)

  it("are saved under a name where the line above says so", function()
    assert.equal("first.lua", page.blocks("Save this as `first.lua`:\n\n" .. fenced("lua", "return"))[1].name)
    assert.is_nil(page.blocks("It is known as `first.lua`.\n\n" .. fenced("lua", "return"))[1].name)
  end)

  for what, text in pairs {
    ["a block that does not end"] = "```lua\nreturn\n",
    ["output of nothing"] = fenced("text", "1"),
    ["output twice"] = fenced("sh", "true", "1") .. fenced("text", "2"),
    ["a block that nobody would run"] = fenced("python", "pass"),
  } do
    it("are refused: " .. what, function() assert.has_error(function() page.blocks(text) end) end)
  end
end)

describe("the links of a page", function()
  it("have a path and a place in it", function()
    assert.same({ { path = "docs/a.md" }, { path = "../b.md", anchor = "to-try-it" }, { path = "", anchor = "here" } },
      page.links("See [a](docs/a.md), [`b`](../b.md#to-try-it),\n[here](#here).\n"))
  end)

  it("are no addresses of others, and nothing in code", function()
    assert.same({}, page.links("[x](https://example.com/#a) `[y](z)`\n" .. fenced("lua", "a[1](b)")))
  end)

  it("lead to headings, written as GitHub does", function()
    assert.same({ ["one"] = true, ["what-is-it-a-b"] = true, ["the-options-of-close"] = true },
      page.anchors("# One\n## What is it: a, b?\n### The options of `close`\n" .. fenced("sh", "# no heading")))
  end)
end)

describe("what a block prints", function()
  it("is compared to the letter", function()
    assert.is_true(page.prints("a.b (1)\n", "a.b (1)\n"))
    for _, printed in ipairs { "aXb (1)\n", "a.b (1)", "a.b (1)\nmore\n", "before\na.b (1)\n", "" } do
      assert.is_false(page.prints("a.b (1)\n", printed))
    end
  end)

  it("may have an ellipsis for a part of a line", function()
    assert.is_true(page.prints("in … s\nend\n", "in 0.5 s\nend\n"))
    assert.is_false(page.prints("in … s\nend\n", "in 0.5 s\nmore s\nend\n"))
  end)
end)

describe("following a page", function()
  local folder

  before_each(function() folder = folders.make() end)
  after_each(function() folder:stop() end)

  -- What came of the blocks, in their order.
  local function follow(text, seconds)
    local blocks, list = page.blocks(text), {}
    local results = page.follow(blocks, { root = folder.root, port = 18080, seconds = seconds })
    for i, block in ipairs(blocks) do list[i] = results[block.line] or "not reached" end
    return list
  end

  it("is done in one shell", function()
    assert.same({ { printed = "", done = true }, { printed = "2\n", done = true } },
      follow(fenced("sh", "cd /\nA=2") .. fenced("sh", 'echo "$A"')))
  end)

  it("starts with nothing in the environment but PATH and HOME", function()
    local printed = follow(fenced("sh", "env | cut -d= -f1 | grep -v '^_$' | sort"))[1].printed
    assert.equal("HOME\nLANG\nPATH\nPWD\n", printed)
  end)

  it("runs a script, at once or by its name", function()
    local list = follow(fenced("lua", "print(1)") .. "Save it as `a.lua`:\n" .. fenced("lua", "print(2)")
      .. fenced("sh", "lua5.4 a.lua"))
    assert.equal("1\n", list[1].printed)
    assert.equal("", list[2].printed)
    assert.equal("2\n", list[3].printed)
    assert.equal("print(2)\n", folder:read("a.lua"))
    list = follow("Save it as `a.sh`:\n" .. fenced("sh", "echo $1; exit 1") .. fenced("sh", "sh a.sh 3 || true"))
    assert.equal("", list[1].printed)
    assert.equal("3\n", list[2].printed)
  end)

  it("ends at the first block that fails", function()
    for _, bad in ipairs { fenced("sh", "false\ntrue"), fenced("sh", "("), fenced("lua", "error()") } do
      local list = follow(bad .. fenced("sh", "true"))
      assert.is_true(list[1] == "not reached" or not list[1].done)
      assert.equal("not reached", list[2])
    end
  end)

  it("ends in time", function()
    local list = follow(fenced("sh", "echo 1\nsleep 60"), 1)
    assert.same({ printed = "1\n", done = false }, list[1])
  end)

  it("ends what runs in the background", function()
    folder:write("serve.lua", [[
      local server = require("cqueues.socket").listen("127.0.0.1", tonumber(arg[1]))
      while true do server:accept():close() end
    ]])
    local list = follow(fenced("sh", "lua5.4 serve.lua 8080 &") .. fenced("sh", "echo $!"))
    assert.is_true(list[2].done)
    assert.is_nil(os.execute("kill -0 " .. list[2].printed:match("%d+") .. " 2>/dev/null"))
  end)

  it("puts a free port for 8080, and 8080 for it in what is printed", function()
    local list = follow(fenced("sh", "port=8080\necho $port $((port - 1))"))
    assert.equal("8080 18079\n", list[1].printed)
  end)

  it("only looks at what is for a console", function()
    assert.same({ "not reached" }, follow(fenced("console", "$ exit 1")))
  end)
end)
