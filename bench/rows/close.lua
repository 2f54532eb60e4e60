-- Closing one usage record after another. All programs send the same method, path, headers of substance and body, and
-- get the same reply; each checks that it was one. The bare program in C and the module send the same bytes, headers in
-- any order, which is looked at: the limit is a program that does the same requests. The bare socket is no HTTP client
-- and only there to be seen.

local BUILD = os.getenv("BUILD") or "build"
local LUA = os.getenv("LUA") or "lua5.4"

local server = require "bench.server"

local function haveSdk()
  return os.execute(("test -d '%s/bench/sdk/node_modules/@cloudblueconnect'"):format(BUILD))
end

return {
  title = "Closing usage records, one after another",
  unit = "close",
  count = 20000,
  programs = {
    { name = "bare libcurl in C", command = BUILD .. "/bench/close_curl", instrument = true },
    { name = "cloudblue.connect", command = LUA .. " bench/close/close_module.lua", instrument = true },
    { name = "LuaSocket and lua-cjson", command = LUA .. " bench/close/close_luasocket.lua", instrument = true },
    { name = "a bare socket in Lua", command = LUA .. " bench/close/close_rawsocket.lua", instrument = true },
    { name = "JavaScript SDK", command = ("node bench/close/close_sdk.js '%s/bench/sdk'"):format(BUILD),
      available = haveSdk, without = "there is no node, or npm could not install it" },
  },
  slices = { names = { "bare libcurl in C", "cloudblue.connect" }, count = 300, rounds = 300 },
  limits = {
    { "cloudblue.connect", "<=", 1.10 },
    { "cloudblue.connect", "<=", 1.10, slices = true },
    { "cloudblue.connect", "<", "LuaSocket and lua-cjson" },
    { "cloudblue.connect", "<", "JavaScript SDK" },
  },
  connections = { "cloudblue.connect", 1 },
  alike = {
    names = { "bare libcurl in C", "cloudblue.connect" },
    reply = { body = server.closed("UR-2026-01-0000-0001-000001") },
  },
}
