--- The data that a sandbox starts with. Every object is a pure function of its number, so two
--- sandboxes with the same options hold the same data, and a million records cost no memory until
--- one of them changes.

local copy = require "cloudblue.connect.sandbox.data.copy"
local json = require "cloudblue.connect.sandbox.json"

local seed = {}

--- The billing period of everything that is seeded; it stands in the ids, too.
seed.period = "2026-01"

local ITEMS = {
  { name = "Virtual machine", unit = "hour", precision = "decimal(2)", type = "PPU" },
  { name = "Object storage", unit = "gigabyte", precision = "decimal(4)", type = "PPU" },
  { name = "Mailbox", unit = "seat", precision = "integer", type = "Reservation" },
  { name = "Outgoing traffic", unit = "gigabyte", precision = "decimal(8)", type = "PPU" },
  { name = "Support", unit = "case", precision = "integer", type = "PPU" },
}

local ASSETS = 10

--- The products that exist; usage rules and templates hang on them.
seed.products = {
  { id = "PRD-000-000-001", name = "Sandbox Cloud", icon = "/media/PRD-000-000-001/icon.png" },
  { id = "PRD-000-000-002", name = "Sandbox Mail", icon = "/media/PRD-000-000-002/icon.png" },
}

--- The categories that every usage file has.
seed.categories = {
  { id = "compute", name = "Compute", description = "Virtual machines and containers" },
  { id = "storage", name = "Storage", description = "Object and block storage" },
  { id = "general", name = "General", description = json.null },
}

local PARTIES = {
  vendor = { id = "VA-000-000", name = "Sandbox Vendor", icon = "/media/VA-000-000/icon.png" },
  provider = { id = "PA-000-000", name = "Sandbox Provider", icon = "/media/PA-000-000/icon.png" },
  marketplace = { id = "MP-00000", name = "Sandbox Marketplace", icon = "/media/MP-00000/icon.png" },
  contract = { id = "CRD-00000-00000-00001", name = "Sandbox Distribution Agreement" },
}

--- The one hub that everything is billed through.
seed.hub = { id = "HB-0000-0000", name = "Sandbox Hub" }

local USER = { id = "UR-000-000-000", name = "Sandbox User" }

--- An entry of an object's `events`.
---@param at string an ISO date and time
---@return table event
function seed.event(at)
  return { at = at, by = copy.values(USER) }
end

--- The number of the item that record or aggregate `index` is about.
local function item(index)
  local number = (index - 1) % #ITEMS + 1
  local from = ITEMS[number]
  local id = string.format("PRD-000-000-001-%04d", number)
  return {
    id = id,
    local_id = string.format("item_%d", number),
    name = from.name,
    unit = from.unit,
    mpn = string.format("MPN-%04d", number),
    precision = from.precision,
    type = from.type,
  }
end

local function asset(index)
  local number = (index - 1) % ASSETS + 1
  return {
    id = string.format("AS-0000-0000-%04d", number),
    external_id = string.format("%08d", 10000000 + number),
    external_uid = string.format("7f4f2b8e-4e9e-4a3f-8a8b-%012d", number),
  }
end

--- The reference to a usage file that its records and chunks carry.
---@param file table
---@return table reference
function seed.fileReference(file)
  return { id = file.id, name = file.name, schema = file.schema, currency = file.currency }
end

