-- Closing a million records with closeMany, by a service that answers at once. The base is what lua-cjson takes for the
-- same bytes, in one Lua loop that sends nothing; one by one stands beside it, and the JavaScript SDK posting the same
-- batches.

local BUILD = os.getenv("BUILD") or "build"
local LUA = os.getenv("LUA") or "lua5.4"

-- The file of the ledger.
local LEDGER <const> = BUILD .. "/bench/run.db"

local COUNT <const>, BATCH <const> = 1000000, 100

local function haveSdk()
  return os.execute(("test -d '%s/bench/sdk/node_modules/@cloudblueconnect'"):format(BUILD))
end

-- Memory once a tenth was done, and the most after that, in MiB.
local function said(texts)
  local growth = 0
  for _, name in ipairs { "closeMany", "closeMany, with SQLite" } do
    local list = {}
    for kib in (texts[name] or ""):gmatch "resident%s+(%d+)" do list[#list + 1] = kib / 1024 end
    local early = math.max(table.unpack(list, 1, #list // 10))
    local most = math.max(table.unpack(list))
    print(("  %s: MiB at most in the first tenth: %.1f, in all: %.1f"):format(name, early, most))
    growth = math.max(growth, most - early)
  end
  return growth < 2, ("closeMany: %.1f MiB more than in the first tenth, below 2"):format(growth)
end

return {
  title = "Closing a million records with closeMany",
  unit = "record",
  count = COUNT,
  requests = BATCH,
  programs = {
    { name = "lua-cjson alone", command = LUA .. " bench/bulk/bulk_cjson.lua", requests = 0 },
    { name = "closeMany", command = LUA .. " bench/bulk/bulk_module.lua" },
    { name = "closeMany, with SQLite", command = LUA .. " bench/bulk/bulk_module.lua " .. LEDGER },
    { name = "one by one", command = LUA .. " bench/close/close_module.lua", count = 20000, requests = 1 },
    { name = "JavaScript SDK", command = ("node bench/bulk/bulk_sdk.js '%s/bench/sdk'"):format(BUILD),
      available = haveSdk, without = "there is no node, or npm could not install it" },
  },
  limits = {
    { "closeMany", "<=", 2.0 },
    { "closeMany, with SQLite", "<=", 5.0 },
    { "closeMany", "<=", 1 / 8, of = "one by one" },
    { "closeMany", "<", "JavaScript SDK" },
  },
  said = said,
}
