--- The entries of a file of JSON Lines: an object a line, with the keys that CSV has as columns.

local cjson = require "cjson"

local keys = require "cloudblue.connect.command.input.keys"
local lines = require "cloudblue.connect.command.input.lines"

local jsonlines = {}

local json = cjson.new()
json.decode_max_depth(20)

local Entries = {}
Entries.__index = Entries

-- A problem of the last line, at the first byte of a pattern.
local function wrong(self, problem, pattern)
  return false, problem, self.number, lines.column(self.line, self.line:find(pattern) or 1)
end

-- lua-cjson names the place in its message.
local function decode(self)
  local done, object = pcall(json.decode, self.line)
  if done then return object end
  local problem = object:gsub("^.-:%d+: ", "")
  local position = tonumber(problem:match " at character (%d+)")
  return nil, problem:gsub(" at character %d+", ""), position and lines.column(self.line, position) or 1
end

-- Notes a key that is no part of an entry.
local function ignore(self, name)
  if self.met[name] or keys.isReported(name) then return end
  self.met[name] = true
  self.ignored[#self.ignored + 1] = name
end

local function patternOf(name) return '"' .. name .. '"%s*:' end

-- A value: nil where there is none, or where it is null or empty.
local function valueOf(object, name)
  local value = object[name]
  if value == cjson.null or value == "" then return nil end
  return value
end

local function check(self, object)
  for name, value in pairs(object) do
    if not keys.isKnown(name) then
      ignore(self, name)
    elseif value ~= cjson.null and type(value) ~= "string" then
      return wrong(self, ("%s must be text in quotes, not a %s"):format(name, type(value)), patternOf(name))
    end
    self.columns[name] = true
  end
  return true
end

--- The next entry.
---@return string|nil|false id nil after the last; false where the file is wrong: the problem, line and column behind it
---@return string? billingId
---@return string? note
---@return integer? column
function Entries:next()
  local number, problem, column
  repeat
    self.line, number, problem, column = self.nextLine()
    if problem then return false, problem, number, column end
    if not self.line then return nil end
  until self.line:find "%S"
  self.number, self.line = number, self.line:gsub("\r?\n$", "")
  if not self.line:find "^%s*{" then return wrong(self, "each line must be a JSON object", "%S") end
  local object
  object, problem, column = decode(self)
  if not object then return false, problem, number, column end
  local fits, at
  fits, problem, number, at = check(self, object)
  if not fits then return false, problem, number, at end
  if not valueOf(object, keys.ID) then return wrong(self, "the object has no id", "{") end
  return object.id, valueOf(object, keys.BILLING_ID), valueOf(object, keys.NOTE)
end

--- Where a part of the last entry stands.
---@param name string
---@return integer line
---@return integer column
function Entries:place(name)
  return self.number, lines.column(self.line, self.line:find(patternOf(name)) or self.line:find "%S")
end

--- Reads a file of JSON Lines.
---@param file file*
---@return table entries with `next` and `place`; `columns`: the keys that were met; `ignored`: names of the other keys
function jsonlines.of(file)
  return setmetatable({ nextLine = lines.of(file), columns = {}, ignored = {}, met = {} }, Entries)
end

return jsonlines
