--- The usage records of a sandbox: blocks of generated records and a list of given ones.
---
--- A generated record exists only as a number until it changes; then its table is kept. So finding a
--- record by its id and reading a page cost the same however many records there are.

local copy = require "cloudblue.connect.sandbox.data.copy"
local moment = require "cloudblue.connect.sandbox.data.moment"
local seed = require "cloudblue.connect.sandbox.data.seed"

local Recordset = {}
Recordset.__index = Recordset

--- Makes an empty set.
---@return table recordset
function Recordset.new()
  return setmetatable({ blocks = {}, byFile = {}, owner = {}, changed = {}, total = 0 }, Recordset)
end

local function countStatus(block, status, by)
  local count = (block.counts[status] or 0) + by
  block.counts[status] = count > 0 and count or nil
end

--- Adds `count` generated records of a usage file. A file has one block of records, so a second
--- block (a second upload) replaces the first.
---@param file table
---@param count integer
---@param statuses string[] the statuses in turn: record i has the ((i-1) mod n)+1-th
---@param created string? the time at which all of them were made; now when nil
function Recordset:generate(file, count, statuses, created)
  self:drop(file)
  local block = { file = file, count = count, statuses = copy.values(statuses), counts = {} }
  block.created = created or moment.write()
  self.blocks[#self.blocks + 1] = block
  self.byFile[file.id] = block
  self.total = self.total + count
  for number = 1, #statuses do
    countStatus(block, statuses[number], (count - number) // #statuses + 1)
  end
end

--- Adds given records, in this order. Ids must differ from all others.
---@param file table their usage file
---@param records table[]
---@param created string the time at which all of them were made
function Recordset:add(file, records, created)
  local block = { file = file, count = #records, given = {}, counts = {}, created = created }
  for number, record in ipairs(records) do
    block.given[number] = record.id
    self.changed[record.id], self.owner[record.id] = record, block
    countStatus(block, record.status, 1)
  end
  self.blocks[#self.blocks + 1] = block
  self.byFile[file.id] = block
  self.total = self.total + #records
end

local function recordId(block, index)
  return block.given and block.given[index] or seed.recordId(block.file.id, index)
end

local function generatedStatus(block, index)
  return block.statuses[(index - 1) % #block.statuses + 1]
end

local function blockRecord(self, block, index)
  return self.changed[recordId(block, index)] or seed.record(block.file, index, generatedStatus(block, index))
end

--- The block of a record and its number there.
local function locate(self, id)
  if self.owner[id] then
    return self.owner[id]
  end
  local fileKey, high, low = id:match("^UR%-(.+)%-(%d+)%-(%d+)$")
  local block = fileKey and self.byFile["UF-" .. fileKey]
  local index = block and math.tointeger(tonumber(high .. low))
  if not block or block.given or not index or index < 1 or index > block.count or recordId(block, index) ~= id then
    return nil
  end
  return block, index
end

--- Takes the records of a usage file out.
---@param file table
function Recordset:drop(file)
  local block = self.byFile[file.id]
  if not block then
    return
  end
  for index = 1, block.count do
    local id = recordId(block, index)
    self.changed[id], self.owner[id] = nil, nil
  end
  for number, candidate in ipairs(self.blocks) do
    if candidate == block then
      table.remove(self.blocks, number)
      break
    end
  end
  self.byFile[file.id] = nil
  self.total = self.total - block.count
end

--- The record with this id. The table may be a fresh one: change a record through `change`.
---@param id string
---@return table? record
function Recordset:get(id)
  if self.changed[id] then
    return self.changed[id]
  end
  local block, index = locate(self, id)
  return block and blockRecord(self, block, index)
end

--- What a record does not show and can be filtered by all the same.
---@param record table
---@param name string a hidden field of fields.lua
---@return string
function Recordset:hidden(record, name)
  return name == "created_time" and locate(self, record.id).created or seed.hub.id
end

--- Changes a record and keeps it.
---@param id string an existing one
---@param fields table<string, any> what is to be set
---@return table record
function Recordset:change(id, fields)
  local record = assert(self:get(id))
  local block = locate(self, id)
  countStatus(block, record.status, -1)
  for name, value in pairs(fields) do
    record[name] = value
  end
  countStatus(block, record.status, 1)
  self.changed[id] = record
  return record
end

--- Changes the status of the records of a file from one to another: of those that are kept one by one,
--- of the others in what the block generates.
---@param file table
---@param from string
---@param to string
---@return integer count how many changed
function Recordset:promote(file, from, to)
  local block = self.byFile[file.id]
  local count = block and block.counts[from] or 0
  if count == 0 then
    return 0
  end
  for index = 1, block.count do
    local kept = self.changed[recordId(block, index)]
    if kept and kept.status == from then
      kept.status = to
    end
  end
  for number, status in ipairs(block.statuses or {}) do
    block.statuses[number] = status == from and to or status
  end
  countStatus(block, from, -count)
  countStatus(block, to, count)
  return count
end

--- How many records there are.
---@return integer
function Recordset:count()
  return self.total
end

--- How many records there are by status.
---@param file table? only those of one usage file
---@return table<string, integer> counts a status without records is absent
function Recordset:counts(file)
  local counts = {}
  for _, block in ipairs(self.blocks) do
    if not file or block.file == file then
      for status, count in pairs(block.counts) do
        counts[status] = (counts[status] or 0) + count
      end
    end
  end
  return counts
end

--- The records at the positions offset+1 … offset+limit.
---@param offset integer
---@param limit integer
---@return table[] records
function Recordset:slice(offset, limit)
  local records = {}
  for _, block in ipairs(self.blocks) do
    for index = offset + 1, math.min(block.count, offset + limit - #records) do
      records[#records + 1] = blockRecord(self, block, index)
    end
    offset = math.max(0, offset - block.count)
    if #records >= limit then
      break
    end
  end
  return records
end

--- Walks over the records in order.
---@return fun(): table?
function Recordset:each()
  local number, index = 1, 0
  return function()
    index = index + 1
    while self.blocks[number] and index > self.blocks[number].count do
      number, index = number + 1, 1
    end
    return self.blocks[number] and blockRecord(self, self.blocks[number], index)
  end
end

return Recordset
