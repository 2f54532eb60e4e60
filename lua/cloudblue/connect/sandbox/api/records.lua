--- The handlers of usage records. A handler takes the store and a request and returns a reply.

local checks = require "cloudblue.connect.sandbox.api.checks"
local json = require "cloudblue.connect.sandbox.json"
local listing = require "cloudblue.connect.sandbox.api.listing"
local moment = require "cloudblue.connect.sandbox.data.moment"
local reply = require "cloudblue.connect.sandbox.http.reply"
local requests = require "cloudblue.connect.sandbox.http.request"

local records = {}

--- Closes one record, if it may be closed: approved → closed, once.
---@param store table
---@param route string the route that asked for it
---@param id string
---@param billing table {external_billing_id=, external_billing_note=}
---@return table|nil record the closed one
---@return table? refusal
function records.closeOne(store, route, id, billing)
  local record, missing = checks.find(store, "records", id)
  local refusal = checks.billing(billing) or missing
  if refusal then
    return nil, refusal
  elseif record.status ~= "approved" then
    local message = "Usage record %s can't be closed: its status is %s, not approved"
    return nil, reply.wrongState(message:format(id, record.status))
  end
  record = store.records:change(id, {
    status = "closed",
    closed_at = moment.write(),
    closed_by = "SU-000-000-000",
    external_billing_id = billing.external_billing_id,
    external_billing_note = billing.external_billing_note,
  })
  store:applied({
    action = "close",
    kind = "record",
    id = id,
    external_billing_id = billing.external_billing_id,
    external_billing_note = billing.external_billing_note,
  }, route)
  return record
end

--- GET /usage/records
function records.list(store, request)
  return listing.answer(store, request, store.records, "records")
end

--- GET /usage/records/{id}
function records.get(store, request)
  local record, refusal = checks.find(store, "records", request.parameters.id)
  return record and reply.ok(record) or refusal
end

local SETTABLE = { valid = true, invalid = true, approved = true, rejected = true }

--- PUT /usage/records/{id}: sets the status. Closing has a route of its own.
function records.update(store, request)
  local id = request.parameters.id
  local record, missing = checks.find(store, "records", id)
  local value, refusal = requests.value(request, "object")
  refusal = refusal or missing
  if refusal then
    return refusal
  elseif record.status == "closed" then
    return reply.wrongState(string.format("Usage record %s is closed", id))
  elseif not SETTABLE[value.status] then
    return reply.invalid("status: must be valid, invalid, approved or rejected; a record is closed by its close action")
  end
  record = store.records:change(id, { status = value.status })
  store:applied({ action = "update", kind = "record", id = id, status = value.status }, request.route)
  return reply.ok(record)
end

--- POST /usage/records/{id}/close
function records.close(store, request)
  local billing, refusal = requests.value(request, "object")
  if not billing then
    return refusal
  end
  local record
  record, refusal = records.closeOne(store, request.route, request.parameters.id, billing)
  return record and reply.ok(record) or refusal
end

--- The entry of a bulk reply for one record. A refused record keeps its status; one that does not
--- exist has none.
local function bulkEntry(store, route, entry)
  if type(entry) ~= "table" or type(entry.id) ~= "string" then
    return { id = "", error_codes = "VAL_001", error_details = "id: This field is required." }
  end
  local record, refusal = records.closeOne(store, route, entry.id, entry)
  if record then
    return { id = entry.id, status = record.status, error_codes = "", error_details = "" }
  end
  record = store.records:get(entry.id)
  local problem = json.decode(refusal.json)
  return {
    id = entry.id,
    status = record and record.status or nil,
    error_codes = problem.error_code,
    error_details = problem.errors[1],
  }
end

--- POST /usage/records/close-records: each record is closed or refused by itself.
function records.closeMany(store, request)
  if not store.options.bulkRoute then
    return reply.noRoute("There is nothing at " .. request.path)
  end
  local options = store.options
  if #request.body > options.bulkBytes then
    return reply.tooLarge(string.format("The body is larger than %d bytes", options.bulkBytes))
  end
  local entries, refusal = requests.value(request, "array")
  if not entries then
    return refusal
  elseif #entries > options.bulkRows then
    return reply.tooLarge(string.format("There are more than %d records", options.bulkRows))
  end
  local answers = {}
  for number, entry in ipairs(entries) do
    answers[number] = bulkEntry(store, request.route, entry)
  end
  return reply.list(206, answers)
end

--- POST /usage/records/{id}/close-records, the route of the JavaScript SDK. The API does not have
--- it; it is there while the bulk route is switched off.
function records.closeOfFile(store, request)
  if store.options.bulkRoute then
    return reply.noRoute("There is nothing at " .. request.path)
  end
  local entry, refusal = requests.value(request, "object")
  if not entry then
    return refusal
  end
  local file, record, missing
  file, refusal = checks.find(store, "files", request.parameters.id)
  if not file then
    return refusal
  elseif type(entry.id) ~= "string" then
    return reply.invalid("id: This field is required.")
  end
  record, missing = checks.find(store, "records", entry.id)
  if not record then
    return missing
  elseif record.usagefile.id ~= file.id then
    return reply.invalid(string.format("Usage record %s is not part of usage file %s", record.id, file.id))
  end
  record, refusal = records.closeOne(store, request.route, entry.id, entry)
  return record and reply.ok(record) or refusal
end

return records
