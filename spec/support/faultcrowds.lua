--- Random calls under random faults, several at once: tasks, or calls in a loop (faultways.lua). A run is made from its
--- seed, as in faultruns.lua, and judged alike. What meets what depends on the moment; but rules of faults that name a
--- record count the requests of its call alone, so these meet the same each time.
---
---     faultseries.check(faultcrowds.of "tasks", 100, seed)

local faultcalls = require "spec.support.faultcalls"
local faultclients = require "spec.support.faultclients"
local faultmeddling = require "spec.support.faultmeddling"
local faultscripts = require "spec.support.faultscripts"
local faultseries = require "spec.support.faultseries"
local faultways = require "spec.support.faultways"
local testenv = require "spec.support.testenv"

local pick = faultscripts.pick

local faultcrowds = {}

-- What the sandbox is started with: there are objects that calls share, and some for each call alone.
local SANDBOX = { records = 70, chunks = 60, downloadBytes = 3000 }

-- Seconds that pass where nothing comes for a moment.
local HURRY = 0.25

-- ==== What is done ====================================================

--- The rules for single calls stand before those for all.
local function makeScript(chance, run)
  local short, others, isShort
  run.script, short = faultscripts.address(chance, run.calls)
  if chance(2) == 1 then
    others, isShort = faultscripts.make(chance)
    table.move(others, 1, #others, #run.script + 1, run.script)
    short = short or isShort
  end
  return short
end

--- Some calls are made by one task or coroutine that has tasks of its own.
local function makeItems(chance, calls)
  local items, i = {}, 1
  while i <= #calls do
    local count = chance(5) == 1 and math.min(1 + chance(3), #calls - i + 1) or 1
    items[#items + 1] = count == 1 and { call = calls[i] } or
      { inner = table.move(calls, i, i + count - 1, 1, {}), limit = chance(3) }
    i = i + count
  end
  return items
end

--- Whether a call blocks while others are in flight. The connections that these hold it can't have: an upload whose
--- reader is in a coroutine that can't go on holds one until it runs out of time.
local function isAnyBlocking(run)
  for _, call in ipairs(run.calls) do
    if call.inside or faultmeddling.blocks(call) then return true end
  end
  return table.concat(run.events, " "):find("detach", 1, true) ~= nil
end

local function make(seed, way)
  local chance = faultscripts.chance(seed)
  local run = { seed = seed, crowd = true, way = way, bulkRoute = chance(5) > 1, calls = {} }
  for number = 1, 1 + chance(11) do
    local call = faultcalls(chance, run, number)
    faultmeddling.draw(chance, call, run)
    call.client = chance(4) == 1 and 2 or 1
    call.inside = chance(10) == 1
    run.calls[number] = call
  end
  run.options = faultclients.options(chance, makeScript(chance, run))
  run.watched = true
  run.random = {}
  for i = 1, 16 do run.random[i] = (chance(1000) - 1) / 1000 end
  run.limit, run.items = pick(chance, { 1, 2, 3, 5, 16 }), makeItems(chance, run.calls)
  run.events = faultways[way].draw(chance)
  run.options.maxConnections = isAnyBlocking(run) and 64 or pick(chance, { 1, 2, 3, 8, 64 })
  run.description = ("in %s, limit %d: %s"):format(way, run.limit, table.concat(run.events, ", "))
  return run
end

-- ==== Carrying it out =================================================

--- What the ways of carrying out go by.
local function newStage(sb, run, time)
  local threads = setmetatable({}, { __mode = "k" })
  local stage = { run = run, time = time, problems = {}, clients = {}, over = false }
  local nobody = {}
  local function callOf() return threads[coroutine.running()] or nobody end
  for i = 1, 2 do
    local client = faultclients.new(sb.endpoint, sb.apiKey, run, callOf)
    client:addBeforeRequestHook(function(request)
      local call = callOf()
      if stage.over then stage.report "a request was begun after the end" end
      if not call.busy and not request.confirming then call.begun = (call.begun or 0) + 1 end
    end)
    stage.clients[i] = client
  end
  function stage.report(problem) table.insert(stage.problems, tostring(problem)) end
  function stage.enter(call) threads[coroutine.running()] = call end
  return stage
end

--- Makes a call, wherever that is.
local function perform(stage, call)
  local client = stage.clients[call.client]
  local chunk
  stage.enter {}
  call.started = true
  if call.way == "object" then
    local read, object = pcall(client.usageChunks.get, client.usageChunks, call.id)
    chunk = read and object or nil
  end
  stage.enter(call)
  faultmeddling.perform(call, client, chunk)
  debug.sethook()
  call.ended = true
end

--- How many faults met whoever came: those of connections, and a port that was closed, which resets what was not yet
--- accepted.
local function commonFaults(sb, run)
  local fired = faultseries.connectFaults(sb)
  for i, rule in ipairs(sb:faults()) do
    if run.script[i].fault == "refuse" and run.script[i].seconds then fired = fired + rule.fired end
  end
  return fired
end

--- Carries a run out.
---@param sb Sandbox
---@param run table
---@return string[] problems
local function carryOut(sb, run)
  local time <close> = testenv.start { random = run.random, hurry = HURRY }
  local stage = newStage(sb, run, time)
  function stage.perform(call)
    if not call.inside then return perform(stage, call) end
    coroutine.wrap(perform)(stage, call) -- where it can't wait, but blocks
  end
  sb:configure { faults = run.script }
  faultways[run.way].carryOut(stage)
  stage.over = true
  for _, client in ipairs(stage.clients) do client:close() end
  collectgarbage()
  local fired = commonFaults(sb, run)
  for _, call in ipairs(run.calls) do
    call.notMade, call.givenUp = not call.started, call.started and not call.ended
    call.connectFaults = fired
  end
  return stage.problems
end

--- The kind of runs for faultseries.lua.
---@param way string a name in faultways.lua
---@return table kind
function faultcrowds.of(way)
  return { name = way, SANDBOX = SANDBOX, make = function(seed) return make(seed, way) end, carryOut = carryOut }
end

return faultcrowds
