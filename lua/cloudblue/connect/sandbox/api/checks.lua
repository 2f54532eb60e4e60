--- Checks that several handlers make.

local reply = require "cloudblue.connect.sandbox.http.reply"

local checks = {}

--- Checks that some members of an object are strings of at most so many characters where present.
---@param object table
---@param limits table<string, integer> member → most characters
---@param required string[]? members that must be there and not empty
---@return table? refusal
function checks.strings(object, limits, required)
  for _, name in ipairs(required or {}) do
    if object[name] == nil or object[name] == "" then
      return reply.invalid(name .. ": This field is required.")
    end
  end
  for name, limit in pairs(limits) do
    local value = object[name]
    if value ~= nil and type(value) ~= "string" then
      return reply.invalid(name .. ": Not a valid string.")
    elseif value and (utf8.len(value) or #value) > limit then
      return reply.invalid(string.format("%s: Ensure this field has no more than %d characters.", name, limit))
    end
  end
  return nil
end

local BILLING = { external_billing_id = 255, external_billing_note = 1000 }

--- Checks the members of the body of a close.
---@param billing table {external_billing_id=, external_billing_note=}
---@param required string[]? members that must be there
---@return table? refusal
function checks.billing(billing, required)
  return checks.strings(billing, BILLING, required)
end

--- Checks that a form holds a spreadsheet.
---@param parts table<string, table> the parts of the form, see upload.lua
---@param name string of the part
---@return table|nil upload
---@return table? refusal
function checks.spreadsheet(parts, name)
  local upload = parts[name]
  if not upload then
    return nil, reply.invalid(name .. ": No file was submitted.")
  elseif upload.size == 0 then
    return nil, reply.invalid(name .. ": The submitted file is empty.")
  end
  return upload
end

--- collection of the store → what one of its objects is
local NAMES = {
  records = "Usage record",
  chunks = "Usage chunk",
  files = "Usage file",
  reconciliations = "Reconciliation",
}

--- Finds an object.
---@param store table
---@param collection string of the store
---@param id string
---@return table|nil object
---@return table? refusal where there is none
function checks.find(store, collection, id)
  local object = store[collection]:get(id)
  return object, not object and reply.notFound(string.format("%s %s does not exist", NAMES[collection], id)) or nil
end

return checks
