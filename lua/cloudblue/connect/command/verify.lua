--- What `connect-usage status --verify` does: reads every record that is closed by a ledger, and compares.

local connection = require "cloudblue.connect.command.connection"
local exitcodes = require "cloudblue.connect.command.exitcodes"
local ledgers = require "cloudblue.connect.command.ledgers"
local run = require "cloudblue.connect.command.run"
local voice = require "cloudblue.connect.command.voice"

local verify = {}

-- Reads at once.
local WORKERS <const> = 16

-- What a record has become: nil where it is closed as the ledger says.
local function difference(chunk, failure)
  if chunk then return nil end
  if chunk == false then return "differs", "it is not closed" end
  if failure.kind == "record" then return "differs", failure.message end
  if failure.status == 404 then return "differs", "there is no such record" end
  return "unread", tostring(failure)
end

local function note(job, entry, what, message)
  job.counts[what] = job.counts[what] + 1
  job.voice:print(("%s: %s: %s"):format(what, entry.id, message), "entry", {
    id = entry.id, external_billing_id = entry.external_billing_id, outcome = what, message = message,
  })
end

-- The entries, until it is to end.
local function entriesUntil(job, ledger, isStopped)
  local nextEntry = ledger:entries { "closed", "already" }
  return function()
    if isStopped() or job.denied then return nil end
    return (nextEntry())
  end
end

local function compare(job, ledger, isStopped)
  local records = job.client.usageRecords
  for entry, chunk, failure in job.client:parallel(job.workers, entriesUntil(job, ledger, isStopped), function(entry)
    return records:settle(entry.id, entry.external_billing_id, entry.external_billing_note)
  end) do
    local what, message = difference(chunk, failure)
    if not what then
      job.counts.agree = job.counts.agree + 1
    else
      note(job, entry, what, message)
      if what == "unread" and exitcodes.ofFailure(failure) == exitcodes.DENIED then job.denied = failure end
    end
  end
end

-- How far it is, in the terms of the bar.
local function progressOf(job)
  local counts = job.counts
  return {
    done = counts.agree + counts.differs + counts.unread, total = job.total, refused = counts.differs,
    unknown = counts.unread,
  }
end

-- The exit code, and the problem for one that is not 0.
local function judge(job, interrupted)
  local counts = job.counts
  if job.denied then return exitcodes.DENIED, tostring(job.denied) end
  if interrupted and counts.agree + counts.differs + counts.unread < job.total then
    return exitcodes.INTERRUPTED, "Interrupted"
  end
  if counts.differs > 0 then
    return exitcodes.FAILED, ("%d of the records are not as %s says"):format(
      counts.differs, ledgers.shown(job.name))
  end
  if counts.unread > 0 then return exitcodes.STOPPED, ("%d of the records could not be read"):format(counts.unread) end
  return exitcodes.DONE
end

local function carryOut(job)
  return ledgers.with(job.name, function(ledger)
    local interrupted = run.start {
      client = job.client, voice = job.voice, hasNoBar = job.isVerbose,
      counts = function() return progressOf(job) end,
      work = function(isStopped) compare(job, ledger, isStopped) end,
      onFirst = "Interrupted: what is in flight is finished. Once more stops at once.",
      onNext = function() os.exit(exitcodes.INTERRUPTED) end,
    }
    return { judge(job, interrupted) }
  end)
end

--- Compares a ledger with the service.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function verify.run(given)
  local speaker = voice.new(given)
  local held, problem, code = ledgers.held(given.ledger)
  if not held then return speaker:fail(problem, code) end
  local client <close>, failure, failureCode = connection.open(given)
  if not client then return speaker:fail(failure, failureCode) end
  local elsewhere = ledgers.elsewhere(given.ledger, held, client.endpoint)
  if elsewhere then return speaker:fail(elsewhere, exitcodes.MISUSED) end
  local job = {
    name = given.ledger, voice = speaker, isVerbose = given.verbose, client = client,
    workers = given.workers or WORKERS,
    total = held.counts.closed + held.counts.already, counts = { agree = 0, differs = 0, unread = 0 },
  }
  speaker:say(("Reading %d records at %s"):format(job.total, client.endpoint))
  local verdict, wrong, wrongCode = carryOut(job)
  if not verdict then return speaker:fail(wrong, wrongCode) end
  local counts = job.counts
  counts.total, counts.exit_code = job.total, verdict[1]
  speaker:print(("%d agree, %d differ, %d could not be read, of %d"):format(
    counts.agree, counts.differs, counts.unread, job.total), "summary", counts)
  if verdict[2] then return nil, verdict[2], verdict[1] end
  local done, unprinted, unprintedCode = speaker:finish()
  if not done then return nil, unprinted, unprintedCode end
  return verdict[1]
end

return verify
