-- What a close costs with 1, 64 and 1,000 in flight, and what many of them cost: memory must not grow with them, and
-- time only in proportion.

local LUA = os.getenv("LUA") or "lua5.4"

local function module(name, concurrency, count)
  return { name = name, command = ("%s bench/parallel/parallel_module.lua %d"):format(LUA, concurrency), count = count }
end

local MORE <const> = 2048

local function said(_, results)
  local few, many = results["1,000 closes"].kib, results["100,000 closes"].kib
  print(("  MiB at most: 1,000 closes %.1f, 10,000 closes %.1f, 100,000 closes %.1f"):format(
    few / 1024, results["10,000 closes"].kib / 1024, many / 1024))
  return many - few < MORE, ("cloudblue.connect: %d KiB more for 100,000 closes than for 1,000, below %d"):format(
    many - few, MORE)
end

return {
  title = "Closing usage records, 1, 64 and 1,000 in flight",
  unit = "close",
  count = 20000,
  programs = {
    module("1 in flight", 1),
    module("64 in flight", 64),
    module("1,000 in flight", 1000),
    module("1,000 closes", 64, 1000),
    module("10,000 closes", 64, 10000),
    module("100,000 closes", 64, 100000),
  },
  limits = {
    { "64 in flight", "<=", 1.10 },
    { "1,000 in flight", "<=", 1.10 },
    { "100,000 closes", "<=", 1.10, of = "10,000 closes", what = "time" },
  },
  said = said,
}
