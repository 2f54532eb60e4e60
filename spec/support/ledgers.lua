--- Ledgers for specs, in both kinds of database.
---
---     local place <close> = ledgers.places.sqlite()      -- or postgres
---     local l <close> = place:open()

local folders = require "spec.support.folder"
local ledger = require "cloudblue.connect.closing.ledger"
local postgres = require "spec.support.postgres"

local ledgers = {
  --- What the ledgers here belong to.
  WHO = { endpoint = "https://connect.test/public/v1", account = "SU-1" },
  places = {},
}

---@class LedgerPlace
---@field name string of a ledger that does not exist yet
---@field resource Folder|PostgresServer
local Place = {}
Place.__index = Place

--- Opens the ledger to be worked on.
---@param options table? more options of `ledger.open`
---@return cloudblue.connect.closing.Ledger
function Place:open(options)
  local given = { create = true, exclusive = true }
  for name, value in pairs(options or {}) do given[name] = value end
  return assert(ledger.open(self.name, given))
end

function Place:stop() self.resource:stop() end

Place.__close = Place.stop

function ledgers.places.sqlite()
  local folder = folders.make()
  return setmetatable({ name = folder:path("run.db"), resource = folder }, Place)
end

function ledgers.places.postgres()
  local server = postgres.start()
  return setmetatable({ name = server:uri(), resource = server }, Place)
end

--- Makes a ledger forget all that it holds.
function ledgers.clear(l)
  if not l.driver:hasTables() then return end
  l.driver:run("DROP VIEW entries")
  for _, name in ipairs { "run", "lists", "batches", "outcomes" } do l.driver:run("DROP TABLE " .. name) end
end

--- The id of an entry.
function ledgers.id(number) return ("UR-%06d"):format(number) end

--- Entries under billing ids of their own.
---@param first integer
---@param last integer
---@return table[]
function ledgers.list(first, last)
  local list = {}
  for number = first, last do list[#list + 1] = { id = ledgers.id(number), external_billing_id = "B-" .. number } end
  return list
end

--- An iterator over a list.
function ledgers.each(list)
  local index = 0
  return function()
    index = index + 1
    return list[index]
  end
end

--- The ids of a list.
function ledgers.ids(list)
  local ids = {}
  for index, entry in ipairs(list or {}) do ids[index] = entry.id end
  return ids
end

--- The same outcome for each entry of a list.
function ledgers.all(list, outcome)
  local outcomes = {}
  for index = 1, #list do outcomes[index] = outcome end
  return outcomes
end

return ledgers
