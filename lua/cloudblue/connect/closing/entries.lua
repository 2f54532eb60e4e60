--- Where a run takes its entries from: a list, checked before anything of it is sent; or an iterator, read as needed.
---
--- A source has the methods of `Source` below; the ledger has one, too.

local core = require "cloudblue.connect.core"

local entries = {}

---@class cloudblue.connect.closing.Entry
---@field id string
---@field external_billing_id string?
---@field external_billing_note string?

---@class cloudblue.connect.closing.Batch: cloudblue.connect.closing.Entry[]
---@field doubtful boolean? they may have been sent before: each is to be read before it is sent

--- A source of entries.
---@class cloudblue.connect.closing.Source
---@field repeated integer entries so far that were repetitions of others
---@field take fun(self, size: integer): cloudblue.connect.closing.Batch?, any the next entries, at most so many; nil
--- after the last, with a failure where they can't be had. Raises what is wrong with an entry
---@field renew fun(self, list: cloudblue.connect.closing.Batch): boolean?, any whether the batch is still this run's;
--- nil and a failure where that can't be known. Asked before anything of it is sent
---@field done fun(self, list: cloudblue.connect.closing.Batch, outcomes: string[], whats: table): boolean?, any what
--- became of it, by position. Returns true; false where it is another run's by now; nil and a failure
---@field pending fun(self): number? where `take` had nothing: seconds until it may have; nil where it never will
---@field finish fun(self): boolean?, any when every batch that was taken is done. Returns true, or nil and a failure
---@field rest fun(self): cloudblue.connect.closing.Entry[], integer those that were not taken, as far as they are
--- known, and how many there are besides

-- Whether two entries close the same record in the same way.
local function isAlike(one, other)
  return one.external_billing_id == other.external_billing_id
    and one.external_billing_note == other.external_billing_note
end

local problemOfEntry = core.problemOfEntry

-- ==== Lists ==========================================================================================================

local List = {}
List.__index = List

function List:take(size)
  local first, last = self.taken + 1, math.min(self.taken + size, #self.entries)
  self.taken = last
  return first <= last and table.move(self.entries, first, last, 1, {}) or nil
end

function List.renew() return true end

function List.done() return true end

function List.pending() return nil end

function List.finish() return true end

function List:rest() return table.move(self.entries, self.taken + 1, #self.entries, 1, {}), 0 end

--- A list as a source: all of it is checked.
---@param list table[]
---@return cloudblue.connect.closing.Source?
---@return string? problem
function entries.list(list)
  local checked, places = {}, {}
  for number = 1, #list do
    local entry = list[number]
    local problem = problemOfEntry(entry)
    if problem then return nil, ("entry %d: %s"):format(number, problem) end
    local id = entry.id
    local first = places[id]
    if not first then
      places[id] = number
      checked[#checked + 1] = entry
    elseif not isAlike(list[first], entry) then
      return nil, ("entry %d: %s stands already in entry %d, with another billing id or note"):format(number, id, first)
    end
  end
  return setmetatable({ entries = checked, taken = 0, repeated = #list - #checked }, List)
end

-- ==== Iterators ======================================================================================================

local Iterator = {}
Iterator.__index = Iterator

-- Whether the record is under way already, in the same way; raises where it is in another way.
local function isRepeated(self, entry)
  local first = self.underWay[entry.id]
  if not first then return false end
  if isAlike(first, entry) then return true end
  error(("entry %d: %s stands already in entry %d, with another billing id or note"):format(
    self.number, entry.id, self.numbers[first]), 0)
end

-- The next entries are put into the list, until it has so many.
local function fill(self, list, size)
  local iterator, underWay, numbers = self.iterator, self.underWay, self.numbers
  local count = 0
  while count < size do
    local entry = iterator()
    if entry == nil then break end
    local number = self.number + 1
    self.number = number
    local problem = problemOfEntry(entry)
    if problem then error(("entry %d: %s"):format(number, problem), 0) end
    -- One table for all entries would close the last of them in place of each.
    if numbers[entry] then
      error(("entry %d: it is the same table as entry %d, which is not done yet"):format(number, numbers[entry]), 0)
    end
    local id = entry.id
    if underWay[id] and isRepeated(self, entry) then
      self.repeated = self.repeated + 1
    else
      count = count + 1
      list[count], underWay[id], numbers[entry] = entry, entry, number
    end
  end
end

-- What stands before a wrong entry is taken; the problem is raised at the next time.
function Iterator:take(size)
  if self.problem then error(self.problem, 0) end
  local list = {}
  local done, problem = pcall(fill, self, list, size)
  if not done then
    if #list == 0 then error(problem, 0) end
    self.problem = problem
  end
  return #list > 0 and list or nil
end

function Iterator.renew() return true end

function Iterator:done(list)
  local underWay, numbers = self.underWay, self.numbers
  for index = 1, #list do
    local entry = list[index]
    underWay[entry.id], numbers[entry] = nil, nil
  end
  return true
end

function Iterator.pending() return nil end

function Iterator.finish() return true end

function Iterator.rest() return {}, 0 end

--- An iterator as a source: an entry is checked when it is read. Which of them are repetitions is known only among
--- those that are not done yet.
---@param iterator fun(): any
---@return cloudblue.connect.closing.Source
function entries.iterator(iterator)
  return setmetatable({
    iterator = iterator, underWay = {}, numbers = {}, number = 0, repeated = 0,
  }, Iterator)
end

return entries
