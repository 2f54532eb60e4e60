--- Random calls under random faults. A run is made from its seed alone: a script of faults, a client with random
--- options, and a few calls; what came of them is judged by faultjudge.lua.
---
---     local summary = faultruns.many(sandbox, 300, seed)
---     summary.problems         -- {} where journal and answers agree
---
--- Waiting takes no time, but for attempts that get no reply: those have 50 ms.

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"
local faultjudge = require "spec.support.faultjudge"
local json = require "cjson"
local testenv = require "spec.support.testenv"

local faultruns = {}

--- What the sandbox of the runs is started with.
faultruns.SANDBOX = { records = 40, chunks = 12, downloadBytes = 3000 }

local RULES = "/products/PRD-000-000-001/usage/rules"

-- Seconds of an attempt: where faults let it wait, and where nothing does.
local SHORT, LONG = 0.05, 20

-- Replies over this many bytes are too large.
local MOST = 32768

-- ==== Chance ==========================================================

--- A generator (splitmix64): gives an integer from 1 to n.
local function chanceFrom(seed)
  local state = seed
  return function(n)
    state = state + 0x9E3779B97F4A7C15
    local z = state
    z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ~ (z >> 27)) * 0x94D049BB133111EB
    return ((z ~ (z >> 31)) >> 1) % n + 1
  end
end

