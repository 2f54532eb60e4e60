--- A ledger as the source of a run: batches are claimed before they are sent, and their outcomes written when they are
--- known.
---
--- The states of a batch:
---
---     open ──> sent ──> done            every entry has its final outcome
---                └───> partial ──> again ──> done, partial
---
--- `partial` has entries whose outcome is `unknown` or `notTried`; a later run takes those alone, and meanwhile the
--- batch is `again`. What is found `sent` or `again` when it is claimed was in the hands of a run that ended: its
--- entries are in doubt. Of a batch that is neither open nor sent, an entry without a row in `outcomes` is closed.

local failure = require "cloudblue.connect.closing.ledger.failure"
local values = require "cloudblue.connect.closing.ledger.values"

local integer = values.integer

---@class cloudblue.connect.closing.ledger.Source
---@field driver cloudblue.connect.closing.ledger.Session
---@field outstanding integer entries without a final outcome when the run began
---@field taken integer entries that were handed out
---@field unit cloudblue.connect.closing.ledger.Unit? the claimed batch of which entries are left to be taken
local Source = {}
Source.__index = Source

---@class cloudblue.connect.closing.ledger.Unit a claimed batch
---@field first integer
---@field state string that it had before
---@field entries cloudblue.connect.closing.Entry[] those to be closed
---@field seqs integer[]? their numbers; nil where they are all of the batch
---@field outcomes string[]
---@field messages string[]
---@field taken integer entries that were handed out
---@field settled integer entries whose outcomes are known

-- ==== Claiming =======================================================================================================

