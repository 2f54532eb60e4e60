--- The entries of a run: read one after the other, checked before anything of them is sent.

local core = require "cloudblue.connect.core"

local entries = {}

---@class cloudblue.connect.closing.Entry
---@field id string
---@field external_billing_id string?
---@field external_billing_note string?

-- What is wrong with an entry; nil where nothing is.
local function problemOf(entry)
  if type(entry) ~= "table" then return "must be a table, got " .. type(entry) end
  return core.problemOfClose(entry.id, entry.external_billing_id, entry.external_billing_note)
end

-- Whether two entries close the same record in the same way.
local function isAlike(one, other)
  return one.external_billing_id == other.external_billing_id
    and one.external_billing_note == other.external_billing_note
end

-- Whether the record stands further up, in the same way; nil and a problem where it does in another way. `known`: id ->
-- its first entry and the number of that.
local function isRepeated(known, entry, number)
  local first = known[entry.id]
  if not first then
    known[entry.id] = { entry = entry, number = number }
    return false
  end
  if isAlike(first.entry, entry) then return true end
  return nil, ("entry %d: %s stands already in entry %d, with another billing id or note"):format(
    number, entry.id, first.number)
end

-- Takes the entry number `number`. Returns it, or nil where it repeats another; nil and a problem where it is wrong.
local function take(known, entry, number)
  local problem = problemOf(entry)
  if problem then return nil, ("entry %d: %s"):format(number, problem) end
  local repeated
  repeated, problem = isRepeated(known, entry, number)
  if problem then return nil, problem end
  return not repeated and entry or nil
end

--- Checks a list: all of it, before anything is sent.
---@param list table[]
---@return cloudblue.connect.closing.Entry[]? checked without repetitions
---@return string|integer problem beside nil; else how many entries were repetitions
function entries.check(list)
  local checked, known, repeated = {}, {}, 0
  for number = 1, #list do
    local entry, problem = take(known, list[number], number)
    if problem then return nil, problem end
    if entry then checked[#checked + 1] = entry else repeated = repeated + 1 end
  end
  return checked, repeated
end

--- The entries of an iterator. Which of them are repetitions is known only among those that are not done yet.
---@param iterator fun(): any
---@return fun(): cloudblue.connect.closing.Entry? next nil after the last; raises what is wrong with an entry
---@return fun(entry: cloudblue.connect.closing.Entry) forget an entry is done
---@return fun(): integer repeated how many were repetitions so far
function entries.read(iterator)
  local known, number, repeated = {}, 0, 0
  local function nextEntry()
    while true do
      local given = iterator()
      if given == nil then return nil end
      number = number + 1
      local entry, problem = take(known, given, number)
      if problem then error(problem, 0) end
      if entry then return entry end
      repeated = repeated + 1
    end
  end
  return nextEntry, function(entry) known[entry.id] = nil end, function() return repeated end
end

return entries
