--- What `connect-usage close` does, from its options to its exit code.

local connection = require "cloudblue.connect.command.connection"
local execution = require "cloudblue.connect.command.execution"
local exitcodes = require "cloudblue.connect.command.exitcodes"
local intent = require "cloudblue.connect.command.intent"
local ledgers = require "cloudblue.connect.command.ledgers"
local outcome = require "cloudblue.connect.command.outcome"
local refusals = require "cloudblue.connect.command.refusals"
local sources = require "cloudblue.connect.command.sources"
local terminal = require "cloudblue.connect.command.terminal"
local voice = require "cloudblue.connect.command.voice"

local closing = {}

local MISUSED <const> = exitcodes.MISUSED

local function sourceOf(job)
  local given = job.given
  if given.file then return sources.file(given, job.rules, job.voice) end
  if given.where then return sources.where(given, job.rules, job.client, job.voice) end
  return sources.ledger(job.held, given.ledger)
end

-- What is different about an entry of the ledger from what the options make of its record. Numbers of a list are
-- others the next time.
local function differenceOf(rules, entry)
  local billingId, note = rules:apply(0, entry.id)
  local is, made
  if not rules.isNumbered and entry.external_billing_id ~= billingId then
    is, made = sources.billed(entry.external_billing_id), sources.billed(billingId)
  elseif entry.external_billing_note ~= note then
    is, made = sources.noted(entry.external_billing_note), sources.noted(note)
  end
  return is and ("holds %s %s, and the options make it %s"):format(entry.id, is, made) or nil
end

-- Compares what a condition finds with the ledger. From here on the ledger says what is to be closed.
local function compareList(job, holds)
  local source, name = job.source, job.given.ledger
  local found, problem, code = ledgers.compare(name, source.entries(), function(entry)
    return differenceOf(job.rules, entry)
  end)
  if not found then return nil, problem, code end
  if found.missing > 0 then
    return nil, ("%d of the records are not in %s: go on with that by --ledger alone, and take another ledger for "
      .. "these"):format(found.missing, holds), MISUSED
  elseif found.difference then
    return nil, ("%s %s: go on with that by --ledger alone"):format(ledgers.shown(name), found.difference), MISUSED
  end
  source.entries, source.total, source.first = nil, job.held.counts.total, found.left
  return true
end

-- Compares a file with the ledger. A run compares all of it when it begins.
local function compareFile(job, holds)
  local source, held = job.source, job.held
  local isSame, problem = source.total == held.counts.total, nil
  if isSame and job.given.dryRun then isSame, problem = ledgers.holds(job.given.ledger, held, source.entries()) end
  if isSame then return true end
  return nil, problem or ("%s has %d records, and is another list than that of %s"):format(
    source.name, source.total, holds), MISUSED
end

-- What the ledger says of the list before it is used.
local function compareWithLedger(job)
  local held = job.held
  if not held then return true end
  local holds = ("%s, which holds %d, planned %s"):format(
    ledgers.shown(job.given.ledger), held.counts.total, held.identity.created)
  if job.given.file then return compareFile(job, holds) end
  if job.given.where then return compareList(job, holds) end
  return true
end

-- Says what is about to be done. Returns how many are left to be done.
local function introduce(job)
  local source, held = job.source, job.held
  for _, words in ipairs(source.words) do job.voice:say(words) end
  local example = sources.example(source.first)
  if example then job.voice:say(example) end
  if source.total == 0 then job.voice:say("There is nothing to close.") end
  local left = source.total
  if held then
    left = ledgers.left(held.counts)
    job.voice:say(("By %s, %d of them are done: %s."):format(
      ledgers.shown(job.given.ledger), held.counts.total - left, outcome.line(ledgers.final(held.counts))))
  end
  job.voice:print(nil, "status", {
    total = source.total, done = source.total - left, endpoint = job.client.endpoint,
    ledger = job.given.ledger and ledgers.shown(job.given.ledger),
  })
  return left
end

-- Whether to go on.
local function confirm(job, left)
  if job.given.yes or left == 0 then return true end
  return terminal.ask(("Close %d record%s at %s?"):format(left, left == 1 and "" or "s", job.client.endpoint))
end

-- Looks at the ledger and the list, and asks. Returns true to go on, or what the subcommand returns.
local function prepare(job)
  local given = job.given
  if given.ledger then
    local held, problem, code = ledgers.look(given.ledger, not given.dryRun)
    if problem then return job.voice:fail(problem, code) end
    problem = held and ledgers.foreign(given.ledger, held, job.client, given.file ~= nil)
    if problem then return job.voice:fail(problem .. ". Nothing was sent", MISUSED) end
    job.held = held
  end
  local source, problem, code = sourceOf(job)
  if not source then return job.voice:fail(problem, code) end
  job.source = source
  -- A ledger of an empty list would refuse what is there the next time.
  if source.total == 0 and not job.held then given.ledger = nil end
  local fits
  fits, problem, code = compareWithLedger(job)
  if not fits then return job.voice:fail(problem .. ". Nothing was sent", code) end
  return true
end

local function proceed(job)
  local given, left = job.given, introduce(job)
  if given.dryRun then
    job.voice:say(("%d would be sent to %s; nothing was."):format(left, job.client.endpoint))
    local summary = job.held and ledgers.final(job.held.counts) or outcome.zeros()
    summary.notTried = left
    summary.total, summary.dry_run, summary.exit_code = job.source.total, true, exitcodes.DONE
    job.voice:print(nil, "summary", summary)
    return exitcodes.DONE
  end
  if not confirm(job, left) then return job.voice:fail("Nothing was sent", MISUSED) end
  local problem
  job.refusals, problem = refusals.open(given, job.voice)
  if not job.refusals then return job.voice:fail("--report: " .. problem, MISUSED) end
  return execution.run(job)
end

--- Closes the records.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function closing.run(given)
  local speaker = voice.new(given)
  local problem = intent.contradiction(given)
  if problem then return speaker:fail(problem, MISUSED) end
  local rules, wrong = intent.rules(given)
  if not rules then return speaker:fail(wrong, MISUSED) end
  local client <close>, failure, code = connection.open(given)
  if not client then return speaker:fail(failure, code) end
  local job = { given = given, voice = speaker, rules = rules, client = client, again = intent.again(given) }
  local results = table.pack(prepare(job))
  if results[1] == true then results = table.pack(proceed(job)) end
  if job.source then job.source.close() end
  return table.unpack(results, 1, results.n)
end

return closing
