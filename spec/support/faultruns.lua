--- Random calls under random faults. A run is made from its seed alone: a script of faults, a client with random
--- options, and a few calls; what came of them is judged by faultjudge.lua.
---
---     local summary = faultruns.many(sandbox, 300, seed)
---     summary.problems         -- {} where journal and answers agree
---
--- Waiting takes no time, but for attempts that get no reply: those have 50 ms. Some runs go through a proxy that adds
--- stale replies (staleproxy.lua); in some calls other Lua code comes between (interference.lua, and in hooks).

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"
local faultcalls = require "spec.support.faultcalls"
local faultjudge = require "spec.support.faultjudge"
local faultscripts = require "spec.support.faultscripts"
local interference = require "spec.support.interference"
local json = require "cjson"
local staleproxy = require "spec.support.staleproxy"
local testenv = require "spec.support.testenv"

local faultruns = {}

--- What the sandbox of the runs is started with.
faultruns.SANDBOX = { records = 40, chunks = 12, downloadBytes = 3000 }

-- Seconds of an attempt: where faults let it wait, and where nothing does. The judge reads the order of requests in the
-- sandbox's log: a sandbox that is slower than that (TEST_SLOWNESS, see scene.lua) would log them late.
local SHORT, LONG = 0.05 * (tonumber(os.getenv "TEST_SLOWNESS") or 1), 20

local pick = faultscripts.pick

--- Options of the run's client. `short` says whether an attempt may run out of time.
local function clientOptions(chance, short)
  local options = { maxResponseBytes = faultscripts.MOST, retries = pick(chance, { 3, 3, 3, 0, 1, 2, 5 }) }
  options.timeout = short and SHORT or LONG
  options.deadline = pick(chance, { 300, 300, 300, 300, 60, 10, 3, 1, 0.1, 0.3 })
  return options, short or options.deadline < LONG
end

-- What comes between at any place of a call, and not only in its hooks: see interference.lua.
local KINDS = { "call", "return", "line", "count", "finalizer" }
local ACTS = { "collect", "nested", "close" }

local function anyPlace(chance)
  local kind = pick(chance, KINDS)
  return { kind = kind, n = 1 + (chance(kind == "count" and 150 or 40) - 1) * interference.kinds[kind],
    act = pick(chance, ACTS) }
end

--- What a run behind the proxy can't have: the proxy takes connections when the sandbox's port is closed.
local function openPort(run)
  for _, rule in ipairs(run.script) do
    if rule.fault == "refuse" then rule.seconds = nil end
  end
  for _, call in ipairs(run.calls) do call.deaf = nil end
end

local MEDDLERS = { "collect", "finalizer", "nested", "close", "closingFinalizer", "debugHook" }

--- Makes a run.
---@param seed integer
---@return table run {seed, script, options, calls, ...}
function faultruns.make(seed)
  local chance = faultscripts.chance(seed)
  local run = { seed = seed, bulkRoute = chance(5) > 1, calls = {} }
  local short
  run.script, short = faultscripts.make(chance)
  run.options, run.watched = clientOptions(chance, short)
  run.random = {}
  for i = 1, 16 do run.random[i] = (chance(1000) - 1) / 1000 end
  for number = 1, chance(5) do
    local call = faultcalls(chance, run, number)
    call.number = number
    call.fresh = number == 1 or chance(6) == 1
    call.deaf = chance(15) == 1 and chance(5) or nil
    call.meddle = chance(3) == 1 and pick(chance, MEDDLERS) or nil
    call.meddleAt = chance(4)
    if not call.meddle and chance(4) == 1 then call.interference = anyPlace(chance) end
    run.calls[number] = call
  end
  run.stale = chance(3) == 1
  if run.stale then openPort(run) end
  return run
end

-- Lua code that runs in the middle of a call: each gets the client, and the call.
local meddling = {
  collect = function() collectgarbage() end,
  -- A finalizer that makes a call of its own with the same client, and drives what is in flight.
  finalizer = function(client)
    setmetatable({}, { __gc = function() client:request("GET", "/usage/aggregates", { retries = 0 }) end })
    collectgarbage()
  end,
  nested = function(client) client:request("GET", "/usage/aggregates", { retries = 0 }) end,
  close = function(client, call)
    call.closed = true
    client:close()
  end,
  closingFinalizer = function(client, call)
    setmetatable({}, { __gc = function()
      call.closed = true
      client:close()
    end })
    collectgarbage()
  end,
  -- A debug hook at some later instruction, in the middle of the module's own Lua calls, too.
  debugHook = function(client, call)
    debug.sethook(function()
      debug.sethook()
      call.closed = true
      client:close()
    end, "", call.meddleAt * 7)
  end,
}

-- Has the call meddled with at its n-th hook.
local function meddle(client, current, state)
  local call = current.call
  if state.busy or not call.meddle then return end
  call.events = (call.events or 0) + 1
  if call.events ~= call.meddleAt then return end
  state.busy = true
  meddling[call.meddle](client, call)
  state.busy = false
end

local function newClient(sb, run, current)
  local client = connect.ConnectClient(run.stale and run.proxy.endpoint or sb.endpoint, sb.apiKey, run.options)
  local state = { busy = false }
  client:addBeforeRequestHook(function() meddle(client, current, state) end)
  client:addAfterResponseHook(function() meddle(client, current, state) end)
  if run.watched then
    client:addAfterResponseHook(function(response)
      if response.error and response.error:find("timeout", 1, true) then current.call.timedOut = true end
    end)
  end
  client:addBeforeRequestHook(function(request)
    local call = current.call
    if call.deaf and request.attempt >= call.deaf then
      call.deaf = nil
      sb:configure { listening = true }
    end
  end)
  return client
