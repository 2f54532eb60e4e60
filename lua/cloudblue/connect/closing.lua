--- Closing many records: `records:closeMany`, and `records:drain` for loops that close what they list.

local batch = require "cloudblue.connect.closing.batch"
local core = require "cloudblue.connect.core"
local drain = require "cloudblue.connect.closing.drain"
local entries = require "cloudblue.connect.closing.entries"
local ledgers = require "cloudblue.connect.closing.ledger"
local misuse = require "cloudblue.connect.misuse"
local tasks = require "cloudblue.connect.tasks"

local closing = {}

-- ==== Options ========================================================================================================

local function isPositive(value) return type(value) == "number" and value > 0 and value < math.huge end
local function isCount(value) return math.type(value) == "integer" and value >= 1 end
local function isFunction(value) return type(value) == "function" end
local function isName(value) return type(value) == "string" and value ~= "" and not value:find("\0", 1, true) end

-- name -> test, and what it wants.
local OPTIONS = {
  batchSize = { isCount, "an integer, 1 or more" },
  concurrency = { isCount, "an integer, 1 or more" },
  maxRefused = { function(value) return math.type(value) == "integer" and value >= 0 end, "an integer, 0 or more" },
  maxDuration = { isPositive, "a number of seconds" },
  perSecond = { isPositive, "a number, more than 0" },
  onResult = { isFunction, "a function" },
  onProgress = { isFunction, "a function" },
  shouldStop = { isFunction, "a function" },
  ledger = { isName, "the name of a file, or postgres://…" },
  lease = { isPositive, "a number of seconds" },
}

-- The limits of each call; the call itself checks them.
local LIMITS = { "timeout", "connectTimeout", "deadline", "retries" }

