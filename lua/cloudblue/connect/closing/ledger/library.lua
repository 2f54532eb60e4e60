--- The libraries that a ledger needs and nothing else does: loaded when the first ledger is opened.

local library = {}

-- A module -> {its package in Debian, its rock}.
local PACKAGES = {
  ["luasql.sqlite3"] = { "lua-sql-sqlite3", "luasql-sqlite3" },
  ["luasql.postgres"] = { "lua-sql-postgres", "luasql-postgres" },
  ["openssl.digest"] = { "lua-luaossl", "luaossl" },
}

--- Loads a module.
---@param name string one of those above
---@return any module nil where it is missing
---@return string? problem one line that says how to install it
function library.load(name)
  local found, module = pcall(require, name)
  if found then return module end
  local package, rock = table.unpack(PACKAGES[name])
  if not tostring(module):find(("module '%s' not found"):format(name), 1, true) then
    return nil, ("the Lua module %s can't be loaded: %s"):format(name, tostring(module):match("^[^\n]*"))
  end
  return nil, ("the Lua module %s is missing: install it with `apt install %s` or with `luarocks install %s`"):format(
    name, package, rock)
end

return library
