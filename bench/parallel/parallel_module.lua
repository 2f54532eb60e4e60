-- parallel_module.lua CONCURRENCY [VERSION CAFILE] ENDPOINT COUNT : closes COUNT records with this module, so many at
-- once; over TLS by that version of HTTP.
local connect = require "cloudblue.connect"

local concurrency, endpoint, count = tonumber(arg[1]), arg[#arg - 1], tonumber(arg[#arg])
local options = #arg > 3 and { http2 = arg[2] == "2", caFile = arg[3] } or nil
local client = connect.ConnectClient(endpoint, "ApiKey SU-000-000-000:secret", options)
local records = client.usageRecords

local number = 0
local function ids()
  number = number + 1
  return number <= count and ("UR-2026-01-0000-0001-%06d"):format(number) or nil
end

local closed = 0
for _, chunk, failure in client:parallel(concurrency, ids, function(id)
  return records:close(id, "BILL-77", "January run")
end) do
  assert(chunk, failure)
  assert(chunk.status == "closed")
  closed = closed + 1
end
assert(closed == count)
