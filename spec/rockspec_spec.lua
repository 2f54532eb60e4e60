-- What the rockspec says. tools/parts/rock.sh builds and installs the rock, and compares that with the tree.

local ROCKSPEC = "rockspec/cloudblue-connect-scm-1.rockspec"

local function load()
  local rockspec = {}
  assert(loadfile(ROCKSPEC, "t", rockspec))()
  return rockspec
end

local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

describe("the rockspec", function()
  local rockspec = load()

  it("needs a Lua that the module was tried with, lua-cjson and libcurl, and nothing else to build", function()
    assert.same({ "lua >= 5.4, < 5.6", "lua-cjson >= 2.1.0" }, rockspec.dependencies)
    assert.same({ CURL = { library = "curl" } }, rockspec.external_dependencies)
  end)

  it("builds by the Makefile, in a folder that the environment does not choose", function()
    local makefile = contents("Makefile")
    assert.equal("make", rockspec.build.type)
    assert.equal("build", rockspec.build.variables.BUILD)
    assert.is_truthy(makefile:find("\n" .. rockspec.build.install_target .. ":", 1, true))
    for name in pairs(rockspec.build.variables) do
      assert.is_truthy(makefile:find("$(" .. name .. ")", 1, true), name .. " is no variable of the Makefile")
    end
  end)

  it("installs the command", function()
    for name, path in pairs(rockspec.build.install.bin) do
      assert.equal("connect-usage", name)
      assert.matches("^#!", contents(path))
    end
    assert.is_truthy(rockspec.build.install.bin["connect-usage"])
  end)

  it("has busted run the tests", function()
    assert.equal("busted", rockspec.test.type)
  end)
end)
