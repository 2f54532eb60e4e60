--- The CloudBlue Connect API for Lua.
---
--- The C module does the calls; this file adds what is better said in Lua: filters, paging, tasks.
--- Every function is described in `cloudblue/connect/meta.lua`.

local closing = require "cloudblue.connect.closing"
local core = require "cloudblue.connect.core"
local paging = require "cloudblue.connect.paging"
local rql = require "cloudblue.connect.rql"
local tasks = require "cloudblue.connect.tasks"

core.setFilterWriter(rql.encode)

for _, methods in pairs(core.methods) do
  methods.all = paging.all
  methods.first = paging.first
  methods.count = paging.count
end

core.clientMethods.parallel = tasks.parallel
core.methods.UsageRecordResource.closeMany = closing.closeMany
core.methods.UsageRecordResource.drain = closing.drain

return {
  ConnectClient = core.ConnectClient,
  GenericResource = core.GenericResource,
  UsageRecordResource = core.UsageRecordResource,
  UsageChunkResource = core.UsageChunkResource,
  UsageFileResource = core.UsageFileResource,
  UsageAggregateResource = core.UsageAggregateResource,
  UsageReconciliationResource = core.UsageReconciliationResource,
  R = rql.R,
  null = core.null,
  _VERSION = core._VERSION,
}
