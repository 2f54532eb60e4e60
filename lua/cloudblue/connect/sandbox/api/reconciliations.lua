--- The handlers of reconciliations: spreadsheets that say how a chunk was billed.

local checks = require "cloudblue.connect.sandbox.api.checks"
local copy = require "cloudblue.connect.sandbox.data.copy"
local content = require "cloudblue.connect.sandbox.http.content"
local listing = require "cloudblue.connect.sandbox.api.listing"
local moment = require "cloudblue.connect.sandbox.data.moment"
local reply = require "cloudblue.connect.sandbox.http.reply"
local seed = require "cloudblue.connect.sandbox.data.seed"

local reconciliations = {}

--- GET /usage/reconciliations
function reconciliations.list(store, request)
  return listing.answer(store, request, store.reconciliations, "reconciliations")
end

--- GET /usage/reconciliations/{id}
function reconciliations.get(store, request)
  local found, refusal = checks.find(store, "reconciliations", request.parameters.id)
  return found and reply.ok(found) or refusal
end

--- The chunk that a spreadsheet is about: the one whose id is in its name, else the first.
local function chunkOf(store, upload)
  local id = (upload.filename or ""):match("UFC%-[%d%-]*%d")
  return id and store.chunks:get(id) or store.chunks.list[1]
end

--- POST /usage/reconciliations
function reconciliations.create(store, request)
  local upload, refusal = checks.spreadsheet(request.parts, "recon_file")
  if not upload then
    return refusal
  end
  local note = request.parts.upload_note and request.parts.upload_note:text() or ""
  local chunk = chunkOf(store, upload)
  if not chunk then
    return reply.invalid("recon_file: there is no chunk that it could be about")
  end
  local now = moment.write()
  local made = store:addReconciliation {
    status = "processed",
    usagefile = copy.values(chunk.usagefile),
    partusagefile = { id = chunk.id, provider = copy.values(chunk.provider) },
    binding = copy.values(chunk.binding),
    error = { detail = "" },
    notes = { uploaded = note, processing = "" },
    events = { created = seed.event(now), uploaded = seed.event(now) },
  }
  store.uploads[made.id] = { reconciliation = upload }
  store:applied({
    action = "create",
    kind = "reconciliation",
    id = made.id,
    chunk = chunk.id,
    note = note,
    size = upload.size,
    sha256 = upload.sha256,
  }, request.route)
  return reply.created(made)
end

--- GET /usage/reconciliations/{id}/processedfile: generated.
function reconciliations.processedFile(store, request)
  local found, refusal = checks.find(store, "reconciliations", request.parameters.id)
  return found and reply.file(content.generated(found.id, store.options.downloadBytes)) or refusal
end

--- GET /usage/reconciliations/{id}/uploadedfile: the bytes that were uploaded.
function reconciliations.uploadedFile(store, request)
  local found, refusal = checks.find(store, "reconciliations", request.parameters.id)
  return found and reply.file(store.uploads[found.id].reconciliation:content()) or refusal
end

return reconciliations