end

local function connectFaults(sb)
  local fired = 0
  for _, rule in ipairs(sb:faults()) do
    if rule.on == "connect" then fired = fired + rule.fired end
  end
  return fired
end

--- What pcall of the call returns, packed.
local function called(call, client, chunk)
  local between = call.interference
  if not between then return table.pack(pcall(call.perform, client, chunk)) end
  local function act() meddling[between.act](client, call) end
  return (select(2, interference.at(between.kind, between.n, act, call.perform, client, chunk)))
end

--- Makes one call; notes what came of it and what the sandbox received meanwhile.
local function perform(sb, call, client, chunk, log)
  local fired = connectFaults(sb)
  if call.deaf then sb:configure { listening = false } end
  local done, result, failure = table.unpack(called(call, client, chunk), 1, 3)
  if call.deaf then sb:configure { listening = true } end
  if not done and call.closed and tostring(result):find("the client is closed", 1, true) then
    call.failure = { kind = "cancelled", outcome = "unsent", attempts = 0 } -- before it began
  elseif not done then
    call.raised = tostring(result)
  else
    call.result, call.failure = result, result == nil and failure or nil
  end
  call.first = #log + 1
  for _, request in ipairs(sb:requests(#log + 1)) do log[#log + 1] = request end
  call.last = #log
  call.connectFaults = connectFaults(sb) - fired
end

--- Waits until no request is late any more.
local function settle(sb)
  local finish = cqueues.monotime() + 3
  repeat
    local late = false
    for _, request in ipairs(sb:requests()) do
      late = late or request.fault == "delay" and not request.status
    end
    if late then cqueues.sleep(0.005) end
  until not late or cqueues.monotime() > finish
end

--- Carries a run out.
---@param sb Sandbox
---@param run table with a `proxy` (staleproxy.lua) where it is `stale`
---@return table journal what the sandbox carried out
---@return table[] log what it received
function faultruns.carryOut(sb, run)
  if run.stale then run.proxy:seed(run.seed) end
  sb:reset()
  sb:configure { faults = {}, bulkRoute = run.bulkRoute, listening = true }
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
      chunk = faultruns.chunkOf(sb, client, call, log)
      current.call = call
    end
    if call.number == 1 then sb:configure { faults = run.script } end
    perform(sb, call, client, call.way == "object" and chunk or nil, log)
    debug.sethook()
    current.closed = call.closed
  end
  client:close()
  settle(sb)
  return sb:journal(), log
end

--- The chunk whose method a call uses; the collection does it where the faults don't let it be read.
function faultruns.chunkOf(sb, client, call, log)
  local chunk = client.usageChunks:get(call.id)
  for _, request in ipairs(sb:requests(#log + 1)) do log[#log + 1] = request end
  return chunk
end

local function shown(run, problem)
  local calls = {}
  for i, call in ipairs(run.calls) do
    local came = call.raised or call.failure and call.failure.outcome .. " " .. tostring(call.failure) or "success"
    local place = call.interference
    local between = call.meddle or place and ("%s at %s %d"):format(place.act, place.kind, place.n) or "nothing"
    calls[i] = ("  %d. %s %s %s, between: %s: %s"):format(
      i, call.way or call.kind, call.id or "", call.bill or "", between, came)
  end
  return table.concat({
    problem,
    ("  again: FAULT_SEED=%d FAULT_RUNS=1 busted spec/faults_spec.lua"):format(run.seed),
    "  faults: " .. json.encode(run.script),
    "  options: " .. json.encode(run.options) .. (run.stale and ", behind the proxy" or ""),
    table.concat(calls, "\n"),
  }, "\n")
end

--- Carries out many runs; that of number n has the seed `seed + n - 1`.
---@param sb Sandbox started with faultruns.SANDBOX
---@param count integer
---@param seed integer
---@return table summary {runs, calls, success, confirmed, rejected, unsent, unknown, stale, problems}
function faultruns.many(sb, count, seed)
  local summary = { seed = seed, runs = 0, calls = 0, requests = 0, faults = 0, success = 0, confirmed = 0,
    rejected = 0, unsent = 0, unknown = 0, problems = {} }
  local proxy <close> = staleproxy.start(sb.port)
  for number = 0, count - 1 do
    local run = faultruns.make(seed + number)
    run.proxy = proxy
    local journal, log = faultruns.carryOut(sb, run)
    local problems = faultjudge.judge(run, journal, log)
    for _, problem in ipairs(sb:problems()) do problems[#problems + 1] = "the sandbox failed: " .. problem end
    for _, problem in ipairs(problems) do summary.problems[#summary.problems + 1] = shown(run, problem) end
    faultjudge.count(run, log, summary)
  end
  summary.stale = proxy:added()
  for _, problem in ipairs(proxy:problems()) do table.insert(summary.problems, "the proxy failed: " .. problem) end
  return summary
end

--- A summary in one line.
---@param summary table
---@return string
function faultruns.line(summary)
  return (("%d runs from seed %d, %d disagreements: %d calls, %d requests, %d faults; %d successes (%d confirmed), "
    .. "%d rejected, %d unsent, %d unknown; %d times there were bytes that nobody had asked for"):format(
    summary.runs, summary.seed, #summary.problems, summary.calls, summary.requests, summary.faults, summary.success,
    summary.confirmed, summary.rejected, summary.unsent, summary.unknown, summary.stale))
end

return faultruns
