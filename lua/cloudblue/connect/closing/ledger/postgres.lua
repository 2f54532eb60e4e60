--- A ledger in PostgreSQL: many workers, on many machines, share a list.
---
--- A worker claims a batch with a lease. One that is dead, or too slow, loses it: another worker takes the batch over
--- when the lease has ended, reads each of its records, and sends what it finds open. The first worker, should it live,
--- finds that the batch is not its own any more: it sends no more of it, and what it knows of it is not written.
---
--- A list stands in a schema of its own. The part of the name behind `#` says which:
--- `postgres://host/database#january`.

local core = require "cloudblue.connect.core"
local failure = require "cloudblue.connect.closing.ledger.failure"
local library = require "cloudblue.connect.closing.ledger.library"
local session = require "cloudblue.connect.closing.ledger.session"
local values = require "cloudblue.connect.closing.ledger.values"

local postgres = {}

local SCHEMA <const> = "connect_usage"

-- Bytes of a schema's name; PostgreSQL leaves out what is behind them (NAMEDATALEN).
local LONGEST <const> = 63

-- Seconds that a batch is a worker's, unless it is said otherwise.
local LEASE <const> = 600

-- Seconds after which a worker that has nothing to do looks again.
local LOOK_AGAIN <const> = 1

-- The part of a lease after which it is renewed.
local FRESH <const> = 0.1

-- See `closing/ledger.lua`. In `lease` stands when a batch that is sent may be taken over, and when one that is partial
-- was settled.
local TABLES = {
  [[CREATE TABLE run (endpoint text NOT NULL, account text NOT NULL, list text NOT NULL, total bigint NOT NULL,
    repeated bigint NOT NULL, created text NOT NULL)]],
  "CREATE TABLE lists (first bigint PRIMARY KEY, ids text NOT NULL, bills text, notes text)",
  [[CREATE TABLE batches (first bigint PRIMARY KEY, count integer NOT NULL, state text NOT NULL DEFAULT 'open',
    worker text, lease timestamptz)]],
  "CREATE INDEX batches_open ON batches (first) WHERE state = 'open'",
  "CREATE INDEX batches_left ON batches (first) WHERE state IN ('partial', 'sent', 'again')",
  "CREATE TABLE outcomes (seq bigint PRIMARY KEY, outcome text NOT NULL, message text)",
  [[CREATE VIEW entries AS
    SELECT b.first + i.place - 1 AS seq, i.id, l.bills::json ->> (i.place - 1)::int AS external_billing_id,
      l.notes::json ->> (i.place - 1)::int AS external_billing_note,
      coalesce(o.outcome, CASE WHEN b.state IN ('open', 'sent') THEN b.state ELSE 'closed' END) AS outcome, o.message
    FROM batches b JOIN lists l ON l.first = b.first
      CROSS JOIN LATERAL json_array_elements_text(l.ids::json) WITH ORDINALITY AS i (id, place)
      LEFT JOIN outcomes o ON o.seq = b.first + i.place - 1]],
}

---@class cloudblue.connect.closing.ledger.Postgres: cloudblue.connect.closing.ledger.Session
---@field isShared boolean whether other processes may work on the list
---@field claimsAhead boolean a batch is claimed when it is needed, for others may have nothing to do
---@field schema string
---@field worker string whose batches are this run's
---@field lease number seconds
---@field renewed table<integer, number> claimed batch -> when its lease began, by this machine's clock
---@field looked number when batches in doubt were looked for
local Postgres = setmetatable({
  isShared = true, claimsAhead = false, begin = "BEGIN", look = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
}, session.Session)
Postgres.__index = Postgres

-- ==== A list =========================================================================================================

--- Whether the tables are there. Not by to_regclass, which in a transaction does not see a schema that another one has
--- made since this one began.
---@return boolean
function Postgres:hasTables()
  return self:first(("SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = 'run'"):format(
    values.quote(self.schema))) ~= nil
end

local function identifier(text) return '"' .. text:gsub('"', '""') .. '"' end

--- Makes the tables, in the transaction of a plan.
function Postgres:makeTables()
  if not self:first("SELECT 1 FROM pg_namespace WHERE nspname = " .. values.quote(self.schema)) then
    self:run("CREATE SCHEMA " .. identifier(self.schema))
  end
  for _, sql in ipairs(TABLES) do self:run(sql) end
end

--- Lets one process plan at a time; the others wait until its transaction ends.
function Postgres:lockPlan()
  self:run(("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"):format(
    values.quote("cloudblue.connect.closing.ledger " .. self.schema)))
end

--- Puts the ids that stand in the list more than once into a temporary table `repeated (id)`.
---@return boolean whether there are any
function Postgres:findRepeated()
  self:run [[CREATE TEMP TABLE repeated AS SELECT i.id
    FROM lists l CROSS JOIN LATERAL json_array_elements_text(l.ids::json) AS i (id) GROUP BY i.id HAVING count(*) > 1]]
  return self:first("SELECT 1 FROM repeated LIMIT 1") ~= nil
end

-- ==== Batches ========================================================================================================

--- Begins a run, as a worker of its own. Batches that were settled before it, and have entries without a final outcome,
--- are claimed again.
function Postgres:start()
  self.worker, self.began = self:first("SELECT gen_random_uuid(), clock_timestamp()")
  self.looked, self.renewed = -math.huge, {}
end

