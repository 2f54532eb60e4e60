--- A ledger in a file of SQLite: for one machine.
---
--- The file is in WAL mode and written with synchronous=FULL: what was committed is there after a power loss, and
--- others can read meanwhile. A run has the ledger for itself: it holds a lock on a file beside it, which the system
--- releases when the process ends, however it does.

local failure = require "cloudblue.connect.closing.ledger.failure"
local library = require "cloudblue.connect.closing.ledger.library"
local session = require "cloudblue.connect.closing.ledger.session"

local sqlite = {}

-- In the file's header: it is a ledger.
local APPLICATION <const> = 0x43554c31

-- Milliseconds that a statement waits for somebody else's transaction.
local PATIENCE <const> = 10000

-- See `closing/ledger.lua`.
local TABLES = {
  [[CREATE TABLE run (endpoint TEXT NOT NULL, account TEXT NOT NULL, list TEXT NOT NULL, total INTEGER NOT NULL,
    repeated INTEGER NOT NULL, created TEXT NOT NULL)]],
  "CREATE TABLE lists (first INTEGER PRIMARY KEY, ids TEXT NOT NULL, bills TEXT, notes TEXT)",
  "CREATE TABLE batches (first INTEGER PRIMARY KEY, count INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'open')",
  "CREATE TABLE outcomes (seq INTEGER PRIMARY KEY, outcome TEXT NOT NULL, message TEXT)",
  [[CREATE VIEW entries AS
    SELECT b.first + i.key AS seq, i.value AS id,
      json_extract(l.bills, '$[' || i.key || ']') AS external_billing_id,
      json_extract(l.notes, '$[' || i.key || ']') AS external_billing_note,
      coalesce(o.outcome, CASE WHEN b.state IN ('open', 'sent') THEN b.state ELSE 'closed' END) AS outcome, o.message
    FROM batches b JOIN lists l ON l.first = b.first JOIN json_each(l.ids) i
      LEFT JOIN outcomes o ON o.seq = b.first + i.key]],
}

-- The state of a batch before it is sent -> while it is.
local SENT = { open = "sent", partial = "again" }

---@class cloudblue.connect.closing.ledger.Sqlite: cloudblue.connect.closing.ledger.Session
---@field isShared boolean whether other processes may work on the list
---@field claimsAhead boolean whether a batch is claimed when one is settled: a transaction costs more than what it has
local Sqlite = setmetatable({
  isShared = false, claimsAhead = true, begin = "BEGIN IMMEDIATE", look = "BEGIN",
}, session.Session)
Sqlite.__index = Sqlite

-- ==== A list =========================================================================================================

--- Whether the tables are there.
---@return boolean
function Sqlite:hasTables()
  return self:first("SELECT 1 FROM sqlite_master WHERE name = 'run'") ~= nil
end

--- Makes the tables, in the transaction of a plan.
function Sqlite:makeTables()
  self:run("PRAGMA application_id = " .. APPLICATION)
  for _, sql in ipairs(TABLES) do self:run(sql) end
end

--- Lets one process plan at a time: here the transaction is enough.
function Sqlite.lockPlan() end

--- Puts the ids that stand in the list more than once into a temporary table `repeated (id)`.
---@return boolean whether there are any
function Sqlite:findRepeated()
  self:run("CREATE TEMP TABLE repeated (id TEXT PRIMARY KEY) WITHOUT ROWID")
  self:run [[INSERT INTO repeated SELECT i.value FROM lists l JOIN json_each(l.ids) i
    GROUP BY i.value HAVING count(*) > 1]]
  return self:first("SELECT 1 FROM repeated LIMIT 1") ~= nil
end

-- ==== Batches ========================================================================================================

--- Begins a run: from here on, each batch that is not done is claimed once.
function Sqlite:start()
  self.isOpen, self.position = false, 0
end

-- The next batch behind the position: those in doubt first, then those that were never sent.
local function nextBatch(self)
  local states = self.isOpen and "'open'" or "'partial', 'sent', 'again'"
  local first, state = self:first(([[SELECT first, state FROM batches WHERE first > %d AND state IN (%s)
    ORDER BY first LIMIT 1]]):format(self.position, states))
  if first or self.isOpen then return first, state end
  self.isOpen, self.position = true, 0
  return nextBatch(self)
end

