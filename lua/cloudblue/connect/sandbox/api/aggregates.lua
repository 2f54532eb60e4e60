--- The handlers of usage aggregates.

local Collection = require "cloudblue.connect.sandbox.data.collection"
local listing = require "cloudblue.connect.sandbox.api.listing"
local reply = require "cloudblue.connect.sandbox.http.reply"

local aggregates = {}

--- GET /usage/aggregates
function aggregates.list(store, request)
  return listing.answer(store, request, store.aggregates, "aggregates")
end

--- GET /assets/{asset}/usage/aggregates
function aggregates.listOfAsset(store, request)
  local ofAsset = Collection.new()
  for aggregate in store.aggregates:each() do
    if aggregate.asset.id == request.parameters.asset then
      ofAsset:add(aggregate)
    end
  end
  if ofAsset:count() == 0 then
    return reply.notFound(string.format("Asset %s does not exist", request.parameters.asset))
  end
  return listing.answer(store, request, ofAsset, "aggregates")
end

return aggregates
