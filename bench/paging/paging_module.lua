-- paging_module.lua ENDPOINT COUNT : walks the last COUNT of the 1,000,000 records in pages of 1000 with this module.
-- After each page it writes the memory that is resident, but with COUNT "-", as bench/slices.c says.
local connect = require "cloudblue.connect"
local slices = require "bench.slices"

local PAGE, TOTAL = 1000, 1000000

local client = connect.ConnectClient(arg[1], "ApiKey SU-000-000-000:secret")
local records = connect.UsageRecordResource(client)

-- In KiB; the kernel's pages have 4.
local function resident()
  local file <close> = assert(io.open("/proc/self/statm"))
  local _, pages = file:read("n", "n")
  return pages * 4
end

slices.run(arg[2], function(first, last)
  local count, met = last - first + 1, 0
  for record in records:all(nil, { limit = PAGE, offset = TOTAL - count }) do
    met = met + 1
    if met % PAGE == 0 then
      assert(math.type(record.tier) == "integer")
      if not slices.asked(arg[2]) then print("resident " .. resident()) end
    end
  end
  assert(met == count, "not every record was met")
end)
