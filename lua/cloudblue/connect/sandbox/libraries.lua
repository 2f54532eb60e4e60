--- The libraries that the sandbox and the command need: where they may be, and how to install one that is missing.

local libraries = {}

--- Where Debian installs lua-http and the libraries that it needs: in the folders of older versions of Lua,
--- though they work with 5.4. To be appended to package.path.
libraries.older =
  "/usr/share/lua/5.3/?.lua;/usr/share/lua/5.3/?/init.lua;/usr/share/lua/5.2/?.lua;/usr/share/lua/5.1/?.lua"

--- The first part of a module's name → {its package in Debian, its rock}.
local PACKAGES = {
  argparse = { "lua-argparse", "argparse" },
  cjson = { "lua-cjson", "lua-cjson" },
  cqueues = { "lua-cqueues", "cqueues" },
  http = { "lua-http", "http" },
  openssl = { "lua-luaossl", "luaossl" },
  socket = { "lua-socket", "luasocket" },
  term = { "lua-term", "lua-term" },
}

--- package.path with those folders behind it.
---@param path string
---@return string path
function libraries.path(path)
  return path .. ";" .. libraries.older
end

--- One line that names the missing library and how to install it.
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
