-- Closing records with closeMany, 16 batches at once, by a service that takes 100 ms for each reply. The base is the
-- time that the replies take; nothing can be faster.

local LUA = os.getenv("LUA") or "lua5.4"

return {
  title = "Closing records with closeMany, with a service that takes 100 ms",
  unit = "record",
  count = 100000,
  requests = 100,
  programs = {
    { name = "the replies alone", command = LUA .. " bench/bulk/bulk_pauses.lua 16", requests = 0 },
    { name = "closeMany", command = LUA .. " bench/bulk/bulk_module.lua - 16" },
  },
  limits = {
    { "closeMany", "<=", 1.2, what = "time" },
  },
}
