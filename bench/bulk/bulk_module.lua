-- bulk_module.lua [LEDGER [CONCURRENCY]] ENDPOINT COUNT : closes so many records with closeMany, in batches of 100;
-- with a ledger in that file, where it is not "-". The endpoint's service is slow where a concurrency is given.
local connect = require "cloudblue.connect"
local entries = require "bench.bulk.entries"

local endpoint, count = arg[#arg - 1], tonumber(arg[#arg])
local ledger = #arg > 2 and arg[1] ~= "-" and arg[1] or nil
local concurrency = #arg > 3 and tonumber(arg[2]) or nil
if concurrency then endpoint = endpoint:gsub("/public/v1$", "/slow/public/v1") end

-- Resident memory in KiB.
local function resident()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmRSS:%s*(%d+)"
    if kib then return tonumber(kib) end
  end
end

local client = connect.ConnectClient(endpoint, "ApiKey SU-000-000-000:secret")
if ledger then
  for _, ending in ipairs { "", "-wal", "-shm", ".lock" } do os.remove(ledger .. ending) end
end
local batches = 0
local summary = assert(client.usageRecords:closeMany(entries(count), {
  ledger = ledger, concurrency = concurrency,
  onProgress = function()
    batches = batches + 1
    if batches % (count // 1000) == 0 then print("resident", resident()) end
  end,
}))
assert(summary.closed == count and summary.read == count)