local function mark(self, first, state)
  self:run(("UPDATE batches SET state = '%s' WHERE first = %d"):format(state, first))
end

--- Marks the next batch as sent, in a transaction of its own, for its entries may be sent from now on.
---@return integer? first the batch; nil where there is none
---@return string? state that it had
---@return string? ids JSON
---@return string? bills
---@return string? notes
function Sqlite:claim()
  local first, state = nextBatch(self)
  if not first then return nil end
  if SENT[state] then mark(self, first, SENT[state]) end
  self.position = first
  return first, state, select(2, self:first("SELECT first, ids, bills, notes FROM lists WHERE first = " .. first))
end

--- Whether a claimed batch is still this run's.
---@return boolean
function Sqlite.renew() return true end

--- Writes the state of a claimed batch.
---@param first integer
---@param state string
---@return boolean whether it was still this run's
function Sqlite:settle(first, state)
  mark(self, first, state)
  return true
end

--- How long until batches of others may come back: there are no others.
---@return number? seconds
function Sqlite.pending() return nil end

-- ==== Opening ========================================================================================================

-- A relative path is none of SQLite's own names (":memory:", "file:…").
local function pathOf(name)
  return name:find("^[/.]") and name or "./" .. name
end

local function connect(self, path)
  local connection, problem = self.environment:connect(path)
  if not connection then failure.raise(self.name, session.problem(problem)) end
  return connection
end

-- A transaction that lasts as long as the run, and is never committed. It writes, for of a file that can only be read
-- SQLite locks nothing; and without a journal, for it would be left behind.
local LOCK = { "PRAGMA journal_mode = MEMORY", "BEGIN EXCLUSIVE", "PRAGMA user_version = 1" }

-- Takes the ledger for this process alone. The file is known by its own name, whatever links lead to it.
local function lock(self)
  local _, _, path = self:first("PRAGMA database_list")
  self.lock = connect(self, path .. ".lock")
  for _, sql in ipairs(LOCK) do
    local result, problem = self.lock:execute(sql)
    if type(result) == "userdata" then result:close() end
    if not result and problem:find("locked", 1, true) then failure.raise(self.name, "another run has it", "locked") end
    if not result then failure.raise(self.name, session.problem(problem)) end
  end
end

-- The last three find out whether it can be written, and write nothing.
local WORK = { "PRAGMA journal_mode = WAL", "BEGIN IMMEDIATE", "PRAGMA user_version = 1", "ROLLBACK" }

-- Sees whether the file is a ledger, and can be worked on.
local function prepare(self, options)
  self:run("PRAGMA busy_timeout = " .. PATIENCE)
  self:run("PRAGMA synchronous = FULL")
  if self:first("SELECT 1 FROM sqlite_master") and self:first("PRAGMA application_id") ~= APPLICATION then
    failure.raise(self.name, "it is a database of something else")
  end
  if not options.exclusive then return end
  for _, sql in ipairs(WORK) do self:run(sql) end
end

-- ENOENT.
local MISSING <const> = 2

-- Whether there is such a file: it is given its own name. To open and close it would release the locks that SQLite has
-- on it for another connection of this process.
local function exists(path)
  local _, _, number = os.rename(path, path)
  return number ~= MISSING
end

local function open(self, path, options)
  if not options.create and not exists(path) then failure.raise(self.name, "there is no such file") end
  self.connection = connect(self, path)
  if options.exclusive then lock(self) end
  prepare(self, options)
end

--- Opens a ledger. Raises its failure.
---@param name string path of the file
---@param options {create: boolean?, exclusive: boolean?}
---@return cloudblue.connect.closing.ledger.Sqlite
function sqlite.open(name, options)
  local luasql, missing = library.load("luasql.sqlite3")
  if not luasql then failure.raise(name, missing) end
  local self = setmetatable({ name = name, environment = luasql.sqlite3() }, Sqlite)
  local opened, problem = pcall(open, self, pathOf(name), options)
  if opened then return self end
  self:close()
  error(problem, 0)
end

-- One that is closed already, or whose query is still read, closes when it is collected.
local function close(object)
  if object then pcall(object.close, object) end
end

--- Ends the connections, the one that holds the lock last.
function Sqlite:close()
  close(self.connection)
  close(self.lock)
  close(self.environment)
end

return sqlite
