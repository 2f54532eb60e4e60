--- Usage files as replies show them.

local copy = require "cloudblue.connect.sandbox.data.copy"
local requests = require "cloudblue.connect.sandbox.http.request"

local fileview = {}

--- How many of a file's records have one of these statuses.
local function sum(counts, ...)
  local total = 0
  for _, status in ipairs { ... } do
    total = total + (counts[status] or 0)
  end
  return total
end

local function statsOf(counts)
  local closed = sum(counts, "closed")
  return {
    uploaded = sum(counts, "valid", "invalid", "approved", "rejected", "closed"),
    validated = sum(counts, "valid", "approved", "closed"),
    pending = sum(counts, "valid"),
    accepted = sum(counts, "approved", "closed"),
    closed = closed,
    billed = closed,
  }
end

--- A file as lists show it.
---@param store table
---@param file table
---@return table shown
function fileview.listed(store, file)
  local shown = copy.values(file)
  shown.sub_status, shown.underWay = nil, nil
  shown.stats = statsOf(store.records:counts(file))
  return shown
end

local LINKS = { usage_file_uri = "usage", reconciliation_file_uri = "reconciliation", processed_file_uri = "usage" }

--- A file as it is shown by itself. The links lead to the stored files and need no key.
---@param store table
---@param request table
---@param file table
---@return table shown
function fileview.detailed(store, request, file)
  local shown = fileview.listed(store, file)
  local counts, uploads = store.records:counts(file), store.uploads[file.id] or {}
  shown.sub_status = file.sub_status
  shown.records = {
    valid = shown.stats.validated,
    invalid = sum(counts, "invalid", "rejected"),
    closed = shown.stats.closed,
  }
  for member, name in pairs(LINKS) do
    shown[member] = uploads[name] and requests.link(request, file.id, name .. ".xlsx") or nil
  end
  return shown
end

--- A new file as the reply to its creation shows it: flat.
---@param file table
---@return table shown
function fileview.created(file)
  return {
    id = file.id,
    name = file.name,
    external_id = file.external_id,
    vendor = file.vendor.id,
    provider = file.provider.id,
    environment = file.environment,
    marketplace = file.marketplace.id,
    distribution_contract = file.contract.id,
    product_id = file.product.id,
    product_name = file.product.name,
    product_icon = file.product.icon,
    description = file.description,
    schema = file.schema,
    currency = file.currency,
    start_datetime_utc = file.period.from .. "T00:00:00+00:00",
    end_datetime_utc = file.period.to .. "T23:59:59+00:00",
  }
end

return fileview
