--- A run of `records:closeMany`: takes batches from a source, several at once, keeps to what the options allow, and
--- counts what became of each entry.

local batch = require "cloudblue.connect.closing.batch"
local core = require "cloudblue.connect.core"
local options = require "cloudblue.connect.closing.options"

local runs = {}

-- Batches at once.
local CONCURRENCY <const> = 4

---@class cloudblue.connect.closing.Run
---@field records cloudblue.connect.UsageRecordResource
---@field client cloudblue.connect.ConnectClient
---@field source cloudblue.connect.closing.Source
---@field limits cloudblue.connect.Limits
---@field timeout number seconds of a call
---@field options table
---@field summary cloudblue.connect.Summary
---@field now fun(): number seconds
---@field size integer entries of a batch, for now
---@field most integer entries of a batch, at most
---@field hasBulkRoute boolean
---@field stopped boolean
local Run = {}
Run.__index = Run

--- Begins a run.
---@param records cloudblue.connect.UsageRecordResource
---@param source cloudblue.connect.closing.Source where the entries come from
---@param given table options of closeMany
---@return cloudblue.connect.closing.Run
function runs.new(records, source, given)
  local size = given.batchSize or options.BATCH_SIZE
  return setmetatable({
    records = records, source = source, client = records.client, limits = options.limitsOf(given), options = given,
    timeout = given.timeout or core.timeout(records.client),
    now = core.now, size = size, most = size, hasBulkRoute = true, stopped = false, began = core.now(), due = 0,
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

--- Whether the client was closed: then nothing more can be sent, or asked for.
---@return boolean
function Run:isCut() return core.isClosed(self.client) end

--- Batches are of at most so many entries from now on.
function Run:limitBatches(size)
  self.most = math.max(1, math.min(self.most, size))
  self.size = math.min(self.size, self.most)
end

--- A batch of so many entries took so long. One that takes more than half of what it may is too large. Where there was
--- a reply in less than a quarter, twice as many are not.
function Run:tookSeconds(seconds, count, isAnswered)
  local timeout = self.timeout
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
  local given = run.options
  if run:isCut() then return "closed" end
  if given.maxRefused and run.summary.refused > given.maxRefused then return "maxRefused" end
  if given.maxDuration and run.now() - run.began >= given.maxDuration then return "maxDuration" end
  return given.shouldStop and given.shouldStop() and "stopped" or nil
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
  while left > 0 and not run.stopped and not run:isCut() do
    local _, failure = core.pause(run.client, math.min(left, PATIENCE))
    if failure then return end
    left = run.due - run.now()
    if left > 0 then endWhereDue(run) end
  end
end

--- Takes note of a failure of the ledger, if there is one: then it says no more of what is sent.
function Run:checkLedger(result, failure)
  if failure then self:stop("ledger", failure) end
  return result
end

-- The next entries of the source; nil where there are none. What is wrong with an entry, `problem` in the run, ends it.
local function take(run)
  local done, list, failure = pcall(run.source.take, run.source, run.size)
  if done then return run:checkLedger(list, failure) end
  run.problem = list
  return nil
end

-- Waits for entries that others have now and may give back; false where there are none.
local function waitForOthers(run)
  local seconds = not run.stopped and run:checkLedger(run.source:pending())
  if not seconds then return false end
  local failure
  if not run:isCut() then failure = select(2, core.pause(run.client, seconds)) end
  -- Who asks next finds out that the client was closed.
  return run:isCut() or not failure
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
  if not outcomes or run:checkLedger(run.source:done(list, outcomes, whats)) == false then return {}, {} end
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

--- Closes what the source has. Raises what is wrong with an entry, after what was begun is finished.
---@return cloudblue.connect.Summary
function Run:carryOut()
  local concurrency = self.options.concurrency or CONCURRENCY
  for list, outcomes, whats in self.client:parallel(concurrency, batches(self), function(list)
    return close(self, list)
  end) do
    report(self, list, outcomes, whats)
  end
  if self.problem then error(self.problem, 0) end
  self:checkLedger(self.source:finish())
  countRest(self)
  self.summary.repeated = self.source.repeated
  return self.summary
end

return runs
