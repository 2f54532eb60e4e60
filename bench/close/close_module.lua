-- close_module.lua ENDPOINT COUNT : closes COUNT records with this module.
local connect = require "cloudblue.connect"

local endpoint, count = arg[1], tonumber(arg[2])
local client = connect.ConnectClient(endpoint, "ApiKey SU-000-000-000:secret")
local records = connect.UsageRecordResource(client)
for i = 1, count do
  local chunk = assert(records:close(("UR-2026-01-0000-0001-%06d"):format(i), "BILL-77", "January run"))
  assert(chunk.status == "closed")
end
