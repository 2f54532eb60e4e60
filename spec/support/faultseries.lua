--- Carries out many random runs of a kind (faultruns.lua, faultcrowds.lua), each judged by faultjudge.lua.
---
---     faultseries.check(faultruns, 300, seed)
---     faultseries.check(faultcrowds.of "tasks", 100, seed)

local assert = require "luassert"
local cqueues = require "cqueues"
local faultjudge = require "spec.support.faultjudge"
local faultmeddling = require "spec.support.faultmeddling"
local json = require "cjson"
local sandbox = require "cloudblue.connect.sandbox"
local staleproxy = require "spec.support.staleproxy"

local faultseries = {}

-- Seconds after which nothing comes any more of what was cut off, or late.
local PATIENCE = 0.15 * (tonumber(os.getenv "TEST_SLOWNESS") or 1)

--- How many connections met a fault.
---@param sb Sandbox
---@return integer
function faultseries.connectFaults(sb)
  local fired = 0
  for _, rule in ipairs(sb:faults()) do
    if rule.on == "connect" then fired = fired + rule.fired end
  end
  return fired
end

--- Waits until no request is late any more, and none comes. What a client wrote before it was closed has come when the
--- sandbox was asked twice since: it looks at its sockets before each answer.
local function settled(sb)
  local finish, count = cqueues.monotime() + PATIENCE, -1
  local requests
  repeat
    local late = false
    requests = sb:requests()
    for _, request in ipairs(requests) do
      late = late or request.fault == "delay" and not request.status
    end
    late, count = late or #requests ~= count, #requests
    if late then cqueues.sleep(0.002) end
  until not late or cqueues.monotime() > finish
  return requests
end

-- How many descriptors the process has open.
local function descriptors()
  local list <close> = assert(io.popen "ls /proc/$PPID/fd | wc -l")
  return tonumber(list:read "a")
end

local function answerOf(call)
  if call.notMade then return "never made" end
  if call.givenUp then return "given up" end
  return call.raised or call.failure and call.failure.outcome .. " " .. tostring(call.failure) or "success"
end

local function shown(run, problem)
  local calls = {}
  for i, call in ipairs(run.calls) do
    calls[i] = ("  %d. %s %s %s, between: %s: %s"):format(
      i, call.way or call.kind, call.id or "", call.bill or "", faultmeddling.describe(call), answerOf(call))
  end
  return table.concat({
    problem,
    ("  again: FAULT_SEED=%d FAULT_RUNS=1 busted spec/faults_spec.lua"):format(run.seed),
    "  faults: " .. json.encode(run.script),
    "  options: " .. json.encode(run.options) .. (run.stale and ", behind the proxy" or ""),
    "  " .. (run.description or "one after the other"),
    table.concat(calls, "\n"),
  }, "\n")
end

local function carryOut(sb, kind, run, summary)
  sb:reset()
  sb:configure { faults = {}, bulkRoute = run.bulkRoute, listening = true }
  local problems = kind.carryOut(sb, run)
  local log = settled(sb)
  if run.crowd then faultjudge.attribute(run, log) end
  for _, problem in ipairs(faultjudge.judge(run, sb:journal())) do problems[#problems + 1] = problem end
  for _, problem in ipairs(sb:problems()) do problems[#problems + 1] = "the sandbox failed: " .. problem end
  for _, problem in ipairs(problems) do summary.problems[#summary.problems + 1] = shown(run, problem) end
  faultjudge.count(run, log, summary)
end

--- Carries out runs; that of number n has the seed `seed + n - 1`.
---@param kind table {name, SANDBOX, make(seed), carryOut(sandbox, run) → problems}
---@param count integer
---@param seed integer
---@return table summary {runs, calls, success, confirmed, rejected, unsent, unknown, stale, problems}
function faultseries.run(kind, count, seed)
  local summary = { seed = seed, runs = 0, calls = 0, requests = 0, faults = 0, success = 0, confirmed = 0,
    rejected = 0, unsent = 0, unknown = 0, givenUp = 0, problems = {} }
  local sb <close> = assert(sandbox.start(kind.SANDBOX))
  local proxy <close> = staleproxy.start(sb.port)
  for number = 0, count - 1 do
    local run = kind.make(seed + number)
    run.proxy = proxy
    carryOut(sb, kind, run, summary)
  end
  summary.stale = proxy:added()
  for _, problem in ipairs(proxy:problems()) do table.insert(summary.problems, "the proxy failed: " .. problem) end
  return summary
end

--- A summary in one line.
---@param summary table
---@return string
local function line(summary)
  return (("%d runs from seed %d, %d disagreements: %d calls, %d requests, %d faults; %d successes (%d confirmed), "
    .. "%d rejected, %d unsent, %d unknown, %d given up; %d times there were bytes that nobody had asked for"):format(
    summary.runs, summary.seed, #summary.problems, summary.calls, summary.requests, summary.faults, summary.success,
    summary.confirmed, summary.rejected, summary.unsent, summary.unknown, summary.givenUp, summary.stale))
end

--- Carries out runs, prints what they came to in one line, and asserts that journal and answers agree and that nothing
--- stays open.
---@param kind table
---@param count integer
---@param seed integer
function faultseries.check(kind, count, seed)
  faultseries.run(kind, 1, seed) -- what opens a descriptor once and keeps it
  collectgarbage()
  local before = descriptors()
  local summary = faultseries.run(kind, count, seed)
  print(("# %s: %s"):format(kind.name, line(summary)))
  assert.equal(count, summary.runs)
  assert.equal("", table.concat(summary.problems, "\n"))
  collectgarbage()
  -- A few come and go with the sandbox and its thread.
  assert.is_true(descriptors() < before + 5)
end

return faultseries
