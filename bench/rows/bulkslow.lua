-- Closing records with closeMany, 16 batches at once, by a service that takes 100 ms for each reply. The base is the
-- time that the replies take; nothing can be faster.

local BUILD = os.getenv("BUILD") or "build"
local LUA = os.getenv("LUA") or "lua5.4"

local LEDGER <const> = BUILD .. "/bench/slow.db"

return {
  title = "Closing records with closeMany, with a service that takes 100 ms",
  unit = "record",
  count = 100000,
  requests = 100,
  programs = {
    { name = "the replies alone", command = LUA .. " bench/bulk/bulk_pauses.lua 16", requests = 0 },
    { name = "closeMany", command = LUA .. " bench/bulk/bulk_module.lua - 16" },
    { name = "closeMany, with SQLite", command = LUA .. " bench/bulk/bulk_module.lua " .. LEDGER .. " 16" },
  },
  limits = {
    { "closeMany", "<=", 1.2, what = "time" },
    { "closeMany, with SQLite", "<=", 1.2, what = "time" },
  },
}
