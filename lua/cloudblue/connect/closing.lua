--- Closing many records: `records:closeMany`, and `records:drain` for loops that close what they list.

local batch = require "cloudblue.connect.closing.batch"
local core = require "cloudblue.connect.core"
local drain = require "cloudblue.connect.closing.drain"
local entries = require "cloudblue.connect.closing.entries"
local misuse = require "cloudblue.connect.misuse"

local closing = {}

-- ==== Options ========================================================================================================

local function isPositive(value) return type(value) == "number" and value > 0 and value < math.huge end
local function isCount(value) return math.type(value) == "integer" and value >= 1 end
local function isFunction(value) return type(value) == "function" end

-- name -> test, and what it wants.
local OPTIONS = {
  batchSize = { isCount, "an integer, 1 or more" },
  concurrency = { isCount, "an integer, 1 or more" },
  maxRefused = { function(value) return math.type(value) == "integer" and value >= 0 end, "an integer, 0 or more" },
  maxDuration = { isPositive, "a number of seconds" },
  perSecond = { isPositive, "a number, more than 0" },
  onResult = { isFunction, "a function" },
  onProgress = { isFunction, "a function" },
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

---@class cloudblue.connect.closing.Summary
---@field read integer entries that were read; the sum of the next five
---@field closed integer closed by this run
---@field already integer closed before this run, under the entry's billing id and note
---@field refused integer not closed: refused by the service, or closed by somebody else
---@field unknown integer it could not be found out
---@field notTried integer not sent, or surely not carried out, because the run was stopped
---@field repeated integer entries beside those: the same record again, in the same way
---@field stopped string? why the run ended early: "maxRefused", "maxDuration", "denied" (401, 403), "service"
---@field failure cloudblue.connect.Failure? what stopped it, where it was a reply or the lack of one

---@class cloudblue.connect.closing.Run
---@field records cloudblue.connect.UsageRecordResource
---@field client cloudblue.connect.ConnectClient
---@field limits cloudblue.connect.Limits
---@field options table
---@field summary cloudblue.connect.closing.Summary
---@field now fun(): number seconds
---@field size integer entries of a batch
---@field hasBulkRoute boolean
---@field stopped boolean
local Run = {}
Run.__index = Run

local function newRun(records, options)
  return setmetatable({
    records = records, client = records.client, limits = limitsOf(options), options = options, now = core.now,
    size = options.batchSize or BATCH_SIZE, hasBulkRoute = true, stopped = false, began = core.now(), due = 0,
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
  self.size = math.max(1, math.min(self.size, size))
end

--- A batch of so many entries took so long. One that takes more than half of what it may is too large.
function Run:tookSeconds(seconds, count)
  local timeout = self.limits.timeout or core.timeout(self.client)
  if seconds > timeout / 2 and count > 1 then self:limitBatches(count // 2) end
end

function Run:newFailure(fields)
  local path = self.records.baseUri .. "/close-records"
  fields.method, fields.path, fields.attempts = "POST", path, 1
  fields.url = self.client.endpoint:gsub("/+$", "") .. path
  return core.newFailure(fields)
end

-- Waits until the entries sent so far are no more than perSecond allows.
local function keepPace(run)
  local left = run.due - run.now()
  if left > 0 then core.pause(run.client, left) end
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
  return nil
end

-- An iterator over batches. `problem` in the run: what is wrong with an entry, which ends it.
local function batches(run, nextEntry)
  return function()
    keepPace(run)
    local reason = reasonToEnd(run)
    if reason then run:stop(reason) end
    local list = {}
    while not run.stopped and not run.problem and #list < run.size do
      local done, entry = pcall(nextEntry)
      if not done then run.problem = entry end
      if not done or entry == nil then break end
      list[#list + 1] = entry
    end
    if #list == 0 then return nil end
    sendsNow(run, #list)
    return list
  end
end

-- Counts what became of the entries of a batch: before the next one is begun.
local function count(run, results)
  local summary = run.summary
  for _, result in ipairs(results) do
    summary.read = summary.read + 1
    summary[result.outcome] = summary[result.outcome] + 1
  end
  return results
end

local function report(run, results, forget)
  local options = run.options
  for _, result in ipairs(results) do
    if forget then forget(result.entry) end
    if options.onResult then options.onResult(result.entry, result.outcome, result.what) end
  end
  if options.onProgress then options.onProgress(run.summary) end
end

local function carryOut(run, nextEntry, forget)
  local concurrency = run.options.concurrency or CONCURRENCY
  for _, results in run.client:parallel(concurrency, batches(run, nextEntry), function(list)
    return count(run, batch.close(run, list))
  end) do
    report(run, results, forget)
  end
  if run.problem then error(run.problem, 0) end
end

-- The entries of a list that no batch took, after the run was stopped.
local function countRest(run, list, first)
  local rest = {}
  for index = first, #list do rest[#rest + 1] = { entry = list[index], outcome = "notTried" } end
  if #rest > 0 then report(run, count(run, rest)) end
end

local function closeListed(run, list)
  local taken = 0
  carryOut(run, function()
    taken = taken + 1
    return list[taken]
  end)
  countRest(run, list, taken + 1)
end

-- Refuses what is no collection of records, a closed client, and one argument too many.
local function check(method, records, last, ...)
  if type(records) ~= "userdata" or type(records.client) ~= "userdata" then
    error(("calling '%s' on a bad self (a resource expected, got %s)"):format(method, type(records)), 3)
  end
  if core.isClosed(records.client) then error("the client is closed", 3) end
  misuse.more(method, last, 3, ...)
end

--- Closes many records, by the bulk route, several batches at once. See `meta.lua` for the arguments.
function closing.closeMany(records, given, options, ...)
  check("closeMany", records, 2, ...)
  if type(given) ~= "table" and type(given) ~= "function" then
    misuse.argument("closeMany", 1, "entries must be a list or an iterator, got " .. type(given), 2)
  end
  options = options == nil and {} or options
  local wrong = problemOf(options)
  if wrong then misuse.argument("closeMany", 2, wrong, 2) end
  local run = newRun(records, options)
  if type(given) == "function" then
    local nextEntry, forget, repeated = entries.read(given)
    carryOut(run, nextEntry, forget)
    run.summary.repeated = repeated()
  else
    local list, problem = entries.check(given)
    if not list then misuse.argument("closeMany", 1, problem, 2) end
    run.summary.repeated = problem
    closeListed(run, list)
  end
  return run.summary
end

--- Takes from the front of a list what `fn` makes leave it. See `meta.lua` for the arguments.
function closing.drain(records, filters, fn, limits, ...)
  check("drain", records, 3, ...)
  if type(fn) ~= "function" then misuse.argument("drain", 2, "fn must be a function, got " .. type(fn), 2) end
  return drain.run(records, filters, fn, limits)
end

return closing
