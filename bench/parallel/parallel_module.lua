-- parallel_module.lua CONCURRENCY [VERSION CAFILE] ENDPOINT COUNT : closes COUNT records with this module (with COUNT
-- "-" as bench/slices.c says), so many at once; over TLS by that version of HTTP.
local connect = require "cloudblue.connect"
local slices = require "bench.slices"

local concurrency, endpoint = tonumber(arg[1]), arg[#arg - 1]
local options = #arg > 3 and { http2 = arg[2] == "2", caFile = arg[3] } or nil
local client = connect.ConnectClient(endpoint, "ApiKey SU-000-000-000:secret", options)
local records = client.usageRecords

slices.run(arg[#arg], function(first, last)
  local number, closed = first - 1, 0
  local function ids()
    number = number + 1
    return number <= last and ("UR-2026-01-0000-0001-%06d"):format(number) or nil
  end
  for _, chunk, failure in client:parallel(concurrency, ids, function(id)
    return records:close(id, "BILL-77", "January run")
  end) do
    assert(chunk, failure)
    assert(chunk.status == "closed")
    closed = closed + 1
  end
  assert(closed == last - first + 1)
end)
