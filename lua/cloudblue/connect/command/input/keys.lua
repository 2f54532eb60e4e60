--- The names of what an entry consists of: columns of CSV, keys of JSON Lines.

local keys = {}

keys.ID, keys.BILLING_ID, keys.NOTE = "id", "external_billing_id", "external_billing_note"

local KNOWN <const> = { [keys.ID] = true, [keys.BILLING_ID] = true, [keys.NOTE] = true }

-- What a report has beside those: it may be given back as input.
local REPORTED <const> = { outcome = true, message = true }

--- Whether it is a part of an entry.
---@param name string
---@return boolean
function keys.isKnown(name) return KNOWN[name] == true end

--- The part of an entry that a name seems to mean: it differs in letter case and blanks only.
---@param name string
---@return string? key nil where there is none
function keys.meant(name)
  local plain = name:lower():gsub("%s+", "")
  for key in pairs(KNOWN) do
    if plain:gsub("_", "") == key:gsub("_", "") then return key end
  end
  return nil
end

--- Whether it is left out without a word.
---@param name string
---@return boolean
function keys.isReported(name) return REPORTED[name] == true end

return keys
