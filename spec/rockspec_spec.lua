-- LuaRocks wants every source file named in the rockspec; this keeps it from falling behind the tree.
-- `make rockspec` writes the lists anew.

local ROCKSPEC = "rockspec/cloudblue-connect-scm-1.rockspec"

local function load()
  local rockspec = {}
  assert(loadfile(ROCKSPEC, "t", rockspec))()
  return rockspec
end

-- The files that a shell pattern or a find command names, sorted.
local function files(command)
  local list = {}
  local pipe <close> = assert(io.popen(command))
  for line in pipe:lines() do table.insert(list, line) end
  table.sort(list)
  assert(#list > 0, "no file: " .. command)
  return list
end

local function sorted(list)
  table.sort(list)
  return list
end

describe("the rockspec", function()
  local modules = load().build.modules

  it("compiles every C file of the core and of the binding", function()
    assert.same(files("ls src/core/*.c src/binding/*.c"), sorted(modules["cloudblue.connect.core"].sources))
  end)

  it("installs every Lua file below lua/", function()
    local listed = {}
    for _, path in pairs(modules) do
      if type(path) == "string" then table.insert(listed, path) end
    end
    assert.same(files("find lua -name '*.lua'"), sorted(listed))
  end)

  it("names each Lua module as require does", function()
    for name, path in pairs(modules) do
      if type(path) == "string" then
        local file = "lua/" .. name:gsub("%.", "/")
        assert.is_true(path == file .. ".lua" or path == file .. "/init.lua", name .. " = " .. path)
      end
    end
  end)

  it("needs Lua 5.4, lua-cjson and libcurl, and nothing else to build", function()
    local rockspec = load()
    assert.same({ "lua >= 5.4", "lua-cjson >= 2.1.0" }, rockspec.dependencies)
    assert.same({ CURL = { library = "curl" } }, rockspec.external_dependencies)
  end)

  it("has busted run the tests", function()
    assert.equal("busted", load().test.type)
  end)
end)
