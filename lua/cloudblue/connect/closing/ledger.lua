--- The ledger of a run: what is to be closed, under which billing id, and what became of it. It survives the process.
---
--- A ledger holds one list, of one endpoint and account. A batch is marked as sent, in a committed transaction,
--- before any of it is sent, and its outcomes are committed when they are known. So what a run that was killed leaves
--- is either open, settled, or in doubt; and what is in doubt is read before it is sent again.
---
--- There are two drivers: a file of SQLite (`ledger/sqlite.lua`), which a run has for itself, and a schema in
--- PostgreSQL (`ledger/postgres.lua`), where many workers share a list. Both have these tables, for all to look at:
---
---     run       one row: endpoint, account (a digest), list (a digest), total, repeated, created
---     lists     the entries by batch, as JSON arrays; never changed once they are planned
---     batches   first (number of its first entry), count, state; see `ledger/source.lua`
---     outcomes  seq (number of an entry), outcome, message: of entries that are not plainly closed
---     entries   a view: seq, id, external_billing_id, external_billing_note, outcome, message

local failure = require "cloudblue.connect.closing.ledger.failure"
local plan = require "cloudblue.connect.closing.ledger.plan"
local source = require "cloudblue.connect.closing.ledger.source"
local values = require "cloudblue.connect.closing.ledger.values"

local BATCH_SIZE <const> = require "cloudblue.connect.closing.options".BATCH_SIZE

local catch, integer = failure.catch, values.integer

local ledger = {}

---@class cloudblue.connect.closing.Ledger
---@field driver cloudblue.connect.closing.ledger.Session
local Ledger = {}
Ledger.__index = Ledger

-- ==== What it holds ==================================================================================================

---@class cloudblue.connect.closing.ledger.Identity
---@field endpoint string
---@field account string digest of whose key it was
---@field list string digest of the list
---@field total integer entries, without repetitions
---@field repeated integer entries beside those that were the same record again, in the same way
---@field created string date and time (UTC)

local function identity(self)
  local driver = self.driver
  if not driver:hasTables() then return nil end
  local endpoint, account, list, total, repeated, created =
    driver:first("SELECT endpoint, account, list, total, repeated, created FROM run")
  if not endpoint then return nil end
  return {
    endpoint = endpoint, account = account, list = list, total = integer(total),
    repeated = integer(repeated), created = created,
  }
end

--- What the ledger holds.
---@return cloudblue.connect.closing.ledger.Identity? identity nil where nothing was planned
---@return cloudblue.connect.Failure? failure
function Ledger:identity() return catch(identity, self) end

-- Two endpoints are the same without the slashes at their ends.
local function endpointOf(text) return (text:gsub("/+$", "")) end

local function holds(held) return ("%d entries, planned %s"):format(held.total, held.created) end

--- Why a ledger is not one of an endpoint.
---@param held cloudblue.connect.closing.ledger.Identity
---@param endpoint string
---@return string? problem nil where it is
function ledger.elsewhere(held, endpoint)
  if held.endpoint == endpointOf(endpoint) then return nil end
  return ("it belongs to another endpoint: %s, not %s (%s)"):format(held.endpoint, endpoint, holds(held))
end

--- Why a ledger is not one of an account. Raises where there is no library to find that out.
---@param held cloudblue.connect.closing.ledger.Identity
---@param name string the ledger's, as it may be shown
---@param account string
---@return string? problem nil where it is
function ledger.foreign(held, name, account)
  if held.account == plan.digest(name, account) then return nil end
  return ("it belongs to another account: it was planned with another key (%s)"):format(holds(held))
end

local function mismatch(name, problem) failure.raise(name, problem, "mismatch") end

-- Raises where the ledger holds another list.
local function compareList(name, held, nextEntry)
  local list, total = plan.examine(name, nextEntry)
  if held.list ~= list then
    mismatch(name, ("it holds another list (%s); this one has %d"):format(holds(held), total))
  end
end

-- True where nothing of the list was carried out, and nobody else may be about to.
local function isUntouched(driver)
  return not driver.isShared and not driver:first "SELECT 1 FROM batches WHERE state <> 'open'"
    and not driver:first "SELECT 1 FROM outcomes"
end

