--- The handlers of usage files.
---
--- What a file goes through:
---
---     draft → (uploading → uploaded → processing →) ready or invalid → pending → accepted → closed
---                                                                            ↘ rejected
---
--- An upload may be repeated until the file is submitted, and after a rejection.

local Collection = require "cloudblue.connect.sandbox.data.collection"
local json = require "cloudblue.connect.sandbox.json"
local listing = require "cloudblue.connect.sandbox.api.listing"
local moment = require "cloudblue.connect.sandbox.data.moment"
local reply = require "cloudblue.connect.sandbox.http.reply"
local requests = require "cloudblue.connect.sandbox.http.request"
local seed = require "cloudblue.connect.sandbox.data.seed"

local files = {}

local function set(...)
  local members = {}
  for _, word in ipairs { ... } do
    members[word] = true
  end
  return members
end

--- The actions that move a file from one state to another. `note` is the member of the body that is
--- kept in the file; `event` what is written in its events.
local MOVES = {
  submit = { from = set("ready"), to = "pending", event = "submitted" },
  accept = { from = set("pending"), to = "accepted", event = "accepted", note = "acceptance_note" },
  reject = { from = set("pending"), to = "rejected", event = "rejected", note = "rejection_note" },
  close = { from = set("accepted"), to = "closed", event = "closed" },
  delete = { from = set("draft", "invalid", "ready", "rejected"), to = "deleted", event = "deleted" },
}

local UPLOADABLE = set("draft", "invalid", "ready", "rejected")
local APPROVABLE = set("ready", "pending", "accepted")
local RECONCILABLE = set("accepted", "closed")

--- The states that an upload under way shows, by how many reads are left.
local UNDER_WAY = { "processing", "uploaded", "uploading" }

local function find(store, request)
  local id = request.parameters.id
  local file = store.files:get(id)
  if not file then
    return nil, reply.notFound(string.format("Usage file %s does not exist", id))
  end
  return file
end

--- Refuses what the state of the file does not allow.
local function inState(file, allowed, action)
  if allowed[file.status] then
    return nil
  end
  return reply.wrongState(string.format("Usage file %s can't be %s: its status is %s", file.id, action, file.status))
end

local function statistics(store, file)
  local counts = store.records:counts(file)
  local function sum(...)
    local total = 0
    for _, status in ipairs { ... } do
      total = total + (counts[status] or 0)
    end
    return total
  end
  local stats = {
    uploaded = sum("valid", "invalid", "approved", "rejected", "closed"),
    validated = sum("valid", "approved", "closed"),
    pending = sum("valid"),
    accepted = sum("approved", "closed"),
    closed = sum("closed"),
    billed = sum("closed"),
  }
  local records = { valid = stats.validated, invalid = sum("invalid", "rejected"), closed = stats.closed }
  return stats, records
end

--- A file as lists show it.
local function listed(store, file)
  local shown = seed.copy(file)
  shown.sub_status, shown.underWay = nil, nil
  shown.stats = statistics(store, file)
  return shown
end

--- A file as it is shown by itself. The links lead to the stored files and need no key.
local function detailed(store, request, file)
  local shown = listed(store, file)
  local _, records = statistics(store, file)
  local uploads = store.uploads[file.id] or {}
  shown.records, shown.sub_status = records, file.sub_status
  local names = { usage_file_uri = "usage", reconciliation_file_uri = "reconciliation", processed_file_uri = "usage" }
  for member, name in pairs(names) do
    shown[member] = uploads[name] and requests.link(request, file.id, name .. ".xlsx") or nil
  end
  return shown
end

--- The actions that the service answers with 201 (its description says 200).
local CREATES = set("upload", "submit", "accept", "reject")

local function moved(store, request, file, entry)
  entry.kind, entry.id, entry.status = "file", file.id, file.status
  store:applied(entry, request.route)
  local answer = CREATES[entry.action] and reply.created or reply.ok
  return answer(detailed(store, request, file))
end

--- GET /usage/files
function files.list(store, request)
  return listing.answer(store, request, store.files, "files", function(file)
    return listed(store, file)
  end)
end

