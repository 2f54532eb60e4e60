--- Runs of closeMany with a ledger, each in a process of its own, that are killed and taken up again; and the judge,
--- who looks at what the sandbox carried out and at what the ledger says.
---
---     local place <close> = lives.start { records = 2000, ledger = path }
---     local process = place:begin()               -- a process that closes what is left
---     process:signal "KILL"
---     place:finish()                              -- until nothing is left
---     place:judge()                               -- {} where all is as it must be

local child = require "spec.support.child"
local cjson = require "cjson"
local cqueues = require "cqueues"
local faultscripts = require "spec.support.faultscripts"
local ledger = require "cloudblue.connect.closing.ledger"
local sandbox = require "cloudblue.connect.sandbox"

local pick = faultscripts.pick

local lives = {}

-- What a process runs: it closes the list, or goes on with what the ledger holds, and prints the summary.
local SCRIPT <const> = [[
  local connect, cjson = require "cloudblue.connect", require "cjson"
  local given = cjson.decode(os.getenv "RUN")
  local client = connect.ConnectClient(given.endpoint, given.apiKey, { timeout = given.timeout, retries = 2 })
  local list
  if given.records then
    list = {}
    for number = 1, given.records do
      local id = ("UR-2026-01-0000-0000-%04d-%04d"):format(number // 10000, number % 10000)
      list[number] = { id = id, external_billing_id = "RUN-" .. number }
    end
  end
  -- lua-cjson may decode integers as floats.
  for name, value in pairs(given.options) do
    if math.type(value) then given.options[name] = math.tointeger(value) or value end
  end
  local summary, failure = client.usageRecords:closeMany(list, given.options)
  if summary then summary.failure = summary.failure and tostring(summary.failure) end
  print(cjson.encode(summary or { refusal = tostring(failure), errorCode = failure.errorCode }))
]]

---@class LedgerLives
---@field sandbox Sandbox
---@field ledger string
---@field records integer
---@field batchSize integer
---@field inVain boolean? what is closed may be sent again
local Lives = {}
Lives.__index = Lives

--- Sets the scene: a sandbox with so many records, and a ledger that is not there yet.
---@param options {records: integer, ledger: string, batchSize: integer?, inVain: boolean?} inVain: what is
--- closed may be sent again, because requests are carried out late, or because the ledger has forgotten something
---@return LedgerLives
function lives.start(options)
  return setmetatable({
    sandbox = assert(sandbox.start { records = options.records }), ledger = options.ledger,
    records = options.records, batchSize = options.batchSize or 100, inVain = options.inVain,
  }, Lives)
end

function Lives:stop() self.sandbox:stop() end

Lives.__close = Lives.stop

-- ==== Faults =========================================================================================================

-- Everything takes so many times as long, under valgrind or beside others.
local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

local BULK, READ = "POST /usage/records/close-records", "GET /usage/records/*"

-- Seconds that an attempt may take.
local TIMEOUT <const> = 0.4 * SLOWNESS

-- What may happen to a request; nowhere does the service say what is not so.
local FAULTS = {
  function() return { fault = "reset-before" } end,
  function() return { fault = "reset-after" } end,
  function() return { fault = "reset-middle" } end,
  function() return { fault = "truncate" } end,
  function(chance) return { fault = "hang", seconds = 2 * TIMEOUT, applied = chance(2) == 1 } end,
  function() return { fault = "slow", bytes = 500, seconds = 0.002 } end,
  function(chance)
    return { fault = "status", status = pick(chance, { 408, 500, 502, 503, 504 }), applied = chance(2) == 1 }
  end,
  function(chance) return { fault = "status", status = pick(chance, { 429, 503 }), retryAfter = 0 } end,
  function(chance) return { fault = pick(chance, { "garbage", "empty" }), applied = chance(2) == 1 } end,
}

-- A request that is carried out late, perhaps when its sender is dead and the record was read.
local function late(chance) return { fault = "delay", seconds = TIMEOUT * chance(15) / 10 } end

-- A random script: up to four faults that come again and again.
local function faultsOf(chance, inVain)
  local script = {}
  for number = 1, chance(5) - 1 do
    local rule = (inVain and chance(#FAULTS) == 1 and late or pick(chance, FAULTS))(chance)
    local onBulk = chance(3) > 1
    rule.on, rule.nth, rule.every = onBulk and BULK or READ, chance(10), onBulk and 1 + chance(8) or 10 + chance(90)
    script[number] = rule
  end
  return script
end

-- ==== Processes ======================================================================================================

--- Begins a run in a process of its own.
---@param options table? of closeMany
---@param through string? a command that runs it in its own place
---@return table process a child, with `signal`
function Lives:begin(options, through)
  local given = { ledger = self.ledger, batchSize = self.batchSize }
  for name, value in pairs(options or {}) do given[name] = value end
  local records = given.resume ~= true and self.records or nil
  given.resume = nil
  return child.start(SCRIPT, {
    RUN = cjson.encode {
      endpoint = self.sandbox.endpoint, apiKey = self.sandbox.apiKey, timeout = TIMEOUT, records = records,
      options = given,
    },
  }, through)
end

--- What a process printed at its end.
---@return table? summary nil where it was killed
function lives.summary(process)
  local output = process:rest()
  process:stop()
  if output == "" then return nil end
  local done, summary = pcall(cjson.decode, output)
  return (assert(done and summary, output))
end

--- What the ledger says; nil where there is none yet.
function Lives:counts()
  local l <close> = ledger.open(self.ledger)
  return l and assert(l:counts())
end

--- Whether every entry has its final outcome.
function Lives:isDone()
  local counts = self:counts()
  return counts ~= nil and counts.total == self.records
    and counts.open + counts.sent + counts.unknown + counts.notTried == 0
end

--- Lets a process live for at most so many seconds.
---@param chance fun(n: integer): integer
---@param seconds number
---@return table? summary where it came to its end
---@return boolean killed
function Lives:live(chance, seconds)
  self.sandbox:configure { faults = faultsOf(chance, self.inVain) }
  -- Where nothing is planned, the list is needed.
  local counts = self:counts()
  local process = self:begin { resume = counts ~= nil and counts.total > 0 and chance(2) == 1 }
  cqueues.sleep(seconds * SLOWNESS)
  process:signal "KILL"
  local summary = lives.summary(process)
  return summary, summary == nil
end

-- ==== Losses =========================================================================================================

local function copy(from, to, tail)
  local source <close> = io.open(from, "rb")
  if not source then return end
  local target <close> = assert(io.open(to, "wb"))
  assert(target:write(source:read("a"), tail))
end

--- A loss of power: a run is stopped at a random moment, and what stands in its files is what is left, with a page at
--- the end of the log that was half written. The run goes on for a while, which nobody will know of.
---@param chance fun(n: integer): integer
---@param seconds number that the run lives before it, at most
function Lives:losePower(chance, seconds)
  self.sandbox:configure { faults = {} }
  local process = self:begin()
  cqueues.sleep(seconds * SLOWNESS * chance(1000) / 1000)
  process:signal "STOP"
  copy(self.ledger, self.ledger .. ".copy", "")
  copy(self.ledger .. "-wal", self.ledger .. ".copy-wal", string.char(chance(256) - 1):rep(chance(5000)))
  process:signal "CONT"
  cqueues.sleep(seconds * SLOWNESS * chance(1000) / 4000)
  process:signal "KILL"
  process:stop()
  for _, ending in ipairs { "", "-wal", "-shm" } do
    os.remove(self.ledger .. ending)
    os.rename(self.ledger .. ".copy" .. ending, self.ledger .. ending)
  end
end

--- Runs a process that can't make a file larger than that, as on a disk that is full.
---@param bytes integer
---@return string through
function lives.full(bytes)
  return ([[sh -c 'ulimit -f %d; trap "" XFSZ; exec "$@"' sh]]):format(bytes // 512)
end

--- Runs a process that may not write to files without the right to, which root may unless it gives that up.
lives.UNPRIVILEGED = [[sh -c '[ "$(id -u)" != 0 ] || set -- setpriv --bounding-set -dac_override,-dac_read_search "$@"
  exec "$@"' sh]]

--- Goes on without faults until nothing is left.
---@return table summary the last
function Lives:finish()
  self.sandbox:configure { faults = {} }
  local summary
  for _ = 1, 10 do
    summary = assert(lives.summary(self:begin()))
    if self:isDone() then break end
  end
  return summary
end

-- ==== Workers ========================================================================================================

-- Seconds after which something that is waited for is not going to happen.
local PATIENCE <const> = 20 * SLOWNESS

--- Waits until a function returns something.
---@param fn fun(): any
---@return any what it returns
function lives.await(fn)
  local stop = cqueues.monotime() + PATIENCE
  repeat
    local value = fn()
    if value then return value end
    cqueues.sleep(0.005)
  until cqueues.monotime() > stop
  error("it does not happen", 2)
end

--- Stops a worker at a moment when it has a batch in hand.
---@param l cloudblue.connect.closing.Ledger
---@param process table
---@param worker string its name in the ledger
---@return string batches their first entries, as a list of SQL
function lives.stopWithBatch(l, process, worker)
  return lives.await(function()
    process:signal "STOP"
    local batches = l.driver:first(
      ("SELECT string_agg(first::text, ',') FROM batches WHERE worker = '%s' AND state = 'sent'"):format(worker))
    if not batches then process:signal "CONT" end
    return batches
  end)
end

--- Begins a worker and waits until it has a batch in hand.
---@param l cloudblue.connect.closing.Ledger
---@param options table of closeMany
---@param known table<string, true> names of workers; the new one is added
---@return table process
---@return string worker its name in the ledger
function Lives:beginWorker(l, options, known)
  local process = self:begin(options)
  local name = lives.await(function()
    if not l.driver:hasTables() then return nil end
    for worker in l.driver:rows("SELECT DISTINCT worker FROM batches WHERE worker IS NOT NULL") do
      if not known[worker] then return worker end
    end
  end)
  known[name] = true
  return process, name
end

--- Waits until none of these batches is the worker's any more.
---@param l cloudblue.connect.closing.Ledger
---@param batches string
---@param worker string
function lives.awaitTakeover(l, batches, worker)
  lives.await(function()
    return l.driver:first(("SELECT count(*) FROM batches WHERE first IN (%s) AND worker = '%s'"):format(
      batches, worker)) == "0"
  end)
end

--- Lets some workers close the list, under random faults. Half of them are killed or stopped at random moments; those
--- that were stopped go on when their leases have ended, and then the faults end, too: a lease that is shorter than
--- what a batch takes under faults lets workers take batches from each other for a long time.
---@param chance fun(n: integer): integer
---@param count integer of workers
---@param options table of closeMany, with the lease
---@param seconds number after which something happens to a worker, at most
---@return string[] problems
function Lives:crowd(chance, count, options, seconds)
  self.sandbox:configure { faults = faultsOf(chance, self.inVain) }
  local processes, problems = {}, {}
  for number = 1, count do processes[number] = self:begin(options) end
  for number = 1, count // 2 do
    cqueues.sleep(seconds * SLOWNESS * chance(1000) / 1000)
    processes[number]:signal(chance(2) == 1 and "KILL" or "STOP")
  end
  cqueues.sleep(2 * options.lease)
  self.sandbox:configure { faults = {} }
  for number = 1, count // 2 do processes[number]:signal "CONT" end
  for _, process in ipairs(processes) do
    local summary = lives.summary(process)
    local list = summary and lives.problemsOf(summary) or {}
    table.move(list, 1, #list, #problems + 1, problems)
  end
  return problems
end

-- ==== The judge ======================================================================================================

-- Adds what the sandbox carried out: id -> how often, and under which billing id.
local function carriedOut(self)
  local times, bills = {}, {}
  for _, entry in ipairs(self.sandbox:journal()) do
    if entry.action == "close" then
      times[entry.id], bills[entry.id] = (times[entry.id] or 0) + 1, entry.external_billing_id
    end
  end
  return times, bills
end

local function sumOf(counts, names)
  local sum = 0
  for _, name in ipairs(names) do sum = sum + counts[name] end
  return sum
end

--- What is wrong with a summary: it does not add up, in itself or with the ledger.
---@return string[]
function lives.problemsOf(summary)
  local problems = {}
  if summary.refusal then return { "refused: " .. summary.refusal } end
  if summary.read ~= sumOf(summary, { "closed", "already", "refused", "unknown", "notTried" }) then
    problems[#problems + 1] = "the summary does not add up: " .. cjson.encode(summary)
  end
  local counts = summary.ledger
  if counts and counts.total ~= sumOf(counts, {
    "closed", "already", "refused", "unknown", "notTried", "open", "sent",
  }) then
    problems[#problems + 1] = "the ledger does not add up: " .. cjson.encode(counts)
  end
  return problems
end

--- Compares what was carried out with what the ledger says, when nothing is left.
---@return string[] problems
function Lives:judge()
  local problems, times, bills = {}, carriedOut(self)
  local l <close> = assert(ledger.open(self.ledger))
  local number = 0
  for entry, outcome, message in l:entries() do
    number = number + 1
    -- What a run that was killed had closed is read, not sent again: then it is "closed", not "already".
    if outcome ~= "closed" and not (outcome == "already" and self.inVain) then
      problems[#problems + 1] = ("%s is %s: %s"):format(entry.id, outcome, message or "-")
    elseif times[entry.id] ~= 1 then
      problems[#problems + 1] = ("%s was closed %d times"):format(entry.id, times[entry.id] or 0)
    elseif bills[entry.id] ~= "RUN-" .. number or entry.external_billing_id ~= bills[entry.id] then
      problems[#problems + 1] = ("%s was closed under %s"):format(entry.id, bills[entry.id])
    end
    times[entry.id] = nil
  end
  if number ~= self.records then problems[#problems + 1] = ("the ledger has %d entries"):format(number) end
  for id in pairs(times) do problems[#problems + 1] = id .. " was closed, and is not in the ledger" end
  return problems
end

-- ==== Many ===========================================================================================================

--- Nothing is closed, and there is no ledger.
function Lives:reset()
  self.sandbox:reset()
  for _, ending in ipairs { "", "-wal", "-shm", ".lock" } do os.remove(self.ledger .. ending) end
end

-- Lists that come to no end are a problem, too.
local MOST_LIVES <const> = 200

-- One list, from its beginning to its end, with kills at random moments. Returns how many there were.
local function closeList(self, chance, longest, problems)
  local killed, begun = 0, 0
  self:reset()
  repeat
    local summary, wasKilled = self:live(chance, longest * chance(1000) / 1000)
    killed, begun = killed + (wasKilled and 1 or 0), begun + 1
    table.move(summary and lives.problemsOf(summary) or {}, 1, 100, #problems + 1, problems)
    if begun == MOST_LIVES then problems[#problems + 1] = "the list comes to no end" end
  until self:isDone() or #problems > 0
  -- Nothing is left, and nothing is sent any more.
  local count = #self.sandbox:journal()
  local summary = self:finish()
  if summary.read ~= 0 or #self.sandbox:journal() ~= count then
    problems[#problems + 1] = "a list that was done went on"
  end
  for _, list in ipairs { lives.problemsOf(summary), self:judge() } do
    table.move(list, 1, #list, #problems + 1, problems)
  end
  return killed
end

--- Closes the list again and again, until so many runs were killed.
---@param chance fun(n: integer): integer
---@param kills integer
---@param longest number seconds that a run lives at most
---@return {killed: integer, lists: integer, problems: string[]}
function Lives:many(chance, kills, longest)
  local result = { killed = 0, lists = 0, problems = {} }
  repeat
    result.killed = result.killed + closeList(self, chance, longest, result.problems)
    result.lists = result.lists + 1
  until result.killed >= kills or #result.problems > 0
  return result
end

return lives
