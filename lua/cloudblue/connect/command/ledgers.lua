--- What the command asks of a ledger, and what it says of one.

local exitcodes = require "cloudblue.connect.command.exitcodes"

local ledgers = {}

---@class cloudblue.connect.command.Held what a ledger holds
---@field identity table
---@field counts table

--- The name of a ledger as it may be shown: without a password.
---@param name string
---@return string
function ledgers.shown(name)
  return require("cloudblue.connect.closing.ledger.failure").shown(name)
end

local CODES <const> = { locked = exitcodes.HELD, mismatch = exitcodes.MISUSED, name = exitcodes.MISUSED }

-- What passes, in SQLite's words.
local PASSING <const> = { "disk is full", "disk I/O error", "database is locked" }

--- The exit code for a ledger that can't be used, where nothing was sent.
---@param name string the ledger's
---@param failure cloudblue.connect.Failure
---@return integer code
function ledgers.code(name, failure)
  if CODES[failure.errorCode] then return CODES[failure.errorCode] end
  if failure.message:find("the Lua module", 1, true) then return exitcodes.MISUSED end
  -- A server may come back; a path does not change by itself.
  if name:find "^postgres" then return exitcodes.STOPPED end
  for _, words in ipairs(PASSING) do
    if failure.message:find(words, 1, true) then return exitcodes.STOPPED end
  end
  return exitcodes.MISUSED
end

-- ENOENT, on every system that has SQLite's locks.
local ABSENT <const> = 2

-- Whether a ledger is there. One in a database is asked itself. A file is not opened: closing it would release the
-- locks of a run in this process.
local function exists(name)
  if name:find "^postgres" then return true end
  return select(3, os.rename(name, name)) ~= ABSENT
end

--- Why nothing can be told of a ledger in which `look` has found no list.
---@param name string
---@return string problem
function ledgers.without(name)
  return ledgers.shown(name) .. (exists(name) and " holds no list" or ": there is no such ledger")
end

-- Calls a method of a ledger; raises its failure.
local function must(result, failure)
  if failure then error(failure, 0) end
  return result
end

--- Opens a ledger, hands it to a function, and closes it.
---@param name string
---@param fn fun(ledger: table): any
---@param options table? see `ledger.open`
---@return any result what the function returns; nil where the ledger can't be read
---@return string? problem beside nil
---@return integer? code beside nil
function ledgers.with(name, fn, options)
  local ledger, failure = require("cloudblue.connect.closing.ledger").open(name, options or {})
  if not ledger then return nil, failure.message, ledgers.code(name, failure) end
  local done, result = pcall(fn, ledger)
  ledger:close()
  if done then return result end
  if type(result) == "string" then error(result, 0) end
  return nil, result.message, ledgers.code(name, result)
end

--- What a ledger holds.
---@param name string
---@param isToBeUsed boolean? whether it is refused while another run holds it
---@return cloudblue.connect.command.Held|nil held nil where there is no ledger yet, or an empty one
---@return string? problem where it can't be read
---@return integer? code
function ledgers.look(name, isToBeUsed)
  if not exists(name) then return nil end
  return ledgers.with(name, function(ledger)
    local identity = must(ledger:identity())
    return identity and { identity = identity, counts = must(ledger:counts()) }
  end, { exclusive = isToBeUsed })
end

--- What a ledger holds, which has to be there.
---@param name string
---@return cloudblue.connect.command.Held|nil held
---@return string? problem beside nil
---@return integer? code beside nil
function ledgers.held(name)
  local held, problem, code = ledgers.look(name)
  if held or problem then return held, problem, code end
  return nil, ledgers.without(name), exitcodes.MISUSED
end

-- A problem of a ledger, with its name.
local function named(name, problem) return problem and ("ledger %s: %s"):format(ledgers.shown(name), problem) or nil end

--- That a ledger is of another endpoint.
---@param name string
---@param held cloudblue.connect.command.Held
---@param endpoint string the client's
---@return string? problem nil where it is of this one
function ledgers.elsewhere(name, held, endpoint)
  return named(name, require("cloudblue.connect.closing.ledger").elsewhere(held.identity, endpoint))
end

