--- The handlers of usage files, besides their actions (fileactions.lua).

local checks = require "cloudblue.connect.sandbox.api.checks"
local Collection = require "cloudblue.connect.sandbox.data.collection"
local copy = require "cloudblue.connect.sandbox.data.copy"
local fileactions = require "cloudblue.connect.sandbox.api.fileactions"
local fileview = require "cloudblue.connect.sandbox.api.fileview"
local json = require "cloudblue.connect.sandbox.json"
local listing = require "cloudblue.connect.sandbox.api.listing"
local moment = require "cloudblue.connect.sandbox.data.moment"
local reply = require "cloudblue.connect.sandbox.http.reply"
local requests = require "cloudblue.connect.sandbox.http.request"
local seed = require "cloudblue.connect.sandbox.data.seed"

local files = {}

--- GET /usage/files
function files.list(store, request)
  return listing.answer(store, request, store.files, "files", function(file)
    return fileview.listed(store, file)
  end)
end

--- GET /usage/files/{id}
function files.get(store, request)
  local file, refusal = checks.find(store, "files", request.parameters.id)
  if not file then
    return refusal
  end
  fileactions.advance(store, file)
  return reply.ok(fileview.detailed(store, request, file))
end

local TEXTS = { name = 100, description = 200, note = 200, currency = 20, external_id = 200 }

local function isDate(text)
  return type(text) == "string" and text:match("^%d%d%d%d%-%d%d%-%d%d") ~= nil
end

--- Reads what the bodies of POST and PUT have in common.
local function readFile(request)
  local value, refusal = requests.value(request, "object")
  refusal = refusal or checks.strings(value, TEXTS)
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
  file.product = copy.values(product)
  file.contract.id = contractId or file.contract.id
  file.events.created = seed.event(moment.write())
  store:applied({ action = "create", kind = "file", id = file.id, status = file.status }, request.route)
  return reply.created(fileview.created(file))
end

--- PUT /usage/files/{id}
function files.update(store, request)
  local file, refusal = checks.find(store, "files", request.parameters.id)
  refusal = refusal or fileactions.refusal(file, fileactions.CHANGEABLE, "changed")
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

--- GET /usage/files/{id}/categories
function files.categories(store, request)
  local file, refusal = checks.find(store, "files", request.parameters.id)
  if not file then
    return refusal
  end
  return listing.answer(store, request, Collection.new(seed.categories), "categories")
end

return files