--- A number the way ids hold it: 12345 is 0001-2345.
local function eightDigits(number)
  return string.format("%04d-%04d", number // 10000, number % 10000)
end

--- The id of a record, as long as the service's.
---@param fileId string the id of its usage file, UF-…
---@param index integer from 1
---@return string id
function seed.recordId(fileId, index)
  return string.format("UR-%s-%s", fileId:sub(4), eightDigits(index))
end

--- A usage record.
---@param file table its usage file
---@param index integer from 1
---@param status string
---@return table record
function seed.record(file, index, status)
  local recordItem, recordAsset = item(index), asset(index)
  local day = (index - 1) % 28 + 1
  local closed = status == "closed"
  return {
    id = seed.recordId(file.id, index),
    start_date = string.format("%s-%02dT00:00:00+00:00", seed.period, day),
    end_date = string.format("%s-%02dT23:59:59+00:00", seed.period, day),
    product_id = file.product.id,
    item = recordItem,
    asset = recordAsset,
    category = seed.categories[(index - 1) % #seed.categories + 1].id,
    tier = (index - 1) % 3,
    amount = 10.25 + (index % 1000) * 1.5,
    multiplier = 1,
    usage = 0.75 + index % 97,
    status = status,
    external_billing_id = closed and "SEED-" .. index or json.null,
    external_billing_note = json.null,
    closed_at = closed and "2026-02-01T00:00:00+00:00" or json.null,
    closed_by = closed and USER.id or json.null,
    params = { { parameter_name = "region", parameter_value = index % 2 == 0 and "eu" or "us" } },
    item_id = recordItem.id,
    asset_id = recordAsset.id,
    usagefile = seed.fileReference(file),
    resource_local_id = recordItem.local_id,
    asset_external_id = recordAsset.external_id,
    asset_external_uid = recordAsset.external_uid,
  }
end

--- The id of a usage file.
---@param number integer from 0
---@return string id
function seed.fileId(number)
  return string.format("UF-%s-%s", seed.period, eightDigits(number))
end

--- A usage file.
---@param number integer from 0
---@param status string
---@return table file
function seed.file(number, status)
  local created = "2026-01-31T10:00:00+00:00"
  return {
    id = seed.fileId(number),
    name = string.format("Usage of January, part %d", number + 1),
    external_id = string.format("EXT-%04d", number),
    status = status,
    vendor = copy.values(PARTIES.vendor),
    provider = copy.values(PARTIES.provider),
    environment = "production",
    marketplace = copy.values(PARTIES.marketplace),
    contract = copy.values(PARTIES.contract),
    product = copy.values(seed.products[1]),
    error_detail = json.null,
    description = json.null,
    acceptance_note = json.null,
    rejection_note = json.null,
    schema = "qt",
    currency = "EUR",
    period = { from = "2026-01-01", to = "2026-01-31" },
    events = { created = seed.event(created) },
    sub_status = json.null,
  }
end

--- The id of a chunk.
---@param fileId string
---@param number integer from 1
---@return string id
function seed.chunkId(fileId, number)
  return string.format("UFC-%s-%03d", fileId:sub(4), number)
end

--- A chunk of a usage file: the part of it that one hub bills.
---@param file table
---@param number integer from 1
---@param status string
---@return table chunk
function seed.chunk(file, number, status)
  return {
    id = seed.chunkId(file.id, number),
    status = status,
    outdated = false,
    usagefile = seed.fileReference(file),
    binding = { hub = copy.values(seed.hub), external_id = string.format("HUB-EXT-%03d", number) },
    marketplace = copy.values(PARTIES.marketplace),
    error = { detail = status == "failed" and "The chunk could not be generated" or "" },
    events = { created = seed.event("2026-02-01T10:00:00+00:00") },
    stats = { uploaded = 0, validated = 0, pending = 0, accepted = 0, closed = 0, billed = 0 },
    provider = copy.values(PARTIES.provider),
    external_id = string.format("CHUNK-EXT-%03d", number),
  }
end

--- A usage aggregate: what one asset has consumed of one item.
---@param number integer from 1
---@return table aggregate
function seed.aggregate(number)
  return {
    item = item(number),
    asset = asset(number),
    amount = 100.5 * number,
    currency = "EUR",
    consumed = 10 * number,
    accepted = 8 * number,
    events = { last_reported = seed.event("2026-01-31T10:00:00+00:00") },
  }
end

--- How many aggregates there are: one for each asset.
seed.aggregates = ASSETS

--- A usage rule of a product.
---@param number integer from 1
---@return table rule
function seed.rule(number)
  local about = item(number)
  return {
    id = string.format("UIR-000-000-%03d", number),
    action = "accept",
    scope = "record",
    rule = "usage < 100",
    status = "active",
    item = { id = about.id, name = about.name },
    events = { created = seed.event("2026-01-01T10:00:00+00:00"), updated = seed.event("2026-01-01T10:00:00+00:00") },
  }
end

--- Finds an item of a product by its id.
---@param id string
---@return table? reference {id=, name=}
function seed.itemById(id)
  for number = 1, #ITEMS do
    local candidate = item(number)
    if candidate.id == id then
      return { id = id, name = candidate.name }
    end
  end
  return nil
end

return seed
