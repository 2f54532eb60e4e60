--- The state of a sandbox: its collections, and the journal of what was applied to them.

local copy = require "cloudblue.connect.sandbox.data.copy"
local json = require "cloudblue.connect.sandbox.json"
local seed = require "cloudblue.connect.sandbox.data.seed"
local Collection = require "cloudblue.connect.sandbox.data.collection"
local Recordset = require "cloudblue.connect.sandbox.data.recordset"

local Store = {}
Store.__index = Store

--- A record that was given in the options: a generated one with the given fields on top.
local function givenRecord(file, index, fields, statuses)
  local record = seed.record(file, index, fields.status or statuses[(index - 1) % #statuses + 1])
  for name, value in pairs(fields) do
    record[name] = value
  end
  return record
end

local function seedRecords(self, options)
  local file = self.files.list[1]
  if not file then
    return
  elseif math.type(options.records) then
    self.records:generate(file, math.tointeger(options.records), options.statuses, file.events.created.at)
  else
    local records = {}
    for index, fields in ipairs(options.records) do
      records[index] = givenRecord(file, index, fields, options.statuses)
    end
    self.records:add(file, records, file.events.created.at)
  end
end

--- Makes the state that the options describe.
---@param options table complete options, see options.lua
---@return table store
function Store.new(options)
  local self = setmetatable({
    options = options,
    files = Collection.new(),
    chunks = Collection.new(),
    records = Recordset.new(),
    reconciliations = Collection.new(),
    rules = {},
    aggregates = Collection.new(),
    uploads = {},
    journal = {},
    nextFile = 0,
    nextRule = 0,
    nextReconciliation = 0,
    drawings = 0,
  }, Store)
  for _, status in ipairs(options.files) do
    local file = self:addFile(status)
    if status == "accepted" or status == "closed" then
      self:makeChunks(file)
    end
  end
  seedRecords(self, options)
  for number = 1, seed.aggregates do
    self.aggregates:add(seed.aggregate(number))
  end
  for number, product in ipairs(seed.products) do
    self.rules[product.id] = Collection.new()
    if number == 1 then
      self.rules[product.id]:add(self:makeRule())
      self.rules[product.id]:add(self:makeRule())
    end
  end
  return self
end

--- Adds a usage file with the next free id.
---@param status string
---@return table file
function Store:addFile(status)
  local file = seed.file(self.nextFile, status)
  self.nextFile = self.nextFile + 1
  return self.files:add(file)
end

--- A usage rule with the next free id; the caller puts it in its place.
---@return table rule
function Store:makeRule()
  self.nextRule = self.nextRule + 1
  return seed.rule(self.nextRule)
end

--- Adds a reconciliation with the next free id.
---@param fields table
---@return table reconciliation
function Store:addReconciliation(fields)
  self.nextReconciliation = self.nextReconciliation + 1
  fields.id = string.format("RCN-%s-%04d", seed.period, self.nextReconciliation)
  return self.reconciliations:add(fields)
end

--- Makes the chunks of a usage file that was accepted, where it has none yet.
---@param file table
function Store:makeChunks(file)
  local statuses = self.options.chunkStatuses
  for number = 1, self.options.chunks do
    if not self.chunks:get(seed.chunkId(file.id, number)) then
      self.chunks:add(seed.chunk(file, number, statuses[(number - 1) % #statuses + 1]))
    end
  end
end

--- A copy that may be changed while this one stays as it is: to find out what a request would be
--- answered. Its journal is empty.
---@return table store
function Store:copy()
  return copy.objects(self, { [self.options] = self.options, [self.journal] = {} })
end

--- Numbers to draw an order from: other ones each time that this is called, and the same ones in every
--- run of a program with the same option `seed`.
---@return fun(): integer draw
function Store:lottery()
  self.drawings = self.drawings + 1
  local state = self.options.seed * 0x9E3779B97F4A7C15 ~ self.drawings * 0xD1B54A32D192ED03
  return function()
    state = state * 6364136223846793005 + 1442695040888963407
    return state >> 33
  end
end

--- Adds an entry to the journal, which has one for each change of the state, in order, and no others.
---@param entry table {action=, id=, ...}
---@param route string? the route that was used, "POST /usage/records/{id}/close"
function Store:applied(entry, route)
  entry.seq = #self.journal + 1
  entry.route = route
  for name, value in pairs(entry) do
    if value == json.null then
      entry[name] = nil
    end
  end
  self.journal[entry.seq] = entry
end

return Store
