--- The API that the sandbox serves: its routes with their handlers, and the data that they work on.

local router = require "cloudblue.connect.sandbox.http.router"
local routes = require "cloudblue.connect.sandbox.api.routes"
local Store = require "cloudblue.connect.sandbox.data.store"

local api = {}

--- The handlers by subject and name; each takes the data and a request and gives a reply.
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

--- Somebody else is quicker: a record or a chunk is closed under another billing id.
---@param store table
---@param id string? of the record or chunk; nothing happens where it is neither
---@param billingId string
function api.closeAs(store, id, billingId)
  local billing = { external_billing_id = billingId }
  if id and store.records:get(id) then
    SUBJECTS.records.closeOne(store, "somebody else", id, billing)
  elseif id and store.chunks:get(id) then
    SUBJECTS.chunks.closeOne(store, "somebody else", store.chunks:get(id), billing)
  end
end

return api