-- Raises where the ledger belongs to something else. One of which nothing was carried out, as with a mistyped key,
-- passes to another account that brings the same list for the same endpoint.
local function compare(self, held, nextEntry, given)
  local driver, name = self.driver, self.driver.name
  local elsewhere = ledger.elsewhere(held, given.endpoint)
  if elsewhere then mismatch(name, elsewhere) end
  local foreign = ledger.foreign(held, name, given.account)
  if foreign and not (nextEntry and isUntouched(driver)) then mismatch(name, foreign) end
  if nextEntry then compareList(name, held, nextEntry) end
  if foreign then driver:run(("UPDATE run SET account = '%s'"):format(plan.digest(name, given.account))) end
end

local function write(self, nextEntry, given, size)
  local driver = self.driver
  if not nextEntry then failure.raise(driver.name, "it holds no list") end
  driver:makeTables()
  local written = plan.write(driver, nextEntry, size)
  local quote = values.quote
  driver:run(([[INSERT INTO run (endpoint, account, list, total, repeated, created)
    VALUES (%s, %s, '%s', %d, %d, '%s')]]):format(
    quote(endpointOf(given.endpoint)), quote(plan.digest(driver.name, given.account)), written.list, written.total,
    written.repeated, os.date("!%Y-%m-%dT%H:%M:%SZ")))
  return written.total, written.repeated
end

local function planList(self, nextEntry, given, size)
  local driver = self.driver
  local held = identity(self)
  if not held then
    local total, repeated
    driver:transaction(function()
      driver:lockPlan()
      held = identity(self)
      if not held then total, repeated = write(self, nextEntry, given, size) end
    end)
    if total then return total, repeated end
  end
  compare(self, held, nextEntry, given)
  return held.total, held.repeated
end

--- Writes a list into the ledger: all of it, or nothing. Where the ledger holds one already, that has to be the same,
--- of the same endpoint and account; the account may be another where the ledger is this process's alone, and nothing
--- of the list was carried out.
---@param nextEntry (fun(): table?)? the entries one after the other; nil: goes on with the list that is there
---@param given {endpoint: string, account: string}
---@param size integer? entries of a batch
---@return integer? total entries, without repetitions. Raises what is wrong with an entry
---@return integer|cloudblue.connect.Failure repeated entries that repeat another; beside nil the failure, with
--- the errorCode "mismatch" where the ledger belongs to another list, endpoint or account
function Ledger:plan(nextEntry, given, size) return catch(planList, self, nextEntry, given, size or BATCH_SIZE) end

-- ==== What became of it ==============================================================================================

---@class cloudblue.connect.closing.ledger.Counts `total` is the sum of the others
---@field total integer
---@field closed integer
---@field already integer
---@field refused integer
---@field unknown integer sent, and it could not be found out
---@field notTried integer a run took it, and was stopped before it was sent
---@field open integer never taken
---@field sent integer in the hands of a run, or of one that was killed

-- Adds the numbers that a query returns by state or outcome.
local function tally(driver, sql, add)
  for name, count in driver:rows(sql) do add(name, integer(count)) end
end

local function count(self)
  local driver = self.driver
  local counts = { total = 0, closed = 0, already = 0, refused = 0, unknown = 0, notTried = 0, open = 0, sent = 0 }
  if not driver:hasTables() then return counts end
  local function move(from, to, number)
    counts[from], counts[to] = counts[from] - number, counts[to] + number
  end
  tally(driver, "SELECT state, sum(count) FROM batches GROUP BY state", function(state, number)
    counts.total = counts.total + number
    local name = counts[state] and state or "closed"
    counts[name] = counts[name] + number
  end)
  tally(driver, "SELECT outcome, count(*) FROM outcomes GROUP BY outcome", function(outcome, number)
    move("closed", outcome, number)
  end)
  tally(driver, [[SELECT o.outcome, count(*) FROM batches b
    JOIN outcomes o ON o.seq BETWEEN b.first AND b.first + b.count - 1
    WHERE b.state = 'again' AND o.outcome IN ('unknown', 'notTried') GROUP BY o.outcome]], function(outcome, number)
    move(outcome, "sent", number)
  end)
  return counts
end

--- How many entries there are of each outcome.
---@return cloudblue.connect.closing.ledger.Counts? counts
---@return cloudblue.connect.Failure? failure
function Ledger:counts()
  return catch(self.driver.snapshot, self.driver, count, self)
end

