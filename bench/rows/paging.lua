-- Walking a million records in pages of a thousand. The bare program fetches the same pages with libcurl and decodes
-- each with lua-cjson; the module walks them with `all`, which also makes integers integers.

local BUILD = os.getenv("BUILD") or "build"
local LUA = os.getenv("LUA") or "lua5.4"

local server = require "bench.server"

-- The memory that a program wrote after each page, in MiB.
local function resident(text)
  local list = {}
  for kib in text:gmatch("resident (%d+)") do table.insert(list, kib / 1024) end
  return list
end

-- How much more there was at most after a page than after the first ones.
local SETTLED <const> = 10

local function most(list, first, last)
  local largest = 0
  for i = first, last do largest = math.max(largest, list[i]) end
  return largest
end

local function said(texts)
  local growth
  for _, name in ipairs { "libcurl and lua-cjson in C", "cloudblue.connect" } do
    local list = resident(texts[name])
    local count = #list
    local early = most(list, 1, math.min(SETTLED, count))
    local middle = (count + 1) // 2
    growth = most(list, 1, count) - early
    print(("  %s: MiB after page 1: %.1f, page %d: %.1f, page %d: %.1f; most in the first %d: %.1f, in all: %.1f")
      :format(name, list[1], middle, list[middle], count, list[count], SETTLED, early, early + growth))
  end
  return growth < 4, ("cloudblue.connect: %.1f MiB more than in the first pages, below 4"):format(growth)
end

return {
  title = "Walking a list in pages of 1000 records",
  unit = "record",
  count = 1000000,
  requests = 1000,
  few = 5000,
  many = 25000,
  programs = {
    { name = "libcurl and lua-cjson in C", command = BUILD .. "/bench/paging_curl", instrument = true },
    { name = "cloudblue.connect", command = LUA .. " bench/paging/paging_module.lua", instrument = true },
  },
  slices = { names = { "libcurl and lua-cjson in C", "cloudblue.connect" }, count = 5000, rounds = 100 },
  limits = {
    { "cloudblue.connect", "<=", 1.15 },
    { "cloudblue.connect", "<=", 1.15, slices = true },
  },
  connections = { "cloudblue.connect", 1 },
  alike = {
    names = { "libcurl and lua-cjson in C", "cloudblue.connect" },
    reply = { body = server.page(0), header = "Content-Range: items 999000-999999/1000000\r\n" },
  },
  said = said,
}
