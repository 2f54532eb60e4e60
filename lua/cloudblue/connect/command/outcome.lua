--- What came of a run: its exit code, and the words for it.

local exitcodes = require "cloudblue.connect.command.exitcodes"

local outcome = {}

---@class cloudblue.connect.command.Outcome
---@field counts {closed: integer, already: integer, refused: integer, unknown: integer, notTried: integer}
---@field stopped string? as in the summary of closeMany, or "ledger", "input"
---@field failure any what stopped it, if any
---@field interrupted boolean? by Ctrl-C or SIGTERM
---@field again string? the command that goes on

-- Whatever is left: why a run ends early → exit code.
local STOPPED <const> = {
  denied = exitcodes.DENIED, maxRefused = exitcodes.FAILED, maxDuration = exitcodes.STOPPED,
  service = exitcodes.STOPPED, ledger = exitcodes.STOPPED, input = exitcodes.STOPPED,
}

--- The exit code of what is there in the end.
---@param counts {refused: integer, unknown: integer, notTried: integer}
---@return integer code
function outcome.codeOfCounts(counts)
  if counts.notTried > 0 then return exitcodes.STOPPED end
  if counts.unknown > 0 then return exitcodes.UNDECIDED end
  return counts.refused > 0 and exitcodes.FAILED or exitcodes.DONE
end

-- Whether a run ended before its end. A reason to stop that leaves nothing to be done is none; but a ledger that could
-- not be written says less than was done.
local function isStopped(result)
  local counts = result.counts
  return STOPPED[result.stopped] ~= nil
    and (counts.notTried > 0 or counts.unknown > 0 or result.stopped == "ledger")
end

--- The exit code of a run.
---@param result cloudblue.connect.command.Outcome
---@return integer code
function outcome.code(result)
  local counts = result.counts
  if result.interrupted and counts.notTried > 0 then return exitcodes.INTERRUPTED end
  return isStopped(result) and STOPPED[result.stopped] or outcome.codeOfCounts(counts)
end

local NAMES <const> = { "closed", "already", "refused", "unknown", "notTried" }

--- Counts of nothing.
---@return table counts
function outcome.zeros()
  return { closed = 0, already = 0, refused = 0, unknown = 0, notTried = 0 }
end

--- The sums of two counts.
---@param one table
---@param other table
---@return table counts
function outcome.added(one, other)
  local counts = {}
  for _, name in ipairs(NAMES) do counts[name] = one[name] + other[name] end
  return counts
end

--- How many entries these are.
---@param counts table
---@return integer
function outcome.sum(counts)
  return counts.closed + counts.already + counts.refused + counts.unknown + counts.notTried
end

--- The counts in a line.
---@param counts table
---@return string
function outcome.line(counts)
  return ("closed %d, already %d, refused %d, unknown %d, not tried %d"):format(
    counts.closed, counts.already, counts.refused, counts.unknown, counts.notTried)
end

local WHY <const> = {
  denied = "The service refuses the key, or what it may do: %s",
  service = "The service can't be had: %s",
  ledger = "The ledger can't be written: %s",
  input = "Stopped: %s",
  maxRefused = "Stopped, because more were refused than --max-refused allows: the list or the key may be a wrong one",
  maxDuration = "Stopped, because --max-duration is over",
}

-- Why it ended early; nil where it did not.
local function why(result)
  if isStopped(result) then return WHY[result.stopped]:format(tostring(result.failure)) end
  return result.interrupted and result.counts.notTried > 0 and "Interrupted" or nil
end

-- What is left to be done.
local function whatNext(result)
  local counts = result.counts
  if counts.notTried == 0 and counts.unknown == 0 then return nil end
  local what = counts.notTried > 0 and "go on with" or "find out what became of those that are unknown with"
  return ("%s: %s"):format(what, result.again)
end

--- One line that says what has gone wrong, and what to do next.
---@param result cloudblue.connect.command.Outcome
---@return string? problem nil where all are closed
function outcome.problem(result)
  local counts = result.counts
  local parts = { why(result) }
  if #parts == 0 and counts.unknown > 0 then
    parts[1] = ("%d may have been closed or not"):format(counts.unknown)
  elseif #parts == 0 and counts.refused > 0 then
    parts[1] = ("%d were refused"):format(counts.refused)
  end
  parts[#parts + 1] = whatNext(result)
  return parts[1] and table.concat(parts, "; ") or nil
end

return outcome
