--- Carries out what `connect-usage close` is to do, and says what came of it.

local cqueues = require "cqueues"

local closing = require "cloudblue.connect.closing.options"
local exitcodes = require "cloudblue.connect.command.exitcodes"
local interrupt = require "cloudblue.connect.command.interrupt"
local ledgers = require "cloudblue.connect.command.ledgers"
local outcome = require "cloudblue.connect.command.outcome"
local run = require "cloudblue.connect.command.run"

local execution = {}

---@class cloudblue.connect.command.Job
---@field given table what argparse returned
---@field client cloudblue.connect.ConnectClient
---@field voice table see voice.lua
---@field source cloudblue.connect.command.Source what is to be closed
---@field held cloudblue.connect.command.Held? what the ledger held before
---@field refusals table see refusals.lua
---@field again string the command that goes on
---@field summary table counts of this run, as far as it has come
---@field before table counts of what was settled before
---@field taken integer entries that closeMany took
---@field began boolean whether anything may have been sent

-- What was settled before this run.
local function settledBefore(held)
  local counts = outcome.zeros()
  if held then
    counts.closed, counts.already, counts.refused = held.counts.closed, held.counts.already, held.counts.refused
  end
  return counts
end

-- What is known of the whole list while the run goes on.
local function countsSoFar(job)
  local counts = outcome.added(job.before, job.summary)
  counts.done = outcome.sum(counts) - counts.notTried
  counts.total = job.source.total
  return counts
end

-- While a ledger is planned, nothing waits: the bar and the signals get their turn here. What is raised leaves no plan.
local function takeTurns(isStopped)
  cqueues.sleep(0)
  if isStopped() then error({ interrupted = "Interrupted" }, 0) end
end

-- The iterator for closeMany, which counts what it gives out.
local function countedEntries(job, isStopped)
  local nextEntry = job.source.entries and job.source.entries()
  job.rest = nextEntry
  return nextEntry and function()
    local entry = nextEntry()
    if entry then job.taken = job.taken + 1 end
    if job.given.ledger and job.taken % interrupt.TURN == 0 then takeTurns(isStopped) end
    return entry
  end
end

-- Records of a request: no more than what a second lets through, so that the pauses are short. nil: as usual.
local function sizeOf(given)
  if given.batchSize or not given.perSecond then return given.batchSize end
  return math.tointeger(math.max(1, math.min(closing.BATCH_SIZE, given.perSecond // 1)))
end

local function settingsOf(job, isStopped)
  local given = job.given
  return {
    concurrency = given.workers, batchSize = sizeOf(given), perSecond = given.perSecond, ledger = given.ledger,
    maxRefused = given.maxRefused, maxDuration = given.maxDuration,
    shouldStop = function()
      job.began = true
      return isStopped()
    end,
    onProgress = function(summary) job.summary = summary end,
    onResult = function(entry, what, reason) job.refusals:add(entry, what, reason) end,
  }
end

local function closeMany(job, isStopped)
  return job.client.usageRecords:closeMany(countedEntries(job, isStopped), settingsOf(job, isStopped))
end

-- The entries that the run did not take.
local function countRest(job, counts)
  local done, entry = pcall(job.rest)
  while done and entry do
    counts.notTried = counts.notTried + 1
    job.refusals:add(entry, "notTried")
    done, entry = pcall(job.rest)
  end
  if not done and not (type(entry) == "table" and entry.changed) then error(entry, 0) end
  -- Where the input has changed, what was read of it before.
  counts.notTried = counts.notTried + math.max(0, job.source.total - outcome.sum(counts))
end

-- What is known of the whole list in the end: by the ledger, where there is one.
local function finalCounts(job)
  local held = job.given.ledger and ledgers.look(job.given.ledger)
  if held then return ledgers.final(held.counts) end
  local counts = outcome.added(job.before, job.summary)
  -- What else was taken may have been sent: the run has ended by an error, or in the middle.
  local taken = job.given.ledger and job.source.total or job.taken
  counts.unknown = counts.unknown + math.max(0, taken - outcome.sum(counts))
  return counts
end

-- Prints what came of it, and returns the exit code and the problem.
local function tell(job, result)
  local problem, code = outcome.problem(result), outcome.code(result)
  local object = outcome.added(result.counts, outcome.zeros())
  object.total, object.exit_code = job.source.total, code
  object.ledger = job.given.ledger and ledgers.shown(job.given.ledger)
  object.stopped = result.interrupted and "interrupted" or result.stopped
  if problem then job.voice:print(nil, "error", { message = problem, exit_code = code }) end
  job.voice:print(outcome.line(result.counts), "summary", object)
  if problem then return nil, problem, code end
  return code
end

-- The end at the second Ctrl-C. What is in flight stays unknown, and the report would not be whole.
local function stopAtOnce(job)
  if not job.began then
    io.stderr:write "connect-usage: Interrupted. Nothing was sent\n"
    os.exit(exitcodes.INTERRUPTED)
  end
  local counts = finalCounts(job)
  counts.notTried = counts.notTried + math.max(0, job.source.total - outcome.sum(counts))
  job.refusals:drop()
  local _, problem = tell(job, { counts = counts, interrupted = true, again = job.again })
  io.stderr:write("connect-usage: ", problem or "Interrupted", "\n")
  os.exit(exitcodes.INTERRUPTED)
end

-- Runs closeMany. Returns whether it was interrupted, and the summary, or nil, the failure and what that is of.
local function carryOut(job)
  local done, interrupted, summary, failure = pcall(run.start, {
    client = job.client, voice = job.voice, hasNoBar = job.given.verbose,
    counts = function() return countsSoFar(job) end,
    work = function(isStopped) return closeMany(job, isStopped) end,
    onFirst = "Interrupted: what is in flight is finished. Once more stops at once.",
    onNext = function() stopAtOnce(job) end,
  })
  if done then return interrupted, summary, failure, "ledger" end
  local raised = type(interrupted) == "table" and interrupted or {}
  if raised.changed then return false, nil, raised.changed, "input" end
  if raised.interrupted then return true, nil, raised.interrupted, "interrupt" end
  error(interrupted, 0)
end

-- What a ledger's failure, or the change of an input, is in words.
local function wordsOf(what) return type(what) == "table" and what.message or what end

-- The exit code for what ended the run before anything was sent.
local function codeBefore(job, what, failure)
  if what == "interrupt" then return exitcodes.INTERRUPTED end
  return what == "ledger" and ledgers.code(job.given.ledger, failure) or exitcodes.MISUSED
end

--- Closes the entries of a source.
---@param job cloudblue.connect.command.Job
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function execution.run(job)
  job.taken, job.began, job.summary, job.before = 0, false, outcome.zeros(), settledBefore(job.held)
  local interrupted, summary, failure, stopped = carryOut(job)
  if not summary and not job.began then
    job.refusals:drop()
    return job.voice:fail(wordsOf(failure) .. ". Nothing was sent", codeBefore(job, stopped, failure))
  end
  job.summary = summary or job.summary
  local counts = finalCounts(job)
  if not job.given.ledger then countRest(job, counts) end
  job.refusals:finish(job.voice)
  return tell(job, {
    counts = counts, interrupted = interrupted, again = job.again,
    stopped = summary and summary.stopped or not summary and stopped or nil,
    failure = summary and summary.failure or wordsOf(failure),
  })
end

return execution