--- What is known of a spreadsheet that nobody here can read: its name and whether there is anything
--- in it.
local function judge(store, file)
  local upload = store.uploads[file.id] and store.uploads[file.id].usage
  local good = upload and (upload.filename or ""):lower():match("%.xlsx$")
  file.status = good and "ready" or "invalid"
  file.error_detail = good and json.null or "The file is no XLSX spreadsheet"
  file.sub_status = "processed"
  if good then
    store.records:generate(file, store.options.uploadRecords, { "valid" })
  else
    store.records:drop(file)
  end
end

--- Lets an upload under way come one read nearer to its end.
local function advance(store, file)
  if file.underWay then
    file.underWay = file.underWay - 1
    file.status = UNDER_WAY[math.min(file.underWay, #UNDER_WAY)]
    if file.underWay <= 0 then
      file.underWay = nil
      judge(store, file)
    end
  end
end

--- GET /usage/files/{id}
function files.get(store, request)
  local file, refusal = find(store, request)
  if not file then
    return refusal
  end
  advance(store, file)
  return reply.ok(detailed(store, request, file))
end

local TEXTS = { name = 100, description = 200, note = 200, currency = 20, external_id = 200 }

local function isDate(text)
  return type(text) == "string" and text:match("^%d%d%d%d%-%d%d%-%d%d") ~= nil
end

--- Reads what the bodies of POST and PUT have in common.
local function readFile(request)
  local value, refusal = requests.value(request, "object")
  refusal = refusal or requests.checkStrings(value, TEXTS)
  if refusal then
    return nil, refusal
  end
  local period = value.period
  if period ~= nil and (type(period) ~= "table" or not isDate(period.from) or not isDate(period.to)) then
    return nil, reply.invalid("period: must have the dates from and to")
  end
  return value
end

--- Takes over the members that may be set.
local function assign(file, value, names)
  for _, name in ipairs(names) do
    if value[name] ~= nil then
      file[name] = value[name]
    end
  end
end

--- The product or contract that a body refers to.
local function reference(value, name)
  local object = value[name]
  if object == nil then
    return nil
  elseif type(object) ~= "table" or type(object.id) ~= "string" then
    return nil, reply.invalid(name .. ": must be an object with an id")
  end
  return object.id
end

local function productById(id)
  for _, product in ipairs(seed.products) do
    if product.id == id then
      return product
    end
  end
  return nil
end

--- A new file as the reply to its creation shows it: flat.
local function created(file)
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

--- POST /usage/files
function files.create(store, request)
  local value, refusal = readFile(request)
  if refusal then
    return refusal
  end
  local productId, contractId
  productId, refusal = reference(value, "product")
  if not refusal then
    contractId, refusal = reference(value, "contract")
  end
  local product = productById(productId or seed.products[1].id)
  if refusal then
    return refusal
  elseif not product then
    return reply.invalid(string.format("product: there is no product %s", productId))
  end
  local file = store:addFile("draft")
  assign(file, value, { "name", "description", "period", "currency", "external_id" })
  file.product = seed.copy(product)
  file.contract.id = contractId or file.contract.id
  file.events.created = seed.event(moment.write())
  store:applied({ action = "create", kind = "file", id = file.id, status = file.status }, request.route)
  return reply.created(created(file))
end

--- PUT /usage/files/{id}
function files.update(store, request)
  local file, refusal = find(store, request)
  refusal = refusal or inState(file, UPLOADABLE, "changed")
  local value
  if not refusal then
    value, refusal = readFile(request)
  end
  if refusal then
    return refusal
  end
  assign(file, value, { "description", "period", "currency", "external_id" })
  store:applied({ action = "update", kind = "file", id = file.id }, request.route)
  return reply.ok { description = file.description, note = value.note or json.null, external_id = file.external_id }
end

--- Carries a move of MOVES out.
local function move(store, request, action)
  local rule = MOVES[action]
  local file, refusal = find(store, request)
  local value
  if file then
    value, refusal = requests.value(request, "object")
  end
  refusal = refusal or rule.note and requests.checkStrings(value, { [rule.note] = 200 })
  refusal = refusal or inState(file, rule.from, rule.event)
  if refusal then
    return nil, refusal
  end
  file.status = rule.to
  file.events[rule.event] = seed.event(moment.write())
  if rule.note then
    file[rule.note] = value[rule.note] or json.null
  end
  return file, value
end

--- POST /usage/files/{id}/accept: its valid records become approved, and its chunks are made.
function files.accept(store, request)
  local file, value = move(store, request, "accept")
  if not file then
    return value
  end
  store.records:promote(file, "valid", "approved")
  store:makeChunks(file)
  return moved(store, request, file, { action = "accept", acceptance_note = value.acceptance_note })
end

--- POST /usage/files/{id}/reject
function files.reject(store, request)
  local file, value = move(store, request, "reject")
  if not file then
    return value
  end
  return moved(store, request, file, { action = "reject", rejection_note = value.rejection_note })
end

--- POST /usage/files/{id}/submit
function files.submit(store, request)
  local file, refusal = move(store, request, "submit")
  return file and moved(store, request, file, { action = "submit" }) or refusal
end

--- POST /usage/files/{id}/close: the file alone; its records and chunks are closed by themselves.
function files.close(store, request)
  local file, refusal = move(store, request, "close")
  return file and moved(store, request, file, { action = "close" }) or refusal
end

--- POST /usage/files/{id}/delete: the file stays, as deleted; its records are gone.
function files.delete(store, request)
  local file, refusal = move(store, request, "delete")
  if not file then
    return refusal
  end
  store.records:drop(file)
  return moved(store, request, file, { action = "delete" })
end

--- PUT /usage/files/{id}/approve-all: its valid records become approved.
function files.approveAll(store, request)
  local file, refusal = find(store, request)
  refusal = refusal or inState(file, APPROVABLE, "approved")
  if refusal then
    return refusal
  end
  local count = store.records:promote(file, "valid", "approved")
  return moved(store, request, file, { action = "approve-all", count = count })
end

--- The part of a form that holds the spreadsheet.
local function spreadsheet(request, name)
  local upload = request.parts[name]
  if not upload then
    return nil, reply.invalid(name .. ": No file was submitted.")
  elseif upload.size == 0 then
    return nil, reply.invalid(name .. ": The submitted file is empty.")
  end
  return upload
end
files.spreadsheet = spreadsheet

--- Keeps an upload with a file.
local function keep(store, file, name, upload)
  store.uploads[file.id] = store.uploads[file.id] or {}
  store.uploads[file.id][name] = upload
end

--- POST /usage/files/{id}/upload
function files.upload(store, request)
  local file, refusal = find(store, request)
  refusal = refusal or inState(file, UPLOADABLE, "uploaded")
  local upload
  if not refusal then
    upload, refusal = spreadsheet(request, "usage_file")
  end
  if refusal then
    return refusal
  end
  keep(store, file, "usage", upload)
  file.events.uploaded = seed.event(moment.write())
  if store.options.uploadReads > 0 then
    file.underWay = store.options.uploadReads
    file.status = UNDER_WAY[math.min(file.underWay, #UNDER_WAY)]
    file.sub_status = "processing"
  else
    judge(store, file)
  end
  return moved(store, request, file, { action = "upload", size = upload.size, sha256 = upload.sha256 })
end

--- POST /usage/files/{id}/reprocess: judges the upload once more.
function files.reprocess(store, request)
  local file, refusal = find(store, request)
  refusal = refusal or inState(file, set("invalid", "ready"), "reprocessed")
  if refusal then
    return refusal
  elseif store.uploads[file.id] then
    judge(store, file)
  end
  return moved(store, request, file, { action = "reprocess" })
end

--- POST /usage/files/{id}/reconciliation
function files.reconcile(store, request)
  local file, refusal = find(store, request)
  refusal = refusal or inState(file, RECONCILABLE, "reconciled")
  local upload
  if not refusal then
    upload, refusal = spreadsheet(request, "recon_file")
  end
  if refusal then
    return refusal
  end
  keep(store, file, "reconciliation", upload)
  return moved(store, request, file, { action = "reconciliation", size = upload.size, sha256 = upload.sha256 })
end

--- GET /usage/files/{id}/categories
function files.categories(store, request)
  local file, refusal = find(store, request)
  if not file then
    return refusal
  end
  return listing.answer(store, request, Collection.new(seed.categories), "categories")
end

return files
