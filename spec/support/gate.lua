--- A service that closes every record as B-1, and counts how many requests it holds at once. A handler of rawserver.
---
---     local s <close> = gate.start { hold = 8 }              -- answers none before so many wait
---     local s <close> = gate.start { delay = 0.05 }          -- answers each after so many seconds
---     local s <close> = gate.start { first = 503, hold = 8 } -- that status at once for a record's first request
---     s:account()      -- {most = 8, total = 8}: held at once, received in all
---
--- The other fields of the options are those of service.answering.

local gate = {}

local function reply(status, id)
  local rawserver = require "spec.support.rawserver"
  return rawserver.reply(status, ('{"id":"%s","status":"closed","external_billing_id":"B-1"}'):format(id))
end

-- Until so many wait; after that nobody does any more.
local function hold(server)
  server.open = server.open or require("cqueues.condition").new()
  if server.waiting >= server.hold then
    server.passed = true
    server.open:signal()
  end
  while not server.passed do server.open:wait() end
end

local function await(server)
  server.waiting = (server.waiting or 0) + 1
  server.most = math.max(server.most or 0, server.waiting)
  if server.hold then hold(server) end
  if server.delay then require("cqueues").sleep(server.delay) end
  server.waiting = server.waiting - 1
end

function gate.serve(server, state, head)
  local rawserver = require "spec.support.rawserver"
  local id = head:match "/records/([^/ ]+)"
  server.total = (server.total or 0) + 1
  server.seen = server.seen or {}
  if server.first and not server.seen[id] then
    server.seen[id] = true
    return rawserver.write(state, rawserver.reply(server.first, "{}", { ["Retry-After"] = "0" }))
  end
  await(server)
  return rawserver.write(state, reply(200, id))
end

function gate.account(server)
  return { most = server.most or 0, total = server.total or 0 }
end

--- Starts one, with a client of it.
---@param options table see above
---@param client table? options of the client
---@return Service
function gate.start(options, client)
  options.handler = "spec.support.gate"
  return require("spec.support.service").handled(options, client)
end

return gate
