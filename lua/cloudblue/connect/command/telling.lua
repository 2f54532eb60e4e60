--- What `connect-usage status` says of a ledger, without asking the service.

local ledgers = require "cloudblue.connect.command.ledgers"
local outcome = require "cloudblue.connect.command.outcome"
local report = require "cloudblue.connect.command.report"
local voice = require "cloudblue.connect.command.voice"

local telling = {}

-- The words of the service's JSON, and a line of them.
local LINES <const> = {
  { "endpoint", "endpoint" }, { "planned", "created" }, { "records", "total" }, { "closed", "closed" },
  { "already", "already" }, { "refused", "refused" }, { "unknown", "unknown" }, { "not tried", "notTried" },
}

local function tableOf(object)
  local lines = {}
  for index, line in ipairs(LINES) do lines[index] = ("%-9s  %s"):format(line[1], object[line[2]]) end
  if object.sent > 0 then
    lines[#lines + 1] = ("sent       %d, by a run that goes on or was killed"):format(object.sent)
  end
  return table.concat(lines, "\n")
end

-- The entries that are not closed, as a report has them. Ends where they can't be printed any more.
local function listUnclosed(given, speaker)
  local stream = speaker.stream
  if not speaker.json then stream:write(report.header()) end
  return ledgers.eachUnclosed(given.ledger, function(entry, what, message)
    if not speaker.json then return stream:write(report.line(entry, what, message)) end
    return speaker:print(nil, "entry", {
      id = entry.id, external_billing_id = entry.external_billing_id,
      external_billing_note = entry.external_billing_note, outcome = what, message = message,
    })
  end)
end

--- Says what a ledger holds.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function telling.run(given)
  local speaker = voice.new(given)
  local held, problem, code = ledgers.held(given.ledger)
  if not held then return speaker:fail(problem, code) end
  local object = ledgers.final(held.counts)
  code = outcome.codeOfCounts(object)
  object.ledger, object.total, object.exit_code = ledgers.shown(given.ledger), held.counts.total, code
  object.endpoint, object.created = held.identity.endpoint, held.identity.created
  object.unknown, object.sent = held.counts.unknown, held.counts.sent
  if given.refused then
    local done, wrong, wrongCode = listUnclosed(given, speaker)
    if not done then return speaker:fail(wrong, wrongCode) end
  end
  speaker:print(not given.refused and tableOf(object) or nil, "summary", object)
  if ledgers.left(held.counts) > 0 then
    speaker:say("To go on: connect-usage close --ledger " .. ledgers.shown(given.ledger))
  end
  local done, unprinted, unprintedCode = speaker:finish()
  if not done then return nil, unprinted, unprintedCode end
  return code
end

return telling
