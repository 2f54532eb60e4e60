local libraries = require "cloudblue.connect.sandbox.libraries"

describe("the sandbox's libraries", function()
  it("are looked for where Debian keeps them, after everywhere else", function()
    local path = libraries.path("/first/?.lua")
    assert.is_truthy(path:find("^/first/%?%.lua;/usr/share/lua/"))
    assert.is_truthy(package.searchpath("http.h1_connection", libraries.path(package.path)))
  end)

  it("are named where they are missing, with their packages", function()
    local function missing(module)
      local _, problem = pcall(require, module)
      return libraries.missing(problem)
    end
    package.preload["http.of_the_specs"] = nil
    assert.are.equal("the Lua module http.of_the_specs is missing: install it with `apt install lua-http` or with "
      .. "`luarocks install http`", missing "http.of_the_specs")
    assert.are.equal("the Lua module _cqueues.of_the_specs is missing: install it with `apt install lua-cqueues` or "
      .. "with `luarocks install cqueues`", missing "_cqueues.of_the_specs")
    assert.are.equal("the Lua module nobodys is missing", missing "nobodys")
  end)

  it("are not blamed for other errors", function()
    assert.is_nil(libraries.missing "attempt to index a nil value")
    assert.is_nil(libraries.missing(nil))
    assert.is_nil(libraries.missing {})
  end)
end)
