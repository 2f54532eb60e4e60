-- Closing usage records with a service that takes 50 ms for each reply: what is gained by 64 at once.

local LUA = os.getenv("LUA") or "lua5.4"

return {
  title = "Closing usage records with a service that takes 50 ms",
  unit = "close",
  count = 3200,
  requests = 0,
  programs = {
    { name = "one by one", command = LUA .. " bench/parallel/slow.lua 1", count = 64 },
    { name = "64 at once", command = LUA .. " bench/parallel/slow.lua 64" },
  },
  limits = { { "64 at once", "<=", 1 / 50, what = "time" } },
}
