--- Where the entries of `connect-usage close` come from: a file, a condition, or what a ledger holds already.

local core = require "cloudblue.connect.core"

local exitcodes = require "cloudblue.connect.command.exitcodes"
local filters = require "cloudblue.connect.command.filters"
local input = require "cloudblue.connect.command.input"
local interrupt = require "cloudblue.connect.command.interrupt"
local ledgers = require "cloudblue.connect.command.ledgers"
local plan = require "cloudblue.connect.command.plan"

local sources = {}

---@class cloudblue.connect.command.Source
---@field name string what the entries are of
---@field total integer how many there are
---@field entries (fun(): fun(): cloudblue.connect.Entry?)? an iterator from the first one on; nil: the ledger has them
---@field words string[] what there is to know before they are closed
---@field first cloudblue.connect.Entry? the first that is to be closed, as an example
---@field close fun()

-- So many entries of a file, and records of a list, are worth a word: some seconds.
local CHECKED <const>, LISTED <const> = 100000, 10000

local function nothing() end

-- A function that says now and then how far a reading is.
local function teller(voice, words, step)
  return function(count)
    if count % step == 0 then voice:say(words:format(count)) end
  end
end

-- "1 record", "12 records".
local function counted(count, noun)
  return ("%d %s%s"):format(count, noun, count == 1 and "" or "s")
end

local function listed(names)
  local shown = table.move(names, 1, math.min(#names, 8), 1, {})
  if #names > #shown then shown[#shown + 1] = ("and %d more"):format(#names - #shown) end
  return table.concat(shown, ", ")
end

--- A billing id in words.
---@param billingId string?
---@return string
function sources.billed(billingId) return billingId and "under " .. billingId or "without a billing id" end

--- A note in words.
---@param note string?
---@return string
function sources.noted(note) return note and ("with the note '%s'"):format(note) or "without a note" end

--- How the first entry will be closed: an example says more than a template.
---@param entry cloudblue.connect.Entry?
---@return string? words nil where there is none
function sources.example(entry)
  if not entry then return nil end
  local note = entry.external_billing_note
  return ("The first is %s, %s%s."):format(
    entry.id, sources.billed(entry.external_billing_id), note and ", " .. sources.noted(note) or "")
end

local function interrupted() return nil, "Interrupted. Nothing was sent", exitcodes.INTERRUPTED end

-- Checks a file. Returns whether that was interrupted, the facts, and the problem.
local function check(file, rules, voice)
  local tell = teller(voice, "%d entries checked so far", CHECKED)
  return interrupt.turns(function(turn)
    return file:check(rules, function(number)
      if number % interrupt.TURN == 0 then turn() end
      tell(number)
    end)
  end)
end

--- The entries of a file.
---@param given table what argparse returned
---@param rules table see billing.lua
---@param voice table see voice.lua
---@return cloudblue.connect.command.Source|nil source
---@return string? problem
---@return integer? code
function sources.file(given, rules, voice)
  local file, problem = input.open(given.file, given.format)
  if not file then return nil, problem, exitcodes.MISUSED end
  local isInterrupted, facts
  isInterrupted, facts, problem = check(file, rules, voice)
  if isInterrupted or not facts then
    file:close()
    if isInterrupted then return interrupted() end
    return nil, problem .. ". Nothing was sent", exitcodes.MISUSED
  end
  local words = { ("%s has %s."):format(file.name, counted(facts.entries, "record")) }
  if facts.repeated > 0 then
    words[#words + 1] = facts.repeated == 1 and "1 entry repeats another, and is left out."
      or ("%d entries repeat others, and are left out."):format(facts.repeated)
  end
  if #facts.ignored > 0 then
    words[#words + 1] = ("Ignored %s: %s."):format(file.format == "csv" and "columns" or "keys", listed(facts.ignored))
  end
  return {
    name = file.name, total = facts.entries, words = words, first = file:entries()(),
    entries = function() return file:entries() end, close = function() file:close() end,
  }
end

-- The entry of a record of a list.
local function entryOf(rules, number, id)
  local billingId, note = rules:apply(number, id)
  return { id = id, external_billing_id = billingId or nil, external_billing_note = note }
end

-- What is wrong with an entry that a list and the options make.
local function problemOf(rules, ids)
  for number, id in ipairs(ids) do
    local problem = core.problemOfEntry(entryOf(rules, number, id))
    if problem then return ("%s: %s"):format(id, problem) end
  end
  return nil
end

-- How many of the records can't be closed as they are now.
local function otherStates(statuses)
  local names, count = {}, 0
  for status, number in pairs(statuses) do
    if status ~= "approved" then
      names[#names + 1] = ("%d %s"):format(number, status)
      count = count + number
    end
  end
  table.sort(names)
  return count > 0 and ("Not approved, so that the service will refuse them: %s."):format(listed(names)) or nil
end

-- Checks a list that was read. Returns it, or nil, the problem and the exit code.
local function checkList(list, rules)
  if list.total then
    return nil, ("the list does not hold still: it had %d records, and the service counts %d. Nothing was sent"):format(
      #list.ids, list.total), exitcodes.STOPPED
  end
  local problem = problemOf(rules, list.ids)
  if problem then return nil, problem .. ". Nothing was sent", exitcodes.MISUSED end
  return list
end

-- An iterator over the entries of a list.
local function entriesOf(rules, ids)
  local number = 0
  return function()
    number = number + 1
    return ids[number] and entryOf(rules, number, ids[number])
  end
end

--- The records that a condition finds.
---@param given table what argparse returned
---@param rules table see billing.lua
---@param client cloudblue.connect.ConnectClient
---@param voice table
---@return cloudblue.connect.command.Source|nil source
---@return string? problem
---@return integer? code
function sources.where(given, rules, client, voice)
  local query, problem = filters.check("records", given.where, given.anyFilter)
  if not query then return nil, problem, exitcodes.MISUSED end
  local isInterrupted, list, failure = interrupt.close(client, function()
    return plan.read(client.usageRecords, query, teller(voice, "%d records listed so far", LISTED))
  end)
  if isInterrupted then return interrupted() end
  if not list then
    return nil, ("the list can't be had: %s. Nothing was sent"):format(failure), exitcodes.ofFailure(failure)
  end
  local checked, code
  checked, problem, code = checkList(list, rules)
  if not checked then return nil, problem, code end
  local words = { ("'%s' finds %s."):format(given.where, counted(#list.ids, "record")) }
  words[#words + 1] = otherStates(list.statuses)
  return {
    name = "the list", total = #list.ids, words = words, first = entriesOf(rules, list.ids)(), close = nothing,
    entries = function() return entriesOf(rules, list.ids) end,
  }
end

--- The entries that a ledger holds.
---@param held cloudblue.connect.command.Held?
---@param name string the ledger's
---@return cloudblue.connect.command.Source|nil source
---@return string? problem
---@return integer? code
function sources.ledger(held, name)
  if not held then
    return nil, ledgers.without(name) .. "; give FILE or --where", exitcodes.MISUSED
  end
  name = ledgers.shown(name)
  local words = { ("%s has %s, planned %s."):format(
    name, counted(held.counts.total, "record"), held.identity.created) }
  return { name = name, total = held.counts.total, words = words, close = nothing }
end

return sources
