--- The service of the specs of the loops: a handler of rawserver.lua that closes and reads every record, in a way that
--- the path of the endpoint names.
---
---     local raw <close> = loopservice.start()
---     raw.url .. "/fast/v1"      -- answers at once
---     raw.url .. "/slow/v1"      -- after 20 ms
---     raw.url .. "/late/v1"      -- after 0.3 s
---     raw.url .. "/hang/v1"      -- never
---     raw.url .. "/busy/v1"      -- the first request for each record is refused by 503 without Retry-After
---     raw:account()              -- { closes = { id = how many times it was closed }, hanging = integer }

local rawserver = require "spec.support.rawserver"

local loopservice = {}

local SLOW <const>, LATE <const> = 0.02, 0.3

local ways = {}

function ways.fast() return true end

function ways.slow()
  require("cqueues").sleep(SLOW)
  return true
end

function ways.late()
  require("cqueues").sleep(LATE)
  return true
end

function ways.hang(server, state)
  server.hanging = (server.hanging or 0) + 1
  while state.socket:xread(-65536, "b") do end
  return false
end

function ways.busy(server, state, id)
  server.refused = server.refused or {}
  if server.refused[id] then return true end
  server.refused[id] = true
  rawserver.write(state, rawserver.reply(503, ""))
  return nil
end

--- Answers one request; see rawserver.lua.
function loopservice.serve(server, state, head)
  local way, id, close = head:match("^%u+ /(%a+)/v1/usage/records/([^/? ]+)(%S*) ")
  if not way then return rawserver.write(state, rawserver.reply(404, "")) end
  local answers = ways[way](server, state, id)
  if not answers then return answers end
  if close == "/close" then
    server.closes = server.closes or {}
    server.closes[id] = (server.closes[id] or 0) + 1
  end
  local record = '{"id":"%s","status":"%s","external_billing_id":"B-1"}'
  return rawserver.write(state, rawserver.reply(200, record:format(id, close == "/close" and "closed" or "approved")))
end

--- What was done to which record.
function loopservice.account(server)
  return { closes = server.closes or {}, hanging = server.hanging or 0 }
end

--- Starts it.
---@return table raw the server
function loopservice.start()
  return rawserver.start { handler = "spec.support.loopservice" }
end

return loopservice
