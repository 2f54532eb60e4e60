--- The libraries that the sandbox stands on: where they may lie, and what to do where one is missing.

local libraries = {}

--- Where Debian keeps the Lua files of lua-http and its friends: filed under older versions of Lua, and
--- fine with 5.4 and later. For the end of a path.
libraries.older =
  "/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;/usr/share/lua/5.2/?.lua;/usr/share/lua/5.1/?.lua"

--- A module's first word → {its package in Debian, its rock}.
local PACKAGES = {
  argparse = { "lua-argparse", "argparse" },
  cjson = { "lua-cjson", "lua-cjson" },
  cqueues = { "lua-cqueues", "cqueues" },
  http = { "lua-http", "http" },
  openssl = { "lua-luaossl", "luaossl" },
  socket = { "lua-socket", "luasocket" },
}

--- A Lua path by which those files are found as well.
---@param path string the path by which everything else is found
---@return string path
function libraries.path(path)
  return path .. ";" .. libraries.older
end

--- Says in one line what is missing and how to get it.
---@param problem any what `require` raised
---@return string? line nil where it was something else than a module that is not found
function libraries.missing(problem)
  local module = tostring(problem):match("module '([^']+)' not found")
  if not module then
    return nil
  end
  local names = PACKAGES[module:match("^_?([^.]*)")]
  if not names then
    return string.format("the Lua module %s is missing", module)
  end
  local way = "the Lua module %s is missing: install it with `apt install %s` or with `luarocks install %s`"
  return way:format(module, names[1], names[2])
end

return libraries
