--- The handlers of reconciliations: spreadsheets that say how a chunk was billed.

local content = require "cloudblue.connect.sandbox.http.content"
local files = require "cloudblue.connect.sandbox.api.files"
local listing = require "cloudblue.connect.sandbox.api.listing"
local moment = require "cloudblue.connect.sandbox.data.moment"
local reply = require "cloudblue.connect.sandbox.http.reply"
local seed = require "cloudblue.connect.sandbox.data.seed"

local reconciliations = {}

local function find(store, request)
  local id = request.parameters.id
  local found = store.reconciliations:get(id)
  if not found then
    return nil, reply.notFound(string.format("Reconciliation %s does not exist", id))
  end
  return found
end

--- GET /usage/reconciliations
function reconciliations.list(store, request)
  return listing.answer(store, request, store.reconciliations, "reconciliations")
end

--- GET /usage/reconciliations/{id}
function reconciliations.get(store, request)
  local found, refusal = find(store, request)
  return found and reply.ok(found) or refusal
end

--- The chunk that a spreadsheet is about: the one whose id is in its name, else the first.
local function chunkOf(store, upload)
  local id = (upload.filename or ""):match("UFC%-[%d%-]*%d")
  return id and store.chunks:get(id) or store.chunks.list[1]
end

--- POST /usage/reconciliations
function reconciliations.create(store, request)
  local upload, refusal = files.spreadsheet(request, "recon_file")
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
    usagefile = seed.copy(chunk.usagefile),
    partusagefile = { id = chunk.id, provider = seed.copy(chunk.provider) },
    binding = seed.copy(chunk.binding),
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
  local found, refusal = find(store, request)
  return found and reply.file(content.generated(found.id, store.options.downloadBytes)) or refusal
end

--- GET /usage/reconciliations/{id}/uploadedfile: the bytes that were uploaded.
function reconciliations.uploadedFile(store, request)
  local found, refusal = find(store, request)
  return found and reply.file(store.uploads[found.id].reconciliation:content()) or refusal
end

return reconciliations
