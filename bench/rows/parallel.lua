-- Closing usage records, 64 at once. The bare program in C does the same requests with libcurl alone, over as many
-- connections. One by one stands beside it: this module, LuaSocket; and the JavaScript SDK under Promise.all.

local BUILD = os.getenv("BUILD") or "build"
local LUA = os.getenv("LUA") or "lua5.4"

local function haveSdk()
  return os.execute(("test -d '%s/bench/sdk/node_modules/@cloudblueconnect'"):format(BUILD))
end

return {
  title = "Closing usage records, 64 at once",
  unit = "close",
  count = 20000,
  few = 1000,
  many = 3000,
  programs = {
    { name = "bare libcurl in C", command = BUILD .. "/bench/parallel_curl 64", instrument = true },
    { name = "cloudblue.connect", command = LUA .. " bench/parallel/parallel_module.lua 64", instrument = true },
    { name = "one by one", command = LUA .. " bench/close/close_module.lua" },
    { name = "LuaSocket, one by one", command = LUA .. " bench/close/close_luasocket.lua" },
    { name = "JavaScript SDK", command = ("node bench/parallel/parallel_sdk.js '%s/bench/sdk' 64"):format(BUILD),
      available = haveSdk, without = "there is no node, or npm could not install it" },
  },
  slices = { names = { "bare libcurl in C", "cloudblue.connect" }, count = 1280, rounds = 100 },
  limits = {
    { "cloudblue.connect", "<=", 1.20 },
    { "cloudblue.connect", "<=", 1.20, slices = true },
    -- Throughput of at least 0.85.
    { "cloudblue.connect", "<=", 1 / 0.85, what = "time" },
    { "cloudblue.connect", "<=", 1 / 0.85, what = "time", slices = true },
    { "cloudblue.connect", "<", "LuaSocket, one by one" },
    { "cloudblue.connect", "<", "JavaScript SDK" },
  },
  connections = { "cloudblue.connect", 64 },
}
