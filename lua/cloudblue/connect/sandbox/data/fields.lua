--- What each list can be filtered and ordered by, as data: the filters of the API's description, no
--- more and no less.
---
--- A row is {name, kind, ...}: `ordering` and `search` as the description says, `values` where it
--- lists them, and `member` where the filter's name is not that of the member which it looks at. A row
--- with `hidden` is about what the objects do not show; their collection has it.

local json = require "cloudblue.connect.sandbox.json"
local moment = require "cloudblue.connect.sandbox.data.moment"

local fields = {}

--- What may be asked of a filter, by its kind. Text of the kind `text` is never null.
local LOOKUPS = {
  text = "eq ne like ilike in out",
  nullable = "eq ne like ilike null in out",
  time = "eq ne ge gt le lt null in out",
  moment = "ge gt le lt",
}

local SCHEMAS = "tr pr qt cr"

local COLLECTIONS = {
  records = {
    { "asset.external_id", "nullable" },
    { "asset.external_uid", "nullable" },
    { "asset.id", "nullable" },
    { "asset_external_id", "nullable" },
    { "asset_external_uid", "nullable" },
    { "asset_id", "nullable", search = true },
    { "created_time", "time", ordering = true, hidden = true },
    { "end_date", "time" },
    { "hub.id", "nullable", hidden = true },
    { "item.id", "nullable" },
    { "item_id", "nullable" },
    { "part_usage_file__hub__id", "nullable", hidden = true },
    { "product.id", "nullable", member = "product_id" },
    { "product_id", "nullable", search = true },
    { "start_date", "time" },
    { "status", "nullable", ordering = true, values = "valid invalid approved rejected closed" },
    { "usage_file", "nullable", search = true, member = "usagefile.id" },
    { "usage_start_time", "time", ordering = true, member = "start_date" },
    { "usagefile.id", "nullable", search = true },
    { "usagefile.schema", "text", search = true, values = SCHEMAS },
  },
  chunks = {
    { "binding.hub.id", "nullable", search = true },
    { "id", "nullable", search = true },
    { "provider.id", "nullable", search = true },
    { "status", "text", values = "draft ready closed failed" },
    { "usagefile.id", "nullable", search = true, ordering = true },
  },
  files = {
    { "contract.id", "nullable", search = true },
    { "contract.name", "nullable", search = true, ordering = true },
    { "created.at", "moment", ordering = true, member = "events.created.at" },
    { "distribution_contract_id", "nullable", search = true, member = "contract.id" },
    { "environment", "text", search = true, ordering = true, values = "test preview production" },
    { "external_id", "nullable", search = true },
    { "id", "nullable", search = true, ordering = true },
    { "marketplace.id", "nullable", search = true },
    { "marketplace.name", "nullable", search = true, ordering = true },
    { "marketplace_id", "nullable", search = true, member = "marketplace.id" },
    { "name", "nullable", search = true },
    { "product.id", "nullable", search = true },
    { "product.name", "nullable", search = true, ordering = true },
    { "product_id", "nullable", search = true, member = "product.id" },
    { "provider.id", "nullable", search = true },
    { "provider.name", "nullable", search = true, ordering = true },
    { "provider_id", "nullable", search = true, member = "provider.id" },
    { "schema", "text", search = true, ordering = true, values = SCHEMAS },
    { "status", "text", ordering = true,
      values = "draft uploading uploaded invalid processing ready rejected pending accepted closed deleted" },
    { "vendor.id", "nullable", search = true },
    { "vendor.name", "nullable", search = true, ordering = true },
    { "vendor_id", "nullable", search = true, member = "vendor.id" },
  },
  reconciliations = {
    { "binding.hub.id", "nullable", search = true },
    { "partusagefile.id", "nullable", search = true, ordering = true },
    { "partusagefile.provider.id", "nullable", search = true },
    { "usagefile.id", "nullable", search = true, ordering = true },
  },
  aggregates = {
    { "asset.external_uid", "nullable", search = true },
    { "asset.id", "nullable", search = true },
    { "item.id", "nullable", search = true },
    { "item.local_id", "nullable", search = true },
    { "item.type", "text", search = true, values = "Reservation PPU" },
  },
  rules = {
    { "action", "text", search = true, values = "accept reject manual" },
    { "id", "nullable", search = true },
    { "item.id", "nullable", search = true, ordering = true },
    { "item.name", "nullable", search = true },
    { "rule", "nullable", search = true },
    { "scope", "text", search = true, values = "record file" },
    { "status", "text", search = true, values = "active deleted" },
  },
  categories = {
    { "id", "text", search = true },
    { "name", "text", search = true, ordering = true },
  },
}

--- The words of a text, as the keys of a set.
local function set(text)
  local words = {}
  for word in text:gmatch("%S+") do
    words[word] = true
  end
  return words
end

local function path(name)
  local parts = {}
  for part in name:gmatch("[^.]+") do
    parts[#parts + 1] = part
  end
  return parts
end

local function fieldOf(row)
  return {
    name = row[1],
    lookups = set(LOOKUPS[row[2]]),
    isTime = row[2] == "time" or row[2] == "moment",
    ordering = row.ordering == true,
    search = row.search == true,
    values = row.values and set(row.values),
    path = not row.hidden and path(row.member or row[1]) or nil,
  }
end

--- Adds what can be selected because of a filter: the member that it names, and the objects around it.
local function addSelects(selects, name)
  local parts = {}
  for number, part in ipairs(path(name)) do
    parts[number] = part
    selects[table.concat(parts, ".")] = table.move(parts, 1, number, 1, {})
  end
end

local cache = {}

local function known(collection)
  if not cache[collection] then
    local filters, selects = {}, {}
    for _, row in ipairs(COLLECTIONS[collection]) do
      filters[row[1]] = fieldOf(row)
      addSelects(selects, row[1])
    end
    cache[collection] = { filters = filters, selects = selects }
  end
  return cache[collection]
end

--- The filters of a collection.
---@param collection string "records", "chunks", "files", ...
---@return table<string, table> filters name → {name=, lookups=, isTime=, ordering=, search=, values=, path=}
function fields.filters(collection)
  return known(collection).filters
end

--- What can be selected in a collection.
---@param collection string
---@return table<string, string[]> selects name → the path of the member
function fields.selects(collection)
  return known(collection).selects
end

--- The member of an object that a path of names leads to; nil where it is null or absent.
local function resolve(object, names)
  for _, name in ipairs(names) do
    if type(object) ~= "table" then
      return nil
    end
    object = object[name]
  end
  if object == json.null then
    return nil
  end
  return object
end

--- What a field of an object holds, ready to be compared: a text, or the seconds of a time.
---@param object table
---@param field table one of fields.filters
---@param hidden fun(object: table, name: string): any returns what the object does not show
---@return any value nil where it is null
function fields.value(object, field, hidden)
  local value
  if field.path then
    value = resolve(object, field.path)
  else
    value = hidden(object, field.name)
  end
  if field.isTime and value ~= nil then
    return moment.read(value)
  end
  return value
end

return fields
