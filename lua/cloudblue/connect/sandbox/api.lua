--- The API that the sandbox serves: its routes with their handlers, and the data that they work on.

local json = require "cloudblue.connect.sandbox.json"
local router = require "cloudblue.connect.sandbox.http.router"
local routes = require "cloudblue.connect.sandbox.api.routes"
local Store = require "cloudblue.connect.sandbox.data.store"

local api = {}

--- The handlers by subject and name; each takes the data and a request and returns a reply.
local SUBJECTS = {
  records = require "cloudblue.connect.sandbox.api.records",
  chunks = require "cloudblue.connect.sandbox.api.chunks",
  files = require "cloudblue.connect.sandbox.api.files",
  actions = require("cloudblue.connect.sandbox.api.fileactions").handlers,
  reconciliations = require "cloudblue.connect.sandbox.api.reconciliations",
  aggregates = require "cloudblue.connect.sandbox.api.aggregates",
  rules = require "cloudblue.connect.sandbox.api.rules",
  media = require "cloudblue.connect.sandbox.api.media",
}

--- The tree of the API's routes, and that of the links outside of it (see router.lua).
api.routes = router.build(routes.api, SUBJECTS)
api.media = router.build(routes.media, SUBJECTS)

--- Makes the data that the options describe.
---@param options table complete options, see options.lua
---@return table store
function api.open(options)
  return Store.new(options)
end

--- The ids that a request names: in its path, and in its body where that is an object or a list of them.
local function idsOf(request)
  local ids = { request.parameters.id }
  local value = json.decode(request.body or "")
  local entries = type(value) == "table" and (value[1] and value or { value }) or {}
  for _, entry in ipairs(entries) do
    ids[#ids + 1] = type(entry) == "table" and type(entry.id) == "string" and entry.id or nil
  end
  return ids
end

--- Closes the records and chunks that a request names under another billing id, as if another client came first.
---@param store table
---@param request table a request whose route was found
---@param billingId string
function api.closeAs(store, request, billingId)
  local billing = { external_billing_id = billingId }
  for _, id in ipairs(idsOf(request)) do
    local chunk = store.chunks:get(id)
    if chunk then
      SUBJECTS.chunks.closeOne(store, "somebody else", chunk, billing)
    else
      SUBJECTS.records.closeOne(store, "somebody else", id, billing)
    end
  end
end

return api
