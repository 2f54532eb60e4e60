--- The first reading of an input: every entry is checked before anything is sent. What stands in it twice is found
--- without keeping the entries: a number stands for each id, at some 50 bytes.

local core = require "cloudblue.connect.core"

local fingerprint = require "cloudblue.connect.command.input.fingerprint"
local keys = require "cloudblue.connect.command.input.keys"

local check = {}

--- Entries that are fingerprinted together, so that a change between the two readings is noticed before they are sent.
check.BLOCK = 1000

---@class cloudblue.connect.command.Facts
---@field entries integer how many there are, without repetitions
---@field repeated integer how many repetitions
---@field repeats table<integer, boolean> the numbers of those
---@field blocks integer[] the fingerprint of each block
---@field ignored string[] names of the columns, or keys, that are no part of an entry

local Check = {}
Check.__index = Check

-- A problem at a part of the last entry.
local function wrong(self, problem, key)
  return nil, problem, self.reader:place(key)
end

-- What is wrong with an entry as it would be sent.
local function problemOf(self, number, id, billingId, note)
  local key
  billingId, note, key = self.rules:apply(number, id, billingId, note)
  if billingId == false then return note, key end
  local entry = self.entry
  entry.id, entry.external_billing_id, entry.external_billing_note = id, billingId, note
  local problem = core.problemOfEntry(entry)
  if problem then return problem, problem:match "^[%l_]+" end
  if billingId then
    self.billed = true
  elseif not self.unbilled then
    local line, column = self.reader:place(keys.BILLING_ID)
    self.unbilled = { line = line, column = column, isNoted = note ~= nil }
  end
  return nil
end

-- Notes an entry whose id may have been met before.
local function noteRepetition(self, number, id, billingId, note)
  local print = fingerprint(0, id)
  local first = self.known[print]
  if not first then
    self.known[print] = number
    return
  end
  self.candidates = self.candidates or {}
  local list = self.candidates[first] or {}
  self.candidates[first] = list
  list[#list + 1] = { number = number, line = self.reader:place(keys.ID), id = id, billingId = billingId, note = note }
end

local function addToBlock(self, number, id, billingId, note)
  local index = (number - 1) // check.BLOCK + 1
  self.blocks[index] = check.add(self.blocks[index] or 0, id, billingId, note)
end

--- Adds an entry to the fingerprint of a block.
---@param print integer
---@param id string
---@param billingId string?
---@param note string?
---@return integer print
function check.add(print, id, billingId, note)
  return fingerprint(fingerprint(fingerprint(print, id), billingId), note)
end

-- Reads all. Returns the number of entries, or nil, the problem and its place.
local function readAll(self)
  local number = 0
  while true do
    local id, billingId, note, column = self.reader:next()
    if id == nil then return number end
    if id == false then return nil, billingId, note, column end
    number = number + 1
    local problem, key = problemOf(self, number, id, billingId, note)
    if problem then return wrong(self, problem, key) end
    noteRepetition(self, number, id, billingId, note)
    addToBlock(self, number, id, billingId, note)
    if self.onEntry then self.onEntry(number) end
  end
end

-- What stands where a billing id was meant, perhaps.
local function hintOf(ignored)
  for _, name in ipairs(ignored) do
    if keys.meant(name) == keys.BILLING_ID then
      return (" ('%s' is left out, for it is spelled otherwise)"):format(name)
    end
  end
  return ""
end

-- Entries without a billing id: all or none, and an option says that this is meant. Beside a note of their own --note
-- would be another one.
local function checkBilling(self)
  local unbilled, rules = self.unbilled, self.rules
  if not unbilled or rules.withoutBillingId then return true end
  local problem
  if self.billed then
    problem = "there is no external_billing_id here, but elsewhere (--without-billing-id lets that be)"
  elseif not rules.note then
    problem = ("there is no external_billing_id%s: give --billing-id%s or --without-billing-id"):format(
      hintOf(self.reader.ignored), unbilled.isNoted and "" or ", --note")
  end
  if problem then return nil, problem, unbilled.line, unbilled.column end
  return true
end

-- Compares an entry with those that may repeat it. `first`: see `candidates`.
local function compare(self, candidates, id, billingId, note, line)
  for _, other in ipairs(candidates) do
    if other.id == id then
      if other.billingId ~= billingId or other.note ~= note then
        return nil, ("%s stands in line %d already, with another billing id or note"):format(id, line), other.line, 1
      end
      self.repeats[other.number] = true
      self.repeated = self.repeated + 1
    end
  end
  return true
end

-- Reads again what may be repeated, to look closer.
local function findRepeats(self, reader)
  local number = 0
  while true do
    local id, billingId, note = reader:next()
    if not id then return true end
    number = number + 1
    local candidates = self.candidates[number]
    if candidates then
      local alike, problem, line, column = compare(self, candidates, id, billingId, note, (reader:place(keys.ID)))
      if not alike then return nil, problem, line, column end
    end
  end
end

--- Checks an input from its beginning to its end.
---@param open fun(): table|nil, string?, integer?, integer? makes a reader; else nil, problem, line, column
---@param rules table see billing.lua
---@param onEntry fun(number: integer)? called for each entry
---@return cloudblue.connect.command.Facts|nil facts
---@return string? problem beside nil; its line and column behind it
---@return integer? line
---@return integer? column
function check.run(open, rules, onEntry)
  local reader, problem, line, column = open()
  if not reader then return nil, problem, line, column end
  local self = setmetatable({
    reader = reader, rules = rules, onEntry = onEntry, known = {}, blocks = {}, repeats = {}, repeated = 0, entry = {},
  }, Check)
  local number, fits
  number, problem, line, column = readAll(self)
  if not number then return nil, problem, line, column end
  fits, problem, line, column = checkBilling(self)
  if not fits then return nil, problem, line, column end
  self.known = nil
  if self.candidates then
    fits, problem, line, column = findRepeats(self, (assert(open())))
    if not fits then return nil, problem, line, column end
  end
  return {
    entries = number - self.repeated, repeated = self.repeated, repeats = self.repeats, blocks = self.blocks,
    ignored = reader.ignored,
  }
end

return check
