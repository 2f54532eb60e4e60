--- Closing many records: `records:closeMany`, and `records:drain` for loops that close what they list.

local core = require "cloudblue.connect.core"
local drain = require "cloudblue.connect.closing.drain"
local entries = require "cloudblue.connect.closing.entries"
local ledgers = require "cloudblue.connect.closing.ledger"
local misuse = require "cloudblue.connect.misuse"
local options = require "cloudblue.connect.closing.options"
local runs = require "cloudblue.connect.closing.run"
local tasks = require "cloudblue.connect.tasks"

local closing = {}

-- ==== Where entries come from ========================================================================================

-- A list or an iterator as a function that returns the next entry; nil where there is neither.
local function nextOf(given)
  return type(given) == "table" and tasks.each(given) or given
end

-- Plans the entries, or sees whether the ledger holds them. Returns the source; nil and a failure. Raises what is wrong
-- with an entry.
local function sourceOf(ledger, client, given, size)
  local owner = { endpoint = client.endpoint, account = core.account(client) }
  local total, repeated = ledger:plan(nextOf(given), owner, size)
  if not total then return nil, repeated end
  local source, failure = ledger:source()
  if source then source.repeated = repeated end
  return source, failure
end

-- Returns the summary; nil and a failure; or nil, nil and what was raised before anything was sent.
local function closeByLedger(records, given, settings)
  local ledger <close>, failure = ledgers.open(settings.ledger, {
    create = given ~= nil, exclusive = true, lease = settings.lease,
  })
  if not ledger then return nil, failure end
  local done, source, problem = pcall(sourceOf, ledger, records.client, given, settings.batchSize)
  if not done then return nil, nil, source end
  if not source then return nil, problem end
  local run = runs.new(records, source, settings)
  local summary = run:carryOut()
  summary.ledger = run:checkLedger(ledger:counts())
  return summary
end

local function closeGiven(records, given, settings)
  if type(given) == "function" then return runs.new(records, entries.iterator(given), settings):carryOut() end
  local source, problem = entries.list(given)
  if not source then return nil, nil, problem end
  return runs.new(records, source, settings):carryOut()
end

-- ==== The calls =====================================================================================================

-- Refuses what is no collection of records, a closed client, and one argument too many.
local function check(method, records, last, ...)
  if type(records) ~= "userdata" or type(records.client) ~= "userdata" then
    error(("calling '%s' on a bad self (a resource expected, got %s)"):format(method, type(records)), 3)
  end
  if core.isClosed(records.client) then error("the client is closed", 3) end
  misuse.more(method, last, 3, ...)
end

--- Closes many records, by the bulk route, several batches at once. See `meta.lua` for the arguments.
function closing.closeMany(records, given, settings, ...)
  check("closeMany", records, 2, ...)
  settings = settings == nil and {} or settings
  local wrong = options.problemOf(settings)
  local isFit = type(given) == "table" or type(given) == "function" or given == nil and (wrong or settings.ledger)
  if not isFit then
    misuse.argument("closeMany", 1, "entries must be a list or an iterator, got " .. type(given), 2)
  end
  if wrong then misuse.argument("closeMany", 2, wrong, 2) end
  local summary, failure, problem = (settings.ledger and closeByLedger or closeGiven)(records, given, settings)
  if not problem then return summary, failure end
  -- What is wrong with a list is misuse. Of an iterator it is raised as it is, for it may be the iterator's own.
  if type(given) ~= "table" or not tostring(problem):find("^entry %d+: ") then error(problem, 0) end
  misuse.argument("closeMany", 1, problem, 2)
end

--- Takes from the front of a list what `fn` makes leave it. See `meta.lua` for the arguments.
function closing.drain(records, filters, fn, limits, ...)
  check("drain", records, 3, ...)
  if type(fn) ~= "function" then misuse.argument("drain", 2, "fn must be a function, got " .. type(fn), 2) end
  local wrong = limits ~= nil and select(2, core.readLimits(limits))
  if wrong then misuse.argument("drain", 3, wrong, 2) end
  return drain.run(records, filters, fn, limits)
end

return closing
