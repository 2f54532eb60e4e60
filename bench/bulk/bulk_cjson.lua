-- bulk_cjson.lua ENDPOINT COUNT : what lua-cjson alone takes for the bytes of so many records closed in batches of 100:
-- each batch is made, encoded, and a reply to it is decoded. Nothing is sent.
local cjson = require("cjson").new()
local entries = require "bench.bulk.entries"

local BATCH <const> = 100

local count = tonumber(arg[2])
local nextEntry = entries(count)

-- The reply to a batch, once: of as many bytes as each has.
local reply = {}
for entry in entries(BATCH) do
  reply[#reply + 1] = ('{"id":"%s","status":"closed","error_codes":"","error_details":""}'):format(entry.id)
end
local text = "[" .. table.concat(reply, ",") .. "]"

for _ = 1, count // BATCH do
  local batch = {}
  for index = 1, BATCH do batch[index] = nextEntry() end
  assert(#cjson.encode(batch) > 0)
  assert(cjson.decode(text)[BATCH].status == "closed")
end
