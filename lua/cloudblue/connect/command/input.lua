--- The list of what is to be closed: a file, or what comes by a pipe. It is read twice, once to check it and again
--- while it is sent, so that memory does not grow with its records.

local billing = require "cloudblue.connect.command.billing"
local check = require "cloudblue.connect.command.input.check"
local csventries = require "cloudblue.connect.command.input.csventries"
local jsonlines = require "cloudblue.connect.command.input.jsonlines"

local input = {}

local READERS <const> = { csv = csventries.of, jsonl = jsonlines.of }

local ENDINGS <const> = { csv = "csv", jsonl = "jsonl", ndjson = "jsonl" }

local Input = {}
Input.__index = Input

-- Copies what can't be read twice into a file without a name.
local function spool(file, name)
  local copy, problem = io.tmpfile()
  local written = copy
  while written do
    local block, unread = file:read(65536)
    if unread then return nil, ("%s: %s"):format(name, unread) end
    if not block then break end
    written, problem = copy:write(block)
  end
  if written then written, problem = copy:flush() end
  if not written then return nil, ("%s can't be kept in a temporary file: %s"):format(name, problem) end
  return copy
end

-- The format, by the first character that says something.
local function guess(file)
  file:seek "set"
  local start = (file:read(4096) or ""):gsub("^\xEF\xBB\xBF", "")
  return start:find "^%s*[{%[]" and "jsonl" or "csv"
end

-- Opens a file, or a copy of what comes by a pipe.
local function openFile(path)
  if path == "-" then return spool(io.stdin, "stdin") end
  local file, problem = io.open(path, "rb")
  if not file then return nil, problem end
  if file:seek "set" then return file end
  local copy
  copy, problem = spool(file, path)
  file:close()
  return copy, problem
end

--- Opens an input.
---@param path string "-" is stdin
---@param format "csv"|"jsonl"|nil nil: by the ending of its name, else by its beginning
---@return table|nil input to be closed
---@return string? problem
function input.open(path, format)
  local self = setmetatable({ name = path == "-" and "stdin" or path }, Input)
  local problem
  self.file, problem = openFile(path)
  if not self.file then return nil, problem end
  self.format = format or ENDINGS[(path:match "%.(%w+)$" or ""):lower()] or guess(self.file)
  return self
end

-- A reader at the beginning.
local function reader(self)
  self.file:seek "set"
  return READERS[self.format](self.file)
end

--- Reads and checks all of it. To be called before `entries`.
---@param rules table? how billing ids and notes come about, see billing.lua
---@param onEntry fun(number: integer)? called for each entry
---@return cloudblue.connect.command.Facts|nil facts
---@return string? problem beside nil: names the input, the line and the column
function Input:check(rules, onEntry)
  self.rules = rules or billing.rules {}
  local facts, problem, line, column = check.run(function() return reader(self) end, self.rules, onEntry)
  if not facts then return nil, ("%s, line %d, column %d: %s"):format(self.name, line, column, problem) end
  self.facts = facts
  return facts
end

-- Reads a block, and compares it with what was checked. Returns its entries, without repetitions; nil where it has
-- changed.
local function readBlock(self, source, index)
  local list, print, first = {}, 0, (index - 1) * check.BLOCK
  local number = first
  while number < first + check.BLOCK do
    local id, billingId, note = source:next()
    if not id then break end
    number = number + 1
    print = check.add(print, id, billingId, note)
    if not self.facts.repeats[number] then
      billingId, note = self.rules:apply(number, id, billingId, note)
      list[#list + 1] = { id = id, external_billing_id = billingId or nil, external_billing_note = note }
    end
  end
  return print == (self.facts.blocks[index] or 0) and list or nil
end

--- The entries, from the first on: an iterator. Where the input has changed since it was checked, it raises a table
--- with the words of that in `changed`, before it returns anything of what has changed.
---@return fun(): cloudblue.connect.Entry?
function Input:entries()
  local source, index, list, position = reader(self), 0, {}, 0
  return function()
    while list and position >= #list do
      if index > #self.facts.blocks then return nil end
      index, position = index + 1, 0
      list = readBlock(self, source, index)
    end
    if not list then error({ changed = self.name .. " has changed since it was checked" }, 0) end
    position = position + 1
    return list[position]
  end
end

--- Closes it.
function Input:close()
  self.file:close()
end

Input.__close = Input.close

return input