-- Claims a batch of which the condition is true, which no other worker is about to claim.
local function claimOne(self, condition)
  return self:first(([[WITH c AS (SELECT first, state FROM batches WHERE %s ORDER BY first LIMIT 1
      FOR UPDATE SKIP LOCKED)
    UPDATE batches b SET state = CASE c.state WHEN 'open' THEN 'sent' WHEN 'partial' THEN 'again' ELSE c.state END,
      worker = '%s', lease = clock_timestamp() + make_interval(secs => %s)
    FROM c JOIN lists l ON l.first = c.first WHERE b.first = c.first
    RETURNING c.first, c.state, l.ids, l.bills, l.notes]]):format(condition, self.worker, self.lease))
end

-- Those that were sent by another worker whose lease has ended, and those that an earlier run left.
local function claimDoubtful(self)
  self.looked = core.now()
  return claimOne(self, ([[(state IN ('sent', 'again') AND lease < clock_timestamp() AND worker <> '%s'
    OR state = 'partial' AND lease < timestamptz '%s')]]):format(self.worker, self.began))
end

local function claimAny(self)
  if core.now() - self.looked >= LOOK_AGAIN then
    local row = table.pack(claimDoubtful(self))
    if row[1] then
      -- There may be more of them.
      self.looked = -math.huge
      return table.unpack(row, 1, row.n)
    end
  end
  local row = table.pack(claimOne(self, "state = 'open'"))
  if row[1] then return table.unpack(row, 1, row.n) end
  return claimDoubtful(self)
end

--- Marks the next batch as sent by this worker, for its entries may be sent from now on.
---@return string? first the batch; nil where there is none
---@return string? state that it had
---@return string? ids JSON
---@return string? bills
---@return string? notes
function Postgres:claim()
  local row = table.pack(claimAny(self))
  if row[1] then self.renewed[values.integer(row[1])] = core.now() end
  return table.unpack(row, 1, row.n)
end

-- The condition that a batch is still this worker's.
local function own(self, first)
  return ("first = %d AND worker = '%s' AND state IN ('sent', 'again')"):format(first, self.worker)
end

--- Whether a claimed batch is still this worker's; its lease begins anew.
---@param first integer
---@return boolean
function Postgres:renew(first)
  local now, renewed = core.now(), self.renewed[first]
  if renewed and now - renewed < FRESH * self.lease then return true end
  local isOwn = self:run(("UPDATE batches SET lease = clock_timestamp() + make_interval(secs => %s) WHERE %s"):format(
    self.lease, own(self, first))) == 1
  self.renewed[first] = isOwn and now or nil
  return isOwn
end

--- Writes the state of a claimed batch.
---@param first integer
---@param state string
---@return boolean whether it was still this worker's
function Postgres:settle(first, state)
  self.renewed[first] = nil
  return self:run(("UPDATE batches SET state = '%s', worker = NULL, lease = clock_timestamp() WHERE %s"):format(
    state, own(self, first))) == 1
end

--- How long until batches of others may come back.
---@return number? seconds nil where the others have none
function Postgres:pending()
  local seconds = self:first(([[SELECT extract(epoch FROM min(lease) - clock_timestamp()) FROM batches
    WHERE state IN ('sent', 'again') AND worker <> '%s']]):format(self.worker))
  return seconds and math.min(math.max(tonumber(seconds), 0.01), LOOK_AGAIN)
end

-- ==== Opening ========================================================================================================

local SETTINGS = {
  "SET client_encoding = 'UTF8'", "SET standard_conforming_strings = on", "SET synchronous_commit = on",
  "SET default_transaction_isolation = 'read committed'",
}

-- What libpq says of a URI that it can't read quotes a part of it, perhaps of the password.
local function withoutQuotes(problem, name)
  return (problem:gsub('"([^"]*)"', function(quoted)
    if quoted ~= "" and name:find(quoted, 1, true) and not failure.shown(name):find(quoted, 1, true) then
      return '"***"'
    end
  end))
end

local function open(self, uri, name)
  local connection, problem = self.environment:connect(uri)
  if not connection then failure.raise(self.name, withoutQuotes(session.problem(problem), name)) end
  self.connection = connection
  for _, sql in ipairs(SETTINGS) do self:run(sql) end
  self:run("SET search_path TO " .. identifier(self.schema))
end

--- Opens a ledger. Raises its failure.
---@param name string a URI as libpq takes it, and perhaps `#` and a schema
---@param options {lease: number?}
---@return cloudblue.connect.closing.ledger.Postgres
function postgres.open(name, options)
  local luasql, missing = library.load("luasql.postgres")
  local shown = failure.shown(name)
  if not luasql then failure.raise(shown, missing) end
  local uri, schema = name:match("^([^#]*)#?(.*)$")
  if #schema > LONGEST then
    failure.raise(shown, ("the part behind '#' is longer than %d bytes"):format(LONGEST), "name")
  end
  local self = setmetatable({
    name = shown, schema = schema ~= "" and schema or SCHEMA, lease = options.lease or LEASE,
    environment = luasql.postgres(),
  }, Postgres)
  local opened, problem = pcall(open, self, uri, name)
  if opened then return self end
  self:close()
  error(problem, 0)
end

--- Ends the connection.
function Postgres:close()
  if self.connection then pcall(self.connection.close, self.connection) end
  pcall(self.environment.close, self.environment)
end

return postgres