-- The condition for batches that may have entries with these outcomes.
local function conditionOf(outcomes)
  if not outcomes then return "TRUE" end
  local conditions = { "FALSE" }
  for name in pairs(outcomes) do
    conditions[#conditions + 1] = name == "closed" and "b.state IN ('done', 'partial', 'again')"
      or name == "open" and "b.state = 'open'" or name == "sent" and "b.state IN ('sent', 'again')"
      or ([[EXISTS (SELECT 1 FROM outcomes o WHERE o.seq BETWEEN b.first AND b.first + b.count - 1
        AND o.outcome = '%s')]]):format(name)
  end
  return "(" .. table.concat(conditions, " OR ") .. ")"
end

-- The outcomes of a batch's entries that have a row: number -> outcome, message.
local function rowsOf(driver, first, size)
  local outcomes, messages = {}, {}
  for seq, outcome, message in driver:rows(("SELECT seq, outcome, message FROM outcomes WHERE seq BETWEEN %d AND %d")
    :format(first, first + size - 1)) do
    seq = integer(seq)
    outcomes[seq], messages[seq] = outcome, message
  end
  return outcomes, messages
end

local UNSETTLED = { unknown = true, notTried = true }

local function outcomeOf(state, outcome)
  if state == "open" or state == "sent" then return state end
  if state == "again" and UNSETTLED[outcome] then return "sent" end
  return outcome or "closed"
end

-- The next batch behind `position` that may have what is wanted.
local function readBatch(driver, position, condition)
  local first, state, ids, bills, notes = driver:first(([[SELECT b.first, b.state, l.ids, l.bills, l.notes
    FROM batches b JOIN lists l ON l.first = b.first WHERE b.first > %d AND %s ORDER BY b.first LIMIT 1]]):format(
    position, condition))
  if not first then return nil end
  first = integer(first)
  local entries = values.entries(ids, bills, notes)
  local outcomes, messages = rowsOf(driver, first, #entries)
  return { first = first, state = state, entries = entries, outcomes = outcomes, messages = messages, index = 0 }
end

--- The entries and what became of them, in the order of the list.
---@param outcomes string[]? those wanted: "closed", "already", "refused", "unknown", "notTried", "open", "sent"; all
---@return fun(): cloudblue.connect.closing.Entry?, string?, string? next entry, outcome, message; nil after the last.
--- Raises the failure
function Ledger:entries(outcomes)
  local wanted = outcomes and {}
  for _, name in ipairs(outcomes or {}) do wanted[name] = true end
  local driver, condition, batch, position = self.driver, conditionOf(wanted), nil, 0
  if not driver:hasTables() then return function() end end
  local function nextEntry()
    if not batch or batch.index == #batch.entries then batch = readBatch(driver, position, condition) end
    if not batch then return nil end
    batch.index = batch.index + 1
    local index, seq = batch.index, batch.first + batch.index - 1
    position = batch.first
    local outcome = outcomeOf(batch.state, batch.outcomes[seq])
    if wanted and not wanted[outcome] then return nextEntry() end
    return batch.entries[index], outcome, batch.messages[seq]
  end
  return nextEntry
end

-- ==== Runs ===========================================================================================================

local function newSource(self)
  local counts = self.driver:snapshot(count, self)
  return source.new(self.driver, counts.open + counts.sent + counts.unknown + counts.notTried)
end

--- The ledger as the source of a run: what was never sent, and what a run before left undecided. Each batch once.
---@return cloudblue.connect.closing.ledger.Source? source
---@return cloudblue.connect.Failure? failure
function Ledger:source() return catch(newSource, self) end

--- Closes it. May be called again.
function Ledger:close() self.driver:close() end

Ledger.__close = Ledger.close

-- ==== Opening ========================================================================================================

local function open(name, options)
  local kind = name:find("^postgres://") or name:find("^postgresql://")
  local driver = require("cloudblue.connect.closing.ledger." .. (kind and "postgres" or "sqlite"))
  return setmetatable({ driver = driver.open(name, options) }, Ledger)
end

--- Opens a ledger.
---@param name string the path of a file, or `postgres://…`
---@param options {create: boolean?, exclusive: boolean?, lease: number?}? create: makes it where it does not exist;
--- exclusive: to be worked on, a file by this process alone; lease: seconds after which a worker's batch is taken over
---@return cloudblue.connect.closing.Ledger? ledger
---@return cloudblue.connect.Failure? failure kind "ledger"; errorCode "locked" where another run has it
function ledger.open(name, options)
  return catch(open, name, options or {})
end

return ledger
