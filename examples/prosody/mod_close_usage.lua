-- A module of Prosody 0.12 that closes usage records from a task of mod_cron, once an hour. The server goes on
-- meanwhile.
--
--     VirtualHost "example.com"
--         modules_enabled = { "close_usage" }
--         close_usage_key = "ApiKey SU-000-000-000:secret"
--
-- What is to be closed comes from the host's other modules, and is kept in the host's store until it is closed, so that
-- a restart forgets nothing. Without a billing id a record is forgotten:
--
--     module:fire_event("close-usage", { id = "UR-2026-01-0000-0001", bill = "BILL-77" })

-- luacheck: globals module
local connect = require "cloudblue.connect"
local loop = require "cloudblue.connect.loop.prosody"

module:depends("cron")

local client = connect.ConnectClient {
  endpoint = module:get_option_string("close_usage_endpoint"),
  apiKey = module:get_option_string("close_usage_key"),
}
client:attach(loop)

local store = module:open_store()
local waiting = store:get(nil) or {} -- record id → billing id

module:hook("close-usage", function(event)
  waiting[event.id] = event.bill
  assert(store:set(nil, waiting))
  return true
end)

-- The records that wait now: others may come while a call waits.
local function ids()
  local list = {}
  for id in pairs(waiting) do list[#list + 1] = id end
  table.sort(list)
  return list
end

-- What an earlier run has left, or a server that was stopped, may be closed already: it is looked at first.
local function close(id, bill)
  local chunk, failure = client.usageRecords:settle(id, bill)
  if chunk == false then return client.usageRecords:close(id, bill) end
  return chunk, failure
end

-- mod_cron runs this in a coroutine of util.async, where a call waits in the server's loop.
module:hourly("Close usage records", function()
  for _, id in ipairs(ids()) do
    local bill = waiting[id]
    local chunk, failure
    if bill then chunk, failure = close(id, bill) end
    if chunk then
      module:log("info", "%s is closed as %s", id, bill)
      if waiting[id] == bill then module:fire_event("close-usage", { id = id }) end
    elseif failure then
      module:log("error", "%s; it is tried again in the next run", failure)
    end
  end
end)

-- Calls that wait then end as "cancelled".
function module.unload()
  client:close()
end
