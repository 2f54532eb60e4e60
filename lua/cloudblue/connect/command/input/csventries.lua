--- The entries of a CSV file: the header says which column is what.

local csv = require "cloudblue.connect.command.input.csv"
local keys = require "cloudblue.connect.command.input.keys"

local csventries = {}

local Entries = {}
Entries.__index = Entries

local function listed(names)
  local shown = {}
  for index, name in ipairs(names) do shown[index] = ("'%s'"):format(name) end
  return table.concat(shown, ", ")
end

-- What is wrong with a header; the number of the column behind it.
local function problemOfHeader(header)
  local met = {}
  for index, name in ipairs(header) do
    if met[name] and keys.isKnown(name) then return ("the header has '%s' twice"):format(name), index end
    met[name] = true
  end
  if met[keys.ID] then return nil end
  local hint = #header == 1 and header[1]:find "[;\t]" and "; fields are separated by commas" or ""
  return ("the header has no column 'id', only %s%s"):format(listed(header), hint), 1
end

-- Reads the header.
local function begin(self)
  local header, problem, line, column = self.rows:next()
  if not header then return nil, problem or "it is empty: CSV begins with a header", line or 1, column or 1 end
  local index
  problem, index = problemOfHeader(header)
  if problem then return nil, problem, self.rows:place(index) end
  self.width = #header
  for number, name in ipairs(header) do
    if keys.isKnown(name) then
      self.columns[name] = number
    elseif not keys.isReported(name) then
      self.ignored[#self.ignored + 1] = name
    end
  end
  return true
end

-- A field; nil where there is no such column, or where it is empty.
local function fieldOf(fields, column)
  local field = column and fields[column]
  return field ~= "" and field or nil
end

--- The next entry.
---@return string|nil|false id nil after the last; false where the file is wrong: the problem, line and column behind it
---@return string? billingId
---@return string? note
---@return integer? column
function Entries:next()
  local fields, problem, line, column = self.rows:next()
  if not fields then
    if problem then return false, problem, line, column end
    return nil
  end
  if #fields ~= self.width then
    line = self.rows:place(1)
    return false, ("there are %d fields, and %d in the header"):format(#fields, self.width), line, 1
  end
  local columns = self.columns
  return fields[columns[keys.ID]], fieldOf(fields, columns[keys.BILLING_ID]), fieldOf(fields, columns[keys.NOTE])
end

--- Where a part of the last entry stands.
---@param name string
---@return integer line
---@return integer column
function Entries:place(name)
  return self.rows:place(self.columns[name] or self.columns[keys.ID])
end

--- Reads the header of a CSV file.
---@param file file*
---@return table|nil entries with `next` and `place`; `columns`: name → number; `ignored`: names of the other columns
---@return string? problem beside nil; its line and column behind it
---@return integer? line
---@return integer? column
function csventries.of(file)
  local self = setmetatable({ rows = csv.rows(file), columns = {}, ignored = {} }, Entries)
  local begun, problem, line, column = begin(self)
  if not begun then return nil, problem, line, column end
  return self
end

return csventries
