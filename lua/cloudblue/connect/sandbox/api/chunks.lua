--- The handlers of usage chunks.

local checks = require "cloudblue.connect.sandbox.api.checks"
local content = require "cloudblue.connect.sandbox.http.content"
local listing = require "cloudblue.connect.sandbox.api.listing"
local moment = require "cloudblue.connect.sandbox.data.moment"
local reply = require "cloudblue.connect.sandbox.http.reply"
local requests = require "cloudblue.connect.sandbox.http.request"
local seed = require "cloudblue.connect.sandbox.data.seed"

local chunks = {}

--- GET /usage/chunks
function chunks.list(store, request)
  return listing.answer(store, request, store.chunks, "chunks")
end

--- GET /usage/chunks/{id}
function chunks.get(store, request)
  local chunk, refusal = checks.find(store, "chunks", request.parameters.id)
  return chunk and reply.ok(chunk) or refusal
end

--- PUT /usage/chunks/{id}: sets the external id.
function chunks.update(store, request)
  local chunk, refusal = checks.find(store, "chunks", request.parameters.id)
  local value
  if chunk then
    value, refusal = requests.value(request, "object")
  end
  refusal = refusal or checks.strings(value, { external_id = 200 }, { "external_id" })
  if refusal then
    return refusal
  end
  chunk.external_id = value.external_id
  store:applied({ action = "update", kind = "chunk", id = chunk.id, external_id = value.external_id }, request.route)
  return reply.ok(chunk)
end

--- Closes one chunk, if it may be closed: ready → closed, once, and never without a billing id.
---@param store table
---@param route string the route that asked for it
---@param chunk table
---@param billing table {external_billing_id=, external_billing_note=}
---@return table? refusal
function chunks.closeOne(store, route, chunk, billing)
  local refusal = checks.billing(billing, { "external_billing_id" })
  if refusal then
    return refusal
  elseif chunk.status ~= "ready" then
    local message = "Usage chunk %s can't be closed: its status is %s, not ready"
    return reply.wrongState(message:format(chunk.id, chunk.status))
  end
  chunk.status = "closed"
  chunk.events.closed = seed.event(moment.write())
  chunk.external_billing_id = billing.external_billing_id
  chunk.external_billing_note = billing.external_billing_note
  store:applied({
    action = "close",
    kind = "chunk",
    id = chunk.id,
    external_billing_id = billing.external_billing_id,
    external_billing_note = billing.external_billing_note,
  }, route)
  return nil
end

--- POST /usage/chunks/{id}/close
function chunks.close(store, request)
  local chunk, refusal = checks.find(store, "chunks", request.parameters.id)
  local billing
  if chunk then
    billing, refusal = requests.value(request, "object")
  end
  refusal = refusal or chunks.closeOne(store, request.route, chunk, billing)
  return refusal or reply.ok(chunk)
end

--- GET /usage/chunks/{id}/download
function chunks.download(store, request)
  local chunk, refusal = checks.find(store, "chunks", request.parameters.id)
  if not chunk then
    return refusal
  elseif chunk.status == "draft" or chunk.status == "failed" then
    return reply.wrongState(string.format("Usage chunk %s has no file: its status is %s", chunk.id, chunk.status))
  end
  return reply.file(content.generated(chunk.id, store.options.downloadBytes))
end

--- POST /usage/chunks/{id}/regenerate: makes the file of a chunk anew, so that a failed one is ready.
function chunks.regenerate(store, request)
  local chunk, refusal = checks.find(store, "chunks", request.parameters.id)
  if not chunk then
    return refusal
  elseif chunk.status == "closed" then
    return reply.wrongState(string.format("Usage chunk %s can't be regenerated: it is closed", chunk.id))
  end
  chunk.status, chunk.outdated, chunk.error = "ready", false, { detail = "" }
  store:applied({ action = "regenerate", kind = "chunk", id = chunk.id }, request.route)
  return reply.ok(chunk)
end

return chunks
