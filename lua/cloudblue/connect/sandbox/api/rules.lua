--- The handlers of a product's usage rules.

local checks = require "cloudblue.connect.sandbox.api.checks"
local listing = require "cloudblue.connect.sandbox.api.listing"
local moment = require "cloudblue.connect.sandbox.data.moment"
local reply = require "cloudblue.connect.sandbox.http.reply"
local requests = require "cloudblue.connect.sandbox.http.request"
local seed = require "cloudblue.connect.sandbox.data.seed"

local rules = {}

local ACTIONS = { accept = true, reject = true, manual = true }
local STATUSES = { active = true, deleted = true }

local function findAll(store, request)
  local product = request.parameters.product
  local all = store.rules[product]
  if not all then
    return nil, reply.notFound(string.format("Product %s does not exist", product))
  end
  return all
end

local function find(store, request)
  local all, refusal = findAll(store, request)
  local rule = all and all:get(request.parameters.id)
  if all and not rule then
    refusal = reply.notFound(string.format("Usage rule %s does not exist", request.parameters.id))
  end
  return rule, refusal
end

--- GET /products/{product}/usage/rules
function rules.list(store, request)
  local all, refusal = findAll(store, request)
  return all and listing.answer(store, request, all, "rules") or refusal
end

--- GET /products/{product}/usage/rules/{id}
function rules.get(store, request)
  local rule, refusal = find(store, request)
  return rule and reply.ok(rule) or refusal
end

--- Reads the members of a rule out of a body; those that must be there are given.
local function read(request, required)
  local value, refusal = requests.value(request, "object")
  refusal = refusal or checks.strings(value, { action = 20, rule = 2000, status = 20 }, required)
  if refusal then
    return nil, refusal
  elseif value.action and not ACTIONS[value.action] then
    return nil, reply.invalid("action: must be accept, reject or manual")
  elseif value.status and not STATUSES[value.status] then
    return nil, reply.invalid("status: must be active or deleted")
  end
  local item = value.item
  if item ~= nil then
    item = type(item) == "table" and type(item.id) == "string" and seed.itemById(item.id)
    if not item then
      return nil, reply.invalid("item: must be an object with the id of an item of the product")
    end
  end
  return { item = item, action = value.action, rule = value.rule, status = value.status }
end

local function assign(rule, value)
  for name, member in pairs(value) do
    rule[name] = member
  end
  rule.events.updated = seed.event(moment.write())
  return rule
end

--- POST /products/{product}/usage/rules
function rules.create(store, request)
  local all, refusal = findAll(store, request)
  local value
  if all then
    value, refusal = read(request, { "action" })
  end
  if refusal then
    return refusal
  end
  local rule = all:add(assign(store:makeRule(), value))
  rule.events.created = seed.event(moment.write())
  store:applied({ action = "create", kind = "rule", id = rule.id }, request.route)
  return reply.created(rule)
end

--- PUT /products/{product}/usage/rules/{id}
function rules.update(store, request)
  local rule, refusal = find(store, request)
  local value
  if rule then
    value, refusal = read(request)
  end
  if refusal then
    return refusal
  end
  assign(rule, value)
  store:applied({ action = "update", kind = "rule", id = rule.id }, request.route)
  return reply.ok(rule)
end

--- DELETE /products/{product}/usage/rules/{id}: the rule is gone.
function rules.delete(store, request)
  local rule, refusal = find(store, request)
  if not rule then
    return refusal
  end
  store.rules[request.parameters.product]:remove(rule.id)
  store:applied({ action = "delete", kind = "rule", id = rule.id }, request.route)
  return reply.empty()
end

return rules
