-- The libraries of a ledger: loaded when one is opened, named when they are missing.

local library = require "cloudblue.connect.closing.ledger.library"

-- Loads a module where nothing can be found.
local function loadFromNowhere(name)
  local path, cpath, loaded = package.path, package.cpath, package.loaded[name]
  package.path, package.cpath, package.loaded[name] = "", "", nil
  local module, problem = library.load(name)
  package.path, package.cpath, package.loaded[name] = path, cpath, loaded
  return module, problem
end

describe("a ledger's library", function()
  it("is returned where it is installed", function()
    assert.equal(require "openssl.digest", library.load("openssl.digest"))
  end)

  for name, names in pairs {
    ["luasql.sqlite3"] = { "lua-sql-sqlite3", "luasql-sqlite3" },
    ["luasql.postgres"] = { "lua-sql-postgres", "luasql-postgres" },
    ["openssl.digest"] = { "lua-luaossl", "luaossl" },
  } do
    it(("is named with its package and its rock where it is missing: %s"):format(name), function()
      local module, problem = loadFromNowhere(name)
      assert.is_nil(module)
      local expected = "the Lua module %s is missing: install it with `apt install %s` or with `luarocks install %s`"
      assert.equal(expected:format(name, table.unpack(names)), problem)
    end)
  end

  it("is named with what is wrong where it is there and can't be loaded", function()
    local loaded = package.loaded["luasql.sqlite3"]
    package.loaded["luasql.sqlite3"] = nil
    package.preload["luasql.sqlite3"] = function() error("libsqlite3 is too old\nand more", 0) end
    local module, problem = library.load("luasql.sqlite3")
    package.preload["luasql.sqlite3"], package.loaded["luasql.sqlite3"] = nil, loaded
    assert.is_nil(module)
    assert.equal("the Lua module luasql.sqlite3 can't be loaded: libsqlite3 is too old", problem)
  end)
end)