-- Of a batch that was sent before: those of its entries whose outcome is not final, and their numbers.
local function leftOf(driver, first, entries)
  local left, seqs, isUnknown = {}, {}, false
  for seq, outcome in driver:rows(([[SELECT seq, outcome FROM outcomes WHERE seq BETWEEN %d AND %d
    AND outcome IN ('unknown', 'notTried') ORDER BY seq]]):format(first, first + #entries - 1)) do
    seq = integer(seq)
    left[#left + 1], seqs[#seqs + 1] = entries[seq - first + 1], seq
    isUnknown = isUnknown or outcome == "unknown"
  end
  return left, seqs, isUnknown
end

-- Claims the next batch; nil where there is none.
local function claim(self)
  local first, state, ids, bills, notes = self.driver:claim()
  if not first then return nil end
  first = integer(first)
  local entries, seqs = values.entries(ids, bills, notes), nil
  local isDoubtful = state == "sent" or state == "again"
  if state == "partial" or state == "again" then
    local isUnknown
    entries, seqs, isUnknown = leftOf(self.driver, first, entries)
    isDoubtful = isDoubtful or isUnknown
  end
  return {
    first = first, state = state, entries = entries, seqs = seqs, outcomes = {}, messages = {}, taken = 0, settled = 0,
    isDoubtful = isDoubtful,
  }
end

---@class cloudblue.connect.closing.ledger.List: cloudblue.connect.closing.Entry[]
---@field doubtful boolean whether each may have been sent before: it is to be read before it is sent
---@field unit cloudblue.connect.closing.ledger.Unit
---@field offset integer where it begins in the unit

-- Hands out the next entries of the claimed batch.
local function slice(self, size)
  local unit = self.unit
  local entries, offset = unit.entries, unit.taken
  local list = entries
  if offset > 0 or #entries > size then
    list = table.move(entries, offset + 1, math.min(offset + size, #entries), 1, {})
  end
  unit.taken = offset + #list
  self.taken = self.taken + #list
  if unit.taken == #entries then self.unit = nil end
  list.doubtful, list.unit, list.offset = unit.isDoubtful, unit, offset
  return list
end

local function take(self, size)
  self.unit = self.unit or claim(self)
  return self.unit and slice(self, size) or nil
end

--- The next entries to be closed. From here on the ledger says of them that they are sent.
---@param size integer at most
---@return cloudblue.connect.closing.ledger.List? list nil where there are none; then see `pending`
---@return cloudblue.connect.Failure? failure
function Source:take(size) return failure.catch(take, self, size) end

--- How long until it makes sense to ask `take` again, which had nothing: others have batches, and may be dead.
---@return number? seconds nil where there is nothing to wait for
---@return cloudblue.connect.Failure? failure
function Source:pending() return failure.catch(self.driver.pending, self.driver) end

--- Whether a list is still this run's, and for a while. To be asked before it is sent.
---@param list cloudblue.connect.closing.ledger.List
---@return boolean? mine
---@return cloudblue.connect.Failure? failure
function Source:renew(list) return failure.catch(self.driver.renew, self.driver, list.unit.first) end

-- ==== Settling =======================================================================================================

-- A failure in a line.
local function messageOf(what)
  if type(what) ~= "table" or not what.message then return nil end
  local code = what.errorCode or what.status
  return values.printable((code and code .. ": " or "") .. tostring(what.message))
end

-- What the outcomes of a claimed batch make of it: its state, and the rows of entries that are not closed.
local function judge(unit)
  local rows, open, untried = {}, 0, 0
  for index = 1, #unit.entries do
    local outcome = unit.outcomes[index] or "unknown"
    if outcome ~= "closed" then
      if outcome == "notTried" then untried = untried + 1 end
      if outcome == "notTried" or outcome == "unknown" then open = open + 1 end
      local seq = unit.seqs and unit.seqs[index] or unit.first + index - 1
      rows[#rows + 1] = ("(%d,'%s',%s)"):format(seq, outcome, values.quote(unit.messages[index]))
    end
  end
  -- As if it had never been taken.
  if not unit.seqs and untried == #unit.entries then return "open", {} end
  return open > 0 and "partial" or "done", rows
end

-- Writes the rows in place of those that the entries had.
local function replaceRows(driver, unit, rows)
  if unit.seqs then
    driver:run(("DELETE FROM outcomes WHERE seq IN (%s)"):format(table.concat(unit.seqs, ",")))
  end
  if #rows > 0 then driver:run("INSERT INTO outcomes (seq, outcome, message) VALUES " .. table.concat(rows, ",")) end
end

-- What was taken over by another worker is its to write.
local function write(driver, unit, state, rows)
  if not driver:settle(unit.first, state) then return false end
  if #rows > 0 or unit.seqs then replaceRows(driver, unit, rows) end
  return true
end

-- Writes what became of a claimed batch; and claims the next one in the same transaction, where that is wanted.
local function settle(self, unit, claimsNext)
  local driver = self.driver
  local state, rows = judge(unit)
  if #rows == 0 and not unit.seqs and not claimsNext then return driver:settle(unit.first, state) end
  local mine, nextUnit = driver:transaction(function()
    return write(driver, unit, state, rows), claimsNext and claim(self) or nil
  end)
  self.unit = self.unit or nextUnit
  return mine
end

local function done(self, list, outcomes, whats)
  local unit, offset = list.unit, list.offset
  for index = 1, #list do
    unit.outcomes[offset + index], unit.messages[offset + index] = outcomes[index], messageOf(whats[index])
  end
  unit.settled = unit.settled + #list
  return unit.settled < #unit.entries or settle(self, unit, self.driver.claimsAhead and not self.unit)
end

--- Writes what became of a list. The next batch may be claimed on this occasion.
---@param list cloudblue.connect.closing.ledger.List
---@param outcomes string[] of each of its entries
---@param whats any[] the chunk or the failure of each
---@return boolean? mine false where another worker has taken the list over, and nothing was written
---@return cloudblue.connect.Failure? failure
function Source:done(list, outcomes, whats) return failure.catch(done, self, list, outcomes, whats or {}) end

-- What is in doubt stays so.
local function finish(self)
  local unit = self.unit
  self.unit = nil
  if not unit or unit.isDoubtful and unit.taken == 0 then return true end
  for index = unit.taken + 1, #unit.entries do unit.outcomes[index] = unit.isDoubtful and "unknown" or "notTried" end
  unit.settled = unit.settled + #unit.entries - unit.taken
  return unit.settled < #unit.entries or settle(self, unit, false)
end

--- Ends the run, when all that was taken is done: gives back what was claimed and not taken.
---@return boolean? done
---@return cloudblue.connect.Failure? failure
function Source:finish() return failure.catch(finish, self) end

--- The entries that were not taken. Of a list that others work on as well, there are none: they are not this run's.
---@return cloudblue.connect.closing.Entry[] none: they are only counted
---@return integer count
function Source:rest()
  return {}, self.driver.isShared and 0 or self.outstanding - self.taken
end

local source = {}

--- Begins a run.
---@param driver cloudblue.connect.closing.ledger.Session
---@param outstanding integer entries without a final outcome
---@return cloudblue.connect.closing.ledger.Source
function source.new(driver, outstanding)
  driver:start()
  return setmetatable({ driver = driver, outstanding = outstanding, taken = 0 }, Source)
end

return source