--- Why a client can't go on with a ledger, as its plan would find: it is of another endpoint or account. One of which
--- nothing was carried out passes to another account that brings its list, where it is a file.
---@param name string
---@param held cloudblue.connect.command.Held
---@param client cloudblue.connect.ConnectClient
---@param hasList boolean whether a list is given, which is compared
---@return string? problem nil where it can
function ledgers.foreign(name, held, client, hasList)
  local elsewhere = ledgers.elsewhere(name, held, client.endpoint)
  if elsewhere then return elsewhere end
  local foreign, failure = require("cloudblue.connect.closing.ledger.failure").catch(
    require("cloudblue.connect.closing.ledger").foreign, held.identity, ledgers.shown(name),
    require("cloudblue.connect.core").account(client))
  if failure then return failure.message end
  if hasList and not name:find "^postgres" and held.counts.open == held.counts.total then return nil end
  return named(name, foreign)
end

--- Whether a ledger holds these entries, and no others.
---@param name string
---@param held cloudblue.connect.command.Held
---@param nextEntry fun(): cloudblue.connect.Entry?
---@return boolean|nil same
---@return string? problem beside nil: the entries can't be read
function ledgers.holds(name, held, nextEntry)
  local examine = require("cloudblue.connect.closing.ledger.plan").examine
  local done, digest = pcall(examine, ledgers.shown(name), nextEntry)
  if done then return digest == held.identity.list end
  if type(digest) == "string" then error(digest, 0) end
  return nil, digest.changed or digest.message
end

-- Outcomes of entries that a run would take.
local LEFT <const> = { unknown = true, notTried = true, open = true, sent = true }

---@class cloudblue.connect.command.Comparison
---@field missing integer how many entries the ledger does not hold
---@field difference string? what is different about the first one that it holds in another way
---@field left cloudblue.connect.Entry? the first one that it has still to close

--- Compares some entries with those that a ledger holds.
---@param name string
---@param nextEntry fun(): cloudblue.connect.Entry?
---@param differenceOf fun(entry: cloudblue.connect.Entry): string? what is different about an entry of the ledger
---@return cloudblue.connect.command.Comparison|nil comparison
---@return string? problem
---@return integer? code
function ledgers.compare(name, nextEntry, differenceOf)
  local wanted, found = {}, { missing = 0 }
  for entry in nextEntry do
    wanted[entry.id] = true
    found.missing = found.missing + 1
  end
  return ledgers.with(name, function(ledger)
    for entry, outcome in ledger:entries() do
      if wanted[entry.id] then
        found.missing = found.missing - 1
        found.difference = found.difference or differenceOf(entry)
      end
      if LEFT[outcome] then found.left = found.left or entry end
    end
    return found
  end)
end

--- Calls a function for entries of a ledger, in the order of the list, until it returns false.
---@param name string
---@param outcomes string[]? which
---@param fn fun(entry: cloudblue.connect.Entry, outcome: string, message: string?): false?
---@return true|nil done
---@return string? problem
---@return integer? code
function ledgers.each(name, outcomes, fn)
  return ledgers.with(name, function(ledger)
    for entry, outcome, message in ledger:entries(outcomes) do
      if fn(entry, outcome, message) == false then break end
    end
    return true
  end)
end

-- What is not closed: outcome in a ledger → what a report calls it.
local UNCLOSED <const> = {
  refused = "refused", unknown = "unknown", sent = "unknown", notTried = "notTried", open = "notTried",
}

--- Calls a function for what is not closed, as `each`, with the outcomes of a report.
---@param name string
---@param fn fun(entry: cloudblue.connect.Entry, outcome: string, message: string?): false?
---@return true|nil done
---@return string? problem
---@return integer? code
function ledgers.eachUnclosed(name, fn)
  local outcomes = {}
  for outcome in pairs(UNCLOSED) do outcomes[#outcomes + 1] = outcome end
  return ledgers.each(name, outcomes, function(entry, outcome, message)
    return fn(entry, UNCLOSED[outcome], message)
  end)
end

--- How many of its entries a run would take.
---@param counts table of the ledger
---@return integer
function ledgers.left(counts)
  return counts.unknown + counts.notTried + counts.open + counts.sent
end

--- The counts of a ledger in the words of a run: what is open was not tried; what a run that was killed has sent is
--- unknown.
---@param counts table of the ledger
---@return table counts
function ledgers.final(counts)
  return {
    closed = counts.closed, already = counts.already, refused = counts.refused, unknown = counts.unknown + counts.sent,
    notTried = counts.notTried + counts.open,
  }
end

return ledgers
