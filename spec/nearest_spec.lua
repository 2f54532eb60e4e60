-- What is said of an option that nobody knows: the nearest known name, where one is near. The options that C reads say
-- the same (spec/options_spec.lua).

local core = require "cloudblue.connect.core"
local service = require "spec.support.service"

local misuse = service.misuse

describe("an unknown option", function()
  local function nearest(wrong, ...)
    local message = core.unknownOption(wrong, { ... })
    return message:match("^unknown option '" .. wrong .. "'; the nearest known one is '(.*)'$")
  end

  it("is answered by the name with the fewest letters changed, put in or taken out", function()
    assert.equal("backwards", nearest("backward", "limit", "offset", "ordering", "select", "backwards"))
    assert.equal("ordering", nearest("order", "limit", "offset", "ordering", "select"))
    assert.equal("select", nearest("slect", "limit", "select", "offset"))
    assert.equal("ab", nearest("ac", "ab", "ad"))
  end)

  it("is answered whatever the case of its letters", function()
    assert.equal("backwards", nearest("BACKWARDS", "limit", "backwards"))
    assert.equal("ZooA", nearest("zOOa", "zoom", "ZooA"))
  end)

  it("is answered by no name of which more than half would have to change", function()
    assert.equal("proxy", nearest("xxoxy", "proxy"))
    assert.equal("unknown option 'xxxxy'", core.unknownOption("xxxxy", { "proxy" }))
    assert.equal("retries", nearest("retry", "retries"))
    for _, wrong in ipairs { "foo", "", "sort", "page", ("x"):rep(33), ("x"):rep(5000) } do
      assert.equal(("unknown option '%s'"):format(wrong),
        core.unknownOption(wrong, { "limit", "offset", "ordering", "select", "proxy" }))
    end
    assert.equal("unknown option 'a'", core.unknownOption("a", {}))
  end)

  it("is answered up to 32 letters, which no option has", function()
    local name = ("n"):rep(32)
    assert.equal(name, nearest(("n"):rep(31), name))
    assert.equal(name, nearest(("n"):rep(31) .. "x", name))
    assert.is_nil(nearest(name .. "n", name))
    assert.is_nil(nearest(name, name .. "n"))
  end)

  it("that is no name is said to be none", function()
    for _, key in ipairs { 1, true, print, 0.5 } do
      assert.equal("options are a table of names, and this one has another key", core.unknownOption(key, { "limit" }))
    end
  end)

  it("is misuse of the function itself without a key or a list", function()
    assert.matches("bad argument #1 to 'unknownOption' %(value expected%)", misuse(function() core.unknownOption() end))
    assert.matches("bad argument #2 to 'unknownOption' %(table expected",
      misuse(function() core.unknownOption("a", "b") end))
  end)
end)
