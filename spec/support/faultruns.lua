--- Random calls under random faults. A run is made from its seed alone: a script of faults, a client with random
--- options, and a few calls; what came of them is judged by faultjudge.lua.
---
---     faultseries.check(faultruns, 300, seed)
---
--- Waiting takes no time, but for attempts that get no reply: those have 50 ms. Some runs go through a proxy that adds
--- stale replies (staleproxy.lua); in some calls other Lua code comes between (interference.lua, and in hooks).

local faultcalls = require "spec.support.faultcalls"
local faultclients = require "spec.support.faultclients"
local faultjudge = require "spec.support.faultjudge"
local faultmeddling = require "spec.support.faultmeddling"
local faultscripts = require "spec.support.faultscripts"
local faultseries = require "spec.support.faultseries"
local testenv = require "spec.support.testenv"

local faultruns = { name = "one by one" }

--- What the sandbox of the runs is started with.
faultruns.SANDBOX = { records = 40, chunks = 12, downloadBytes = 3000 }

--- What a run behind the proxy can't have: the proxy takes connections when the sandbox's port is closed.
local function openPort(run)
  for _, rule in ipairs(run.script) do
    if rule.fault == "refuse" then rule.seconds = nil end
  end
  for _, call in ipairs(run.calls) do call.deaf = nil end
end

--- Makes a run.
---@param seed integer
---@return table run {seed, script, options, calls, ...}
function faultruns.make(seed)
  local chance = faultscripts.chance(seed)
  local run = { seed = seed, bulkRoute = chance(5) > 1, calls = {} }
  local short
  run.script, short = faultscripts.make(chance)
  run.options, run.watched = faultclients.options(chance, short)
  run.random = {}
  for i = 1, 16 do run.random[i] = (chance(1000) - 1) / 1000 end
  for number = 1, chance(5) do
    local call = faultcalls(chance, run, number)
    call.fresh = number == 1 or chance(6) == 1
    call.deaf = chance(15) == 1 and chance(5) or nil
    faultmeddling.draw(chance, call, run)
    run.calls[number] = call
  end
  run.stale = chance(3) == 1
  if run.stale then openPort(run) end
  return run
end

local function newClient(sb, run, current)
  local function callOf() return current.call end
  local endpoint = run.stale and run.proxy.endpoint or sb.endpoint
  local client = faultclients.new(endpoint, sb.apiKey, run, callOf)
  client:addBeforeRequestHook(function(request)
    local call = current.call
    if call.deaf and request.attempt >= call.deaf then
      call.deaf = nil
      sb:configure { listening = true }
    end
  end)
  return client
end

--- Makes one call; notes what came of it and what the sandbox received meanwhile.
local function perform(sb, call, client, chunk, log)
  local fired = faultseries.connectFaults(sb)
  if call.deaf then sb:configure { listening = false } end
  faultmeddling.perform(call, client, chunk)
  if call.deaf then sb:configure { listening = true } end
  call.received = sb:requests(#log + 1)
  table.move(call.received, 1, #call.received, #log + 1, log)
  call.connectFaults = faultseries.connectFaults(sb) - fired
end

-- The chunk whose method a call uses; the collection does it where the faults don't let it be read.
local function chunkOf(sb, client, call, log)
  local chunk = client.usageChunks:get(call.id)
  for _, request in ipairs(sb:requests(#log + 1)) do log[#log + 1] = request end
  return chunk
end

--- Carries a run out.
---@param sb Sandbox
---@param run table with a `proxy` (staleproxy.lua) where it is `stale`
---@return string[] problems
function faultruns.carryOut(sb, run)
  if run.stale then run.proxy:seed(run.seed) end
  local _ <close> = testenv.start { random = run.random }
  local current, log, client, chunk = {}, {}, nil, nil
  for _, call in ipairs(run.calls) do
    current.call = call
    if call.fresh or current.closed then
      if client then client:close() end
      client = newClient(sb, run, current)
    end
    if call.way == "object" then
      current.call = {}
      chunk = chunkOf(sb, client, call, log)
      current.call = call
    end
    if call.number == 1 then sb:configure { faults = run.script } end
    perform(sb, call, client, call.way == "object" and chunk or nil, log)
    debug.sethook()
    current.closed = call.closed
  end
  client:close()
  faultjudge.sortOut(run)
  return {}
end

return faultruns
