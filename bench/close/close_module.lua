-- close_module.lua ENDPOINT COUNT : closes COUNT records with this module; with COUNT "-" as bench/slices.c says.
local connect = require "cloudblue.connect"
local slices = require "bench.slices"

local client = connect.ConnectClient(arg[1], "ApiKey SU-000-000-000:secret")
local records = connect.UsageRecordResource(client)
slices.run(arg[2], function(first, last)
  for i = first, last do
    local chunk = assert(records:close(("UR-2026-01-0000-0001-%06d"):format(i), "BILL-77", "January run"))
    assert(chunk.status == "closed")
  end
end)
