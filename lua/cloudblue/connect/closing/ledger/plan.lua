--- Planning: a list is written into a ledger, or compared with what the ledger holds.
---
--- Entries are kept by batch, each field as one JSON array: a row for each entry would take SQLite three times as long
--- to write and to read. What binds the ledger to its list is the SHA-256 of these arrays, which says nothing of the
--- size of batches.

local core = require "cloudblue.connect.core"
local failure = require "cloudblue.connect.closing.ledger.failure"
local library = require "cloudblue.connect.closing.ledger.library"
local values = require "cloudblue.connect.closing.ledger.values"

local plan = {}

local encode, decode, null = values.encode, values.decode, values.null
local integer, quote = values.integer, values.quote

-- Batches written by one statement.
local TOGETHER <const> = 10

-- ==== Digests ========================================================================================================

-- Of what a ledger is bound to there is a digest, so that it tells nobody more.
local function newDigest(name)
  local digest, missing = library.load("openssl.digest")
  if not digest then failure.raise(name, missing) end
  return digest.new("sha256")
end

local function finish(digest)
  return (digest:final():gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

--- The SHA-256 of a text, in hexadecimal digits.
---@param name string the ledger's
---@param text string
---@return string
function plan.digest(name, text)
  return finish(newDigest(name):update(text))
end

-- ==== Reading a list =================================================================================================

---@class cloudblue.connect.closing.ledger.Batch
---@field count integer
---@field ids string JSON array
---@field bills string? JSON array; nil where no entry has a billing id
---@field notes string?

local Reader = {}
Reader.__index = Reader

local function newReader(name, nextEntry, size)
  return setmetatable({
    nextEntry = nextEntry, size = size, total = 0, last = "", isAscending = true,
    ids = {}, bills = {}, notes = {}, digests = { newDigest(name), newDigest(name), newDigest(name) },
  }, Reader)
end

local problemOfEntry = core.problemOfEntry

-- The text of a field of a batch; its digest is fed.
local function pack(digest, list, count, hasValues)
  if not hasValues then
    digest:update(("null,"):rep(count))
    return nil
  end
  for index = count + 1, #list do list[index] = nil end
  local text = encode(list)
  digest:update(text:sub(2, -2), ",")
  return text
end

--- Reads a batch. Raises what is wrong with an entry.
---@return cloudblue.connect.closing.ledger.Batch? batch nil after the last
function Reader:read()
  local nextEntry, ids, bills, notes, count = self.nextEntry, self.ids, self.bills, self.notes, 0
  local last, isAscending, hasBills, hasNotes = self.last, self.isAscending, false, false
  while count < self.size do
    local entry = nextEntry()
    if entry == nil then break end
    local problem = problemOfEntry(entry)
    if problem then error(("entry %d: %s"):format(self.total + count + 1, problem), 0) end
    local id, bill, note = entry.id, entry.external_billing_id, entry.external_billing_note
    count = count + 1
    isAscending = isAscending and last < id
    ids[count], bills[count], notes[count], last = id, bill or null, note or null, id
    hasBills, hasNotes = hasBills or bill ~= nil, hasNotes or note ~= nil
  end
  self.total, self.last, self.isAscending = self.total + count, last, isAscending
  if count == 0 then return nil end
  local digests = self.digests
  return {
    count = count, ids = pack(digests[1], ids, count, true), bills = pack(digests[2], bills, count, hasBills),
    notes = pack(digests[3], notes, count, hasNotes),
  }
end

-- After the last batch: the digest of the list.
local function digestOf(self, name)
  local digests = self.digests
  return plan.digest(name, finish(digests[1]) .. finish(digests[2]) .. finish(digests[3]))
end

--- The entries of a list that a ledger could hold: the digest, and how many there are.
---@param name string the ledger's
---@param nextEntry fun(): table? raises what is wrong with an entry
---@return string digest
---@return integer total
function plan.examine(name, nextEntry)
  local reader = newReader(name, nextEntry, 100)
  while reader:read() do end
  return digestOf(reader, name), reader.total
end

-- ==== Writing it =====================================================================================================

-- The batches of a reader as rows of the two tables, from entry `first` on; nil after the last.
local function readRows(reader, first)
  local lists, batches = {}, {}
  for index = 1, TOGETHER do
    local batch = reader:read()
    if not batch then break end
    local ids, bills, notes = quote(batch.ids), quote(batch.bills), quote(batch.notes)
    lists[index] = ("(%d,%s,%s,%s)"):format(first, ids, bills, notes)
    batches[index] = ("(%d,%d)"):format(first, batch.count)
    first = first + batch.count
  end
  if #lists == 0 then return nil end
  return table.concat(lists, ","), table.concat(batches, ",")
end

local function writeBatches(driver, reader)
  while true do
    local lists, batches = readRows(reader, reader.total + 1)
    if not lists then return end
    driver:run("INSERT INTO lists (first, ids, bills, notes) VALUES " .. lists)
    driver:run("INSERT INTO batches (first, count) VALUES " .. batches)
  end
end

-- ==== Repetitions ====================================================================================================

-- Raises where two entries close the same record in different ways.
local function refuse(seq, id, first)
  error(("entry %d: %s stands already in entry %d, with another billing id or note"):format(seq, id, first), 0)
end

-- The entries that repeat one further up in the same way, in order.
local function listRepetitions(driver)
  local list, unlike, first = {}, nil, {}
  for seq, id, bill, note in driver:rows [[SELECT e.seq, e.id, e.external_billing_id, e.external_billing_note
    FROM repeated r JOIN entries e ON e.id = r.id ORDER BY e.id, e.seq]] do
    seq = integer(seq)
    if id ~= first.id then
      first = { id = id, bill = bill, note = note, seq = seq }
    elseif bill == first.bill and note == first.note then
      list[#list + 1] = seq
    elseif not unlike or seq < unlike.seq then
      unlike = { seq = seq, id = id, first = first.seq }
    end
  end
  if unlike then refuse(unlike.seq, unlike.id, unlike.first) end
  table.sort(list)
  return list
end

local function without(text, isGone)
  if text == nil then return nil end
  local kept = {}
  for index, value in ipairs(decode(text)) do
    if not isGone[index] then kept[#kept + 1] = value end
  end
  return encode(kept)
end

-- Takes entries out of a batch.
local function shorten(driver, first, count, isGone, gone)
  if gone == count then
    driver:run("DELETE FROM lists WHERE first = " .. first)
    driver:run("DELETE FROM batches WHERE first = " .. first)
    return
  end
  local _, ids, bills, notes = driver:first("SELECT first, ids, bills, notes FROM lists WHERE first = " .. first)
  driver:run(("UPDATE lists SET ids = %s, bills = %s, notes = %s WHERE first = %d"):format(
    quote(without(ids, isGone)), quote(without(bills, isGone)), quote(without(notes, isGone)), first))
  driver:run(("UPDATE batches SET count = %d WHERE first = %d"):format(count - gone, first))
end

-- Takes out the entries with these numbers.
local function remove(driver, list)
  local index = 1
  while index <= #list do
    local first, count = driver:first(
      "SELECT first, count FROM batches WHERE first <= " .. list[index] .. " ORDER BY first DESC LIMIT 1")
    first, count = integer(first), integer(count)
    local isGone, gone = {}, 0
    while index <= #list and list[index] < first + count do
      isGone[list[index] - first + 1] = true
      gone, index = gone + 1, index + 1
    end
    shorten(driver, first, count, isGone, gone)
  end
end

-- Returns how many entries were repetitions. In a list that ascends there are none.
local function removeRepeated(driver, reader)
  if reader.isAscending then return 0 end
  local list = driver:findRepeated() and listRepetitions(driver) or {}
  driver:run("DROP TABLE repeated")
  remove(driver, list)
  return #list
end

--- Writes a list into an empty ledger, in the transaction that stands around it.
---@param driver cloudblue.connect.closing.ledger.Session
---@param nextEntry fun(): table? raises what is wrong with an entry
---@param size integer entries of a batch
---@return {list: string, total: integer, repeated: integer}
function plan.write(driver, nextEntry, size)
  local reader = newReader(driver.name, nextEntry, size)
  writeBatches(driver, reader)
  local repeated = removeRepeated(driver, reader)
  return { list = digestOf(reader, driver.name), total = reader.total - repeated, repeated = repeated }
end

return plan