local NAMES = table.move(LIMITS, 1, #LIMITS, 1, {})
for name in pairs(OPTIONS) do NAMES[#NAMES + 1] = name end

local BATCH_SIZE, CONCURRENCY = 100, 4

local function isLimit(name)
  for _, limit in ipairs(LIMITS) do
    if name == limit then return true end
  end
  return false
end

-- What is wrong with the options; nil where nothing is.
local function problemOf(options)
  if type(options) ~= "table" then return "options must be a table, got " .. type(options) end
  for name, value in pairs(options) do
    local option = OPTIONS[name]
    if option then
      local isFit, wanted = table.unpack(option)
      if not isFit(value) then return ("option '%s' must be %s, got %s"):format(name, wanted, tostring(value)) end
    elseif not isLimit(name) then
      return core.unknownOption(name, NAMES)
    end
  end
  return nil
end

local function limitsOf(options)
  local limits = {}
  for _, name in ipairs(LIMITS) do limits[name] = options[name] end
  return limits
end

-- ==== A run ==========================================================================================================

---@class cloudblue.connect.closing.Run
---@field records cloudblue.connect.UsageRecordResource
---@field client cloudblue.connect.ConnectClient
---@field source cloudblue.connect.closing.Source
---@field limits cloudblue.connect.Limits
---@field options table
---@field summary cloudblue.connect.Summary
---@field now fun(): number seconds
---@field size integer entries of a batch, for now
---@field most integer entries of a batch, at most
---@field hasBulkRoute boolean
---@field stopped boolean
local Run = {}
Run.__index = Run

local function newRun(records, source, options)
  return setmetatable({
    records = records, source = source, client = records.client, limits = limitsOf(options), options = options,
    now = core.now, size = options.batchSize or BATCH_SIZE, most = options.batchSize or BATCH_SIZE,
    hasBulkRoute = true, stopped = false, began = core.now(), due = 0,
    summary = { read = 0, closed = 0, already = 0, refused = 0, unknown = 0, notTried = 0, repeated = 0 },
  }, Run)
end

--- No batch is begun any more; those that were are finished.
---@param reason string?
---@param failure cloudblue.connect.Failure?
function Run:stop(reason, failure)
  self.stopped = true
  self.summary.stopped = self.summary.stopped or reason
  self.summary.failure = self.summary.failure or failure
end

--- Batches are of at most so many entries from now on.
function Run:limitBatches(size)
  self.most = math.max(1, math.min(self.most, size))
  self.size = math.min(self.size, self.most)
end

--- A batch of so many entries took so long. One that takes more than half of what it may is too large. Where there was
--- a reply in less than a quarter, twice as many are not.
function Run:tookSeconds(seconds, count, isAnswered)
  local timeout = self.limits.timeout or core.timeout(self.client)
  if seconds > timeout / 2 then
    self.size = math.max(1, math.min(self.size, count // 2))
  elseif isAnswered and seconds < timeout / 4 and count == self.size then
    self.size = math.min(2 * count, self.most)
  end
end

function Run:newFailure(fields)
  local path = self.records.baseUri .. "/close-records"
  fields.method, fields.path, fields.attempts = "POST", path, 1
  fields.url = self.client.endpoint:gsub("/+$", "") .. path
  return core.newFailure(fields)
end

local function sendsNow(run, count)
  local perSecond = run.options.perSecond
  if perSecond then run.due = math.max(run.due, run.now()) + count / perSecond end
end

-- Why the run ends here; nil where it goes on.
local function reasonToEnd(run)
  local options, summary = run.options, run.summary
  if options.maxRefused and summary.refused > options.maxRefused then return "maxRefused" end
  if options.maxDuration and run.now() - run.began >= options.maxDuration then return "maxDuration" end
  return options.shouldStop and options.shouldStop() and "stopped" or nil
end

local function endWhereDue(run)
  local reason = reasonToEnd(run)
  if reason then run:stop(reason) end
end

-- Seconds after which a run that only waits asks again whether it is to end.
local PATIENCE <const> = 1

-- Waits until the entries sent so far are no more than perSecond allows, or the run is stopped.
local function keepPace(run)
  local left = run.due - run.now()
  while left > 0 and not run.stopped do
    local _, failure = core.pause(run.client, math.min(left, PATIENCE))
    if failure then return end
    left = run.due - run.now()
    if left > 0 then endWhereDue(run) end
  end
end

-- Takes note of a failure of the ledger, if there is one: then it says no more of what is sent.
local function checkLedger(run, result, failure)
  if failure then run:stop("ledger", failure) end
  return result
end

-- The next entries of the source; nil where there are none. What is wrong with an entry, `problem` in the run, ends it.
local function take(run)
  local done, list, failure = pcall(run.source.take, run.source, run.size)
  if done then return checkLedger(run, list, failure) end
  run.problem = list
  return nil
end

-- Waits for entries that others have now and may give back; false where there are none.
local function waitForOthers(run)
  local seconds = not run.stopped and checkLedger(run, run.source:pending())
  if not seconds then return false end
  local _, failure = core.pause(run.client, seconds)
  return not failure
end

-- An iterator over batches.
local function batches(run)
  return function()
    keepPace(run)
    repeat
      endWhereDue(run)
      if run.stopped or run.problem then return nil end
      local list = take(run)
      if list then
        sendsNow(run, #list)
        return list
      end
    until run.problem or not waitForOthers(run)
    return nil
  end
end

-- Counts what became of the entries of a batch: before the next one is begun.
local function count(summary, outcomes)
  summary.read = summary.read + #outcomes
  for index = 1, #outcomes do
    local outcome = outcomes[index]
    summary[outcome] = summary[outcome] + 1
  end
end

-- Closes a batch and takes note of what became of it. Returns that, for the caller's functions: nothing of a batch that
-- another run has taken over.
local function close(run, list)
  local outcomes, whats = batch.close(run, list)
  if not outcomes or checkLedger(run, run.source:done(list, outcomes, whats)) == false then return {}, {} end
  count(run.summary, outcomes)
  return outcomes, whats
end

local function report(run, list, outcomes, whats)
  local onResult, onProgress = run.options.onResult, run.options.onProgress
  if onResult then
    for index = 1, #outcomes do onResult(list[index], outcomes[index], whats[index]) end
  end
  if onProgress and onProgress(run.summary) == false then run:stop("stopped") end
end

-- The entries that no batch took, after the run was stopped.
local function countRest(run)
  local rest, more = run.source:rest()
  local outcomes, summary = {}, run.summary
  summary.read, summary.notTried = summary.read + more, summary.notTried + more
  for index = 1, #rest do outcomes[index] = "notTried" end
  if #rest == 0 then return end
  count(run.summary, outcomes)
  report(run, rest, outcomes, {})
end

local function carryOut(run)
  local concurrency = run.options.concurrency or CONCURRENCY
  for list, outcomes, whats in run.client:parallel(concurrency, batches(run), function(list)
    return close(run, list)
  end) do
    report(run, list, outcomes, whats)
  end
  if run.problem then error(run.problem, 0) end
  checkLedger(run, run.source:finish())
  countRest(run)
  run.summary.repeated = run.source.repeated
  return run.summary
end

-- Refuses what is no collection of records, a closed client, and one argument too many.
local function check(method, records, last, ...)
  if type(records) ~= "userdata" or type(records.client) ~= "userdata" then
    error(("calling '%s' on a bad self (a resource expected, got %s)"):format(method, type(records)), 3)
  end
  if core.isClosed(records.client) then error("the client is closed", 3) end
  misuse.more(method, last, 3, ...)
end

-- ==== Where entries come from ========================================================================================

-- A list or an iterator as a function that returns the next entry; nil where there is neither.
local function nextOf(given)
  return type(given) == "table" and tasks.each(given) or given
end

-- Plans the entries, or sees whether the ledger holds them. Returns the source; nil and a failure. Raises what is wrong
-- with an entry.
local function sourceOf(ledger, client, given, options)
  local total, repeated = ledger:plan(nextOf(given), { endpoint = client.endpoint, account = core.account(client) },
    options.batchSize)
  if not total then return nil, repeated end
  local source, failure = ledger:source()
  if source then source.repeated = repeated end
  return source, failure
end

-- Returns the summary; nil and a failure; or nil, nil and what was raised before anything was sent.
local function closeByLedger(records, given, options)
  local ledger <close>, failure = ledgers.open(options.ledger, {
    create = given ~= nil, exclusive = true, lease = options.lease,
  })
  if not ledger then return nil, failure end
  local done, source, problem = pcall(sourceOf, ledger, records.client, given, options)
  if not done then return nil, nil, source end
  if not source then return nil, problem end
  local run = newRun(records, source, options)
  local summary = carryOut(run)
  summary.ledger = checkLedger(run, ledger:counts())
  return summary
end

local function closeGiven(records, given, options)
  if type(given) == "function" then return carryOut(newRun(records, entries.iterator(given), options)) end
  local source, problem = entries.list(given)
  if not source then return nil, nil, problem end
  return carryOut(newRun(records, source, options))
end

--- Closes many records, by the bulk route, several batches at once. See `meta.lua` for the arguments.
function closing.closeMany(records, given, options, ...)
  check("closeMany", records, 2, ...)
  options = options == nil and {} or options
  local wrong = problemOf(options)
  local isFit = type(given) == "table" or type(given) == "function" or given == nil and not wrong and options.ledger
  if not isFit then
    misuse.argument("closeMany", 1, "entries must be a list or an iterator, got " .. type(given), 2)
  end
  if wrong then misuse.argument("closeMany", 2, wrong, 2) end
  local summary, failure, problem = (options.ledger and closeByLedger or closeGiven)(records, given, options)
  if not problem then return summary, failure end
  -- What is wrong with a list is misuse. Of an iterator it is raised as it is, for it may be the iterator's own.
  if type(given) ~= "table" or not tostring(problem):find("^entry %d+: ") then error(problem, 0) end
  misuse.argument("closeMany", 1, problem, 2)
end

--- Takes from the front of a list what `fn` makes leave it. See `meta.lua` for the arguments.
function closing.drain(records, filters, fn, limits, ...)
  check("drain", records, 3, ...)
  if type(fn) ~= "function" then misuse.argument("drain", 2, "fn must be a function, got " .. type(fn), 2) end
  return drain.run(records, filters, fn, limits)
end

return closing