local function pick(chance, list)
  return list[chance(#list)]
end

-- ==== Faults ==========================================================

local CLOSES = {
  "POST /usage/records/*/close", "POST /usage/records/close-records", "POST /usage/records/*/close-records",
  "POST /usage/chunks/*/close",
}
local READS = { "GET /usage/records/*", "GET /usage/chunks/*", "GET /usage/records", "GET /**" }
local MANY = { "POST /**", "POST /usage/**", "* /**" }
-- Calls besides whose replies have to be read.
local READ_REPLIES = { "PUT /**", "POST /products/**", "POST /usage/reconciliations" }
local FEW = {
  "PUT /**", "DELETE /**", "POST /products/**", "POST /usage/chunks/*/regenerate", "POST /usage/reconciliations",
  "GET /usage/chunks/*/download",
}

local function anywhere(chance)
  return pick(chance, pick(chance, { CLOSES, MANY, MANY, READS, FEW }))
end

--- A wish to come later, or none, in the ways it can be written.
local function wish(chance, rule)
  local way = chance(5)
  if way == 1 then rule.retryAfter = chance(40) - 1 end
  if way == 2 then rule.retryAfterDate = chance(40) - 1 end
  if way == 3 then rule.retryAfter = pick(chance, { "soon", "-1", "1.5", "" }) end
  return rule
end

--- The faults. Each gives a rule without `on`, or with it where it makes sense there alone. Nowhere does a service say
--- what isn't so: a refusal, 429 and 503 with Retry-After say that nothing was done, 2xx that it was. (2xx with an
--- unreadable body may come without effect, where a call needs to read it.)
local FAULTS = {
  function(chance) return { fault = "refuse", seconds = chance(3) == 1 and chance(60) / 1000 or nil } end,
  function(chance) return { fault = "hang", applied = chance(2) == 1, short = true } end,
  function(chance) return { fault = "delay", seconds = chance(120) / 1000, short = chance(3) > 1 } end,
  function(chance) return { fault = "slow", bytes = 15 + chance(64), seconds = 0.001, short = chance(3) == 1 } end,
  function() return { fault = "reset-before" } end,
  function() return { fault = "reset-after" } end,
  function(chance) return { fault = "reset-middle", bytes = chance(2) == 1 and chance(300) - 1 or nil } end,
  function(chance) return { fault = "truncate", bytes = chance(2) == 1 and chance(300) - 1 or nil } end,
  function(chance) return { on = pick(chance, pick(chance, { CLOSES, READS, READ_REPLIES })), fault = "garbage" } end,
  function(chance) return { on = pick(chance, pick(chance, { CLOSES, READS, READ_REPLIES })), fault = "empty" } end,
  function(chance) return { on = pick(chance, CLOSES), fault = "garbage", applied = false } end,
  function(chance) return { on = pick(chance, CLOSES), fault = "empty", applied = false } end,
  function(chance) return { fault = "oversized", bytes = MOST + chance(MOST), applied = chance(2) == 1 } end,
  function(chance) return wish(chance, { fault = "status", status = 429, plain = chance(3) == 1 }) end,
  function(chance) return wish(chance, { fault = "status", status = 503 }) end,
  function(chance)
    return { fault = "status", status = pick(chance, { 500, 502, 503, 504 }), applied = chance(2) == 1,
      plain = chance(3) == 1 }
  end,
  function(chance)
    return { fault = "status", status = pick(chance, { 301, 307, 400, 401, 403, 404, 405, 409, 422, 501 }) }
  end,
  function(chance)
    return { on = "connect", fault = "refuse", seconds = chance(2) == 1 and chance(40) / 1000 or nil }
  end,
  function() return { on = "connect", fault = "hang", short = true } end,
}

--- A script of up to 8 rules, and whether attempts must be short because of it.
local function makeScript(chance)
  local script, short = {}, false
  for number = 1, chance(9) - 1 do
    local rule = pick(chance, FAULTS)(chance)
    rule.on = rule.on or anywhere(chance)
    rule.nth = pick(chance, { 1, 1, 1, 2, 2, 3, 4, 6 })
    rule.count = pick(chance, { 1, 1, 1, 2, 3, "all" })
    if chance(5) == 1 then rule.every, rule.count = chance(3), nil end
    if rule.on ~= "connect" and chance(8) == 1 then rule.closeAs = "THEIRS-" .. number end
    short = short or rule.short == true
    rule.short = nil
    script[number] = rule
  end
  return script, short
end

-- ==== Calls ===========================================================

local function recordId(chance)
  return ("UR-2026-01-0000-%04d"):format(chance(6))
end

local function chunkId(chance)
  return ("UFC-2026-01-0000-%03d"):format(chance(4))
end

--- A billing id that no other call has.
local function newBill(chance, run, number)
  local head = ("B-%x-%d"):format(run.seed, number)
  return head .. pick(chance, { "", "", "", '"\\/', " ü€😀", "%2F&=?#", "\1\127", ("x"):rep(200) })
end

--- A close: of a record in one of two ways, or of a chunk in one of two ways. A record that is closed without a billing
--- id is asked for once in a run, or nobody could tell two such calls apart.
local function close(chance, run, number)
  local way = pick(chance, { "record", "record", "bulk", "bulk", "chunk", "object" })
  local call = { kind = "close", way = way, bill = newBill(chance, run, number), id = recordId(chance) }
  if way == "chunk" or way == "object" then
    call.id = chunkId(chance)
  elseif chance(8) == 1 then
    call.bill, call.id = nil, ("UR-2026-01-0000-%04d"):format(20 + number)
  end
  local note = chance(2) == 1 and "a note" or nil
  if way == "record" then
    call.perform = function(client) return client.usageRecords:close(call.id, call.bill, note) end
    call.path = "/usage/records/" .. call.id .. "/close"
  elseif way == "bulk" then
    call.perform = function(client)
      return client.usageRecords:closeRecords("UF-2026-01-0000", call.id, call.bill, note)
    end
    call.path, call.otherPath = "/usage/records/close-records", "/usage/records/UF-2026-01-0000/close-records"
  else
    call.perform = function(client, chunk)
      if chunk then return chunk:close(call.bill, note) end
      return client.usageChunks:close(call.id, call.bill, note)
    end
    call.path = "/usage/chunks/" .. call.id .. "/close"
  end
  call.method, call.probe = "POST", call.path:match("^/usage/%a+/") .. call.id
  return call
end

local KINDS = {
  close, close, close, close, close, close, close,
  function(chance)
    local id = recordId(chance)
    return { kind = "get", id = id, method = "GET", path = "/usage/records/" .. id,
      perform = function(client) return client.usageRecords:get(id) end }
  end,
  function()
    return { kind = "search", method = "GET", path = "/usage/records",
      perform = function(client) return client.usageRecords:search { limit = 5 } end }
  end,
  function(chance, run, number)
    local id, mark = chunkId(chance), newBill(chance, run, number)
    return { kind = "update", id = id, mark = mark, method = "PUT", path = "/usage/chunks/" .. id,
      perform = function(client) return client.usageChunks:update(id, { external_id = mark:sub(1, 100) }) end }
  end,
  function(chance)
    local id = "UIR-000-000-00" .. chance(2)
    return { kind = "delete", id = id, method = "DELETE", path = RULES .. "/" .. id,
      perform = function(client) return connect.GenericResource(client, RULES):delete(id) end }
  end,
  function()
    return { kind = "create", method = "POST", path = RULES,
      perform = function(client) return connect.GenericResource(client, RULES):create { action = "accept" } end }
  end,
  function(chance)
    local id = chunkId(chance)
    local path = "/usage/chunks/" .. id .. "/regenerate"
    return { kind = "regenerate", id = id, method = "POST", path = path,
      perform = chance(2) == 1 and function(client) return client.usageChunks:regenerate(id) end
        or function(client) return client:request("POST", path) end }
  end,
  function(chance)
    local id, pieces = chunkId(chance), {}
    local sink = chance(2) == 1 and function(piece) pieces[#pieces + 1] = piece end or nil
    return { kind = "download", id = id, method = "GET", path = "/usage/chunks/" .. id .. "/download",
      pieces = sink and pieces,
      perform = function(client) return client.usageChunks:download(id, sink) end }
  end,
  function(chance, run, number)
    local mark, left = newBill(chance, run, number):gsub("%c", "_"), 3
    local function reader()
      left = left - 1
      return left >= 0 and ("piece"):rep(100) or nil
    end
    local file = { name = "recon.xlsx", reader = chance(2) == 1 and reader or nil }
    if not file.reader then file.content = ("piece"):rep(300) end
    return { kind = "upload", mark = mark, method = "POST", path = "/usage/reconciliations",
      perform = function(client) return client.usageReconciliations:create(file, mark) end }
  end,
}

-- ==== Runs ============================================================

--- Options of the run's client. `short` says whether an attempt may run out of time.
local function clientOptions(chance, short)
  local options = { maxResponseBytes = MOST, retries = pick(chance, { 3, 3, 3, 0, 1, 2, 5 }) }
  options.timeout = short and SHORT or LONG
  options.deadline = pick(chance, { 300, 300, 300, 300, 60, 10, 3, 1, 0.1, 0.3 })
  return options, short or options.deadline < LONG
end

--- Makes a run.
---@param seed integer
---@return table run {seed, script, options, calls, ...}
function faultruns.make(seed)
  local chance = chanceFrom(seed)
  local run = { seed = seed, bulkRoute = chance(5) > 1, calls = {} }
  local short
  run.script, short = makeScript(chance)
  run.options, run.watched = clientOptions(chance, short)
  run.random = {}
  for i = 1, 16 do run.random[i] = (chance(1000) - 1) / 1000 end
  for number = 1, chance(5) do
    local call = pick(chance, KINDS)(chance, run, number)
    call.number = number
    call.fresh = number == 1 or chance(6) == 1
    call.deaf = chance(15) == 1 and chance(5) or nil
    run.calls[number] = call
  end
  return run
end

local function newClient(sb, run, current)
  local client = connect.ConnectClient(sb.endpoint, sb.apiKey, run.options)
  if run.watched then
    client:addAfterResponseHook(function(response)
      if response.error and response.error:find("time-out", 1, true) then current.call.timedOut = true end
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

--- Makes one call; notes what came of it and what the sandbox received meanwhile.
local function perform(sb, call, client, chunk, log)
  local fired = connectFaults(sb)
  if call.deaf then sb:configure { listening = false } end
  local done, result, failure = pcall(call.perform, client, chunk)
  if call.deaf then sb:configure { listening = true } end
  if not done then
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
---@param run table
---@return table journal what the sandbox carried out
---@return table[] log what it received
function faultruns.carryOut(sb, run)
  sb:reset()
  sb:configure { faults = {}, bulkRoute = run.bulkRoute, listening = true }
  local _ <close> = testenv.start { random = run.random }
  local current, log, client, chunk = {}, {}, nil, nil
  for _, call in ipairs(run.calls) do
    current.call = call
    if call.fresh then
      if client then client:close() end
      client = newClient(sb, run, current)
    end
    if call.way == "object" then chunk = faultruns.chunkOf(sb, client, call, log) end
    if call.number == 1 then sb:configure { faults = run.script } end
    perform(sb, call, client, call.way == "object" and chunk or nil, log)
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
    calls[i] = ("  %d. %s %s %s: %s"):format(i, call.way or call.kind, call.id or "", call.bill or "", came)
  end
  return table.concat({
    problem,
    ("  again: FAULT_SEED=%d FAULT_RUNS=1 busted spec/faults_spec.lua"):format(run.seed),
    "  faults: " .. json.encode(run.script),
    "  options: " .. json.encode(run.options),
    table.concat(calls, "\n"),
  }, "\n")
end

--- Carries out many runs; that of number n has the seed `seed + n - 1`.
---@param sb Sandbox started with faultruns.SANDBOX
---@param count integer
---@param seed integer
---@return table summary {runs, calls, success, confirmed, rejected, unsent, unknown, problems}
function faultruns.many(sb, count, seed)
  local summary = { seed = seed, runs = 0, calls = 0, requests = 0, faults = 0, success = 0, confirmed = 0,
    rejected = 0, unsent = 0, unknown = 0, problems = {} }
  for number = 0, count - 1 do
    local run = faultruns.make(seed + number)
    local journal, log = faultruns.carryOut(sb, run)
    local problems = faultjudge.judge(run, journal, log)
    for _, problem in ipairs(sb:problems()) do problems[#problems + 1] = "the sandbox failed: " .. problem end
    for _, problem in ipairs(problems) do summary.problems[#summary.problems + 1] = shown(run, problem) end
    faultjudge.count(run, log, summary)
  end
  return summary
end

--- A summary in one line.
---@param summary table
---@return string
function faultruns.line(summary)
  return (("%d runs from seed %d, %d disagreements: %d calls, %d requests, %d faults; %d successes (%d confirmed), "
    .. "%d rejected, %d unsent, %d unknown"):format(summary.runs, summary.seed, #summary.problems, summary.calls,
    summary.requests, summary.faults, summary.success, summary.confirmed, summary.rejected, summary.unsent,
    summary.unknown))
end

return faultruns
