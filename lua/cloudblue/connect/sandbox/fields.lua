--- The fields that lists can be filtered, ordered and selected by, as data.
---
--- They are the members of the objects in the API's description, and the names under which the
--- description offers filters besides those (the aliases). A name that is in neither is refused: a
--- slip in a filter must not look like an empty list.

local seed = require "cloudblue.connect.sandbox.seed"

local fields = {}

local ACCOUNT = "id name icon"
local EVENTS = "created uploaded submitted accepted closed rejected deleted updated last_reported"
local STATS = "uploaded:number validated:number pending:number accepted:number closed:number billed:number"

--- A word is a member, `:number` or `:boolean` tells its kind (string otherwise), and `a(...)` are the
--- members of the object a (`@`: the events).
local SCHEMAS = {
  records = "id start_date end_date product_id external_billing_id external_billing_note"
    .. " item(id local_id name unit mpn precision type) asset(id external_id external_uid) category tier:number"
    .. " amount:number multiplier:number usage:number status closed_at closed_by item_id asset_id"
    .. " usagefile(id name schema currency) resource_local_id asset_external_id asset_external_uid params:list",
  chunks = "id status outdated:boolean usagefile(id name schema currency) binding(hub(id name) external_id)"
    .. " marketplace(id name icon) error(detail) events(@) stats(" .. STATS .. ") provider(" .. ACCOUNT .. ")"
    .. " external_id external_billing_id external_billing_note",
  files = "id name external_id status vendor(" .. ACCOUNT .. ") provider(" .. ACCOUNT .. ") environment"
    .. " marketplace(id name icon) contract(id name) product(id name icon) error_detail description"
    .. " acceptance_note rejection_note schema currency period(from to) stats(" .. STATS .. ") events(@) sub_status"
    .. " usage_file_uri processed_file_uri reconciliation_file_uri records(valid:number invalid:number closed:number)",
  reconciliations = "id status usagefile(id name schema currency) partusagefile(id provider(" .. ACCOUNT .. "))"
    .. " binding(hub(id name) external_id) error(detail) notes(uploaded processing) events(@)",
  aggregates = "item(id local_id name unit mpn precision type) asset(id external_id external_uid) amount:number"
    .. " currency consumed:number accepted:number events(@)",
  rules = "id action scope rule status item(id name) events(@)",
  categories = "id name description",
}

local ALIASES = {
  records = {
    created_time = "start_date",
    ["product.id"] = "product_id",
    usage_file = "usagefile.id",
    usage_start_time = "start_date",
  },
  chunks = {},
  files = {
    ["created.at"] = "events.created.at",
    distribution_contract_id = "contract.id",
    marketplace_id = "marketplace.id",
    product_id = "product.id",
    provider_id = "provider.id",
    vendor_id = "vendor.id",
  },
}

--- What a record does not show and can be filtered by all the same: all records are one hub's.
local CONSTANTS = {
  records = { ["hub.id"] = seed.hub.id, part_usage_file__hub__id = seed.hub.id },
}

local function add(known, name, kind)
  local path = {}
  for part in name:gmatch("[^.]+") do
    path[#path + 1] = part
  end
  known[name] = { name = name, path = path, kind = kind }
end

local function read(known, text, prefix)
  local at = 1
  while at <= #text do
    local word, kind, last = text:match("^ *([%w_]+):?(%a*)()", at)
    local inner = text:match("^%b()", last)
    if inner then
      add(known, prefix .. word, "object")
      local members = inner == "(@)" and EVENTS:gsub("%S+", "%0(at by(id name))") or inner:sub(2, -2)
      read(known, members, prefix .. word .. ".")
      last = last + #inner
    else
      add(known, prefix .. word, kind ~= "" and kind or nil)
    end
    at = last
  end
end

local cache = {}

--- The fields of a collection.
---@param collection string "records", "chunks", "files", ...
---@return table<string, table> known name → {name=, path=, kind=, constant=}
function fields.of(collection)
  if not cache[collection] then
    local known = {}
    read(known, SCHEMAS[collection], "")
    for alias, name in pairs(ALIASES[collection] or {}) do
      known[alias] = known[name]
    end
    for name, value in pairs(CONSTANTS[collection] or {}) do
      known[name] = { name = name, path = { name }, constant = value }
    end
    cache[collection] = known
  end
  return cache[collection]
end

return fields
