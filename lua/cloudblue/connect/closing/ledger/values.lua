--- Values on their way into a database and out of it.

local core = require "cloudblue.connect.core"

local values = {}

-- By the core's instance of lua-cjson, whose settings nothing else changes: ledgers are compared by what it writes. One
-- of its own could not be made in a program whose locale has a wide decimal point.
local decode, null = core.decodeJson, core.null

--- The text of a JSON array of strings and `values.null`.
values.encode = core.encodeJson

--- The array of such a text.
values.decode = decode

--- What stands for nil in such an array.
values.null = null

--- A text as a literal of SQL. (LuaSQL's `escape` takes its room from the stack, which long texts overflow.)
---@param text string?
---@return string
function values.quote(text)
  if text == nil then return "NULL" end
  return "'" .. (text:find("'", 1, true) and text:gsub("'", "''") or text) .. "'"
end

--- What a text may be in a database: UTF-8 without zero bytes. Replies bring any bytes into messages.
---@param text string
---@return string
function values.printable(text)
  text = text:gsub("%z", " ")
  return utf8.len(text) and text or (text:gsub("[\x80-\xff]", "?"))
end

--- An integer, as a driver returns it: of PostgreSQL's a string, of SQLite's perhaps a float.
---@param value any
---@return integer?
function values.integer(value) return math.tointeger(tonumber(value)) end

--- The entries of a batch.
---@param ids string JSON array
---@param bills string? JSON array; nil where no entry has a billing id
---@param notes string? the same of notes
---@return cloudblue.connect.closing.Entry[]
function values.entries(ids, bills, notes)
  local entries = decode(ids)
  bills, notes = bills and decode(bills), notes and decode(notes)
  for index = 1, #entries do
    local bill, note = bills and bills[index] or nil, notes and notes[index] or nil
    entries[index] = {
      id = entries[index], external_billing_id = bill ~= null and bill or nil,
      external_billing_note = note ~= null and note or nil,
    }
  end
  return entries
end

return values
