--- A connection to a database, as both drivers have it: statements, queries and transactions. What goes wrong is raised
--- as a failure of the ledger.

local failure = require "cloudblue.connect.closing.ledger.failure"

---@class cloudblue.connect.closing.ledger.Session
---@field name string of the ledger, as it may be shown
---@field connection userdata LuaSQL's
---@field begin string the statement that begins a transaction
---@field look string the statement that begins one which sees one moment
local Session = {}
Session.__index = Session

local session = { Session = Session }

--- What a driver says of itself, without its name, in one line.
---@param problem any
---@return string
function session.problem(problem)
  return (tostring(problem):gsub("^LuaSQL: ?", ""):gsub("%s+", " "):gsub(" $", ""))
end

-- What LuaSQL returned; raises why it is nothing.
local function check(self, result, problem)
  if result == nil and problem ~= nil then failure.raise(self.name, session.problem(problem)) end
  return result
end

--- Carries out a statement. Rows that it returns are lost.
---@param sql string
---@return integer affected rows
function Session:run(sql)
  local result = check(self, self.connection:execute(sql))
  if type(result) ~= "userdata" then return result end
  check(self, result:fetch())
  pcall(result.close, result)
  return 0
end

--- The rows of a query. SQLite's are read one after the other, and begun twice: what has a long way to its first row
--- has it twice.
---@param sql string
---@return fun(): ... next the columns of the next row, of which the first is never null; nothing after the last
function Session:rows(sql)
  local cursor = check(self, self.connection:execute(sql))
  local function read(first, ...)
    if first == nil then check(self, nil, (...)) end
    return first, ...
  end
  return function() return read(cursor:fetch()) end
end

--- The columns of a query's first row; nothing where it has none.
---@param sql string
---@return any ... the first is never null
function Session:first(sql)
  local cursor = check(self, self.connection:execute(sql))
  local function finish(first, ...)
    if first == nil then check(self, nil, (...)) end
    -- After the last row SQLite's is closed already.
    pcall(cursor.close, cursor)
    return first, ...
  end
  return finish(cursor:fetch())
end

-- Ends a transaction. Where it is none any more (a statement failed, the connection is lost), nothing is to be ended.
local function rollBack(self) pcall(self.connection.execute, self.connection, "ROLLBACK") end

--- Runs a function in a transaction: all that it writes is there afterwards, or it raises and nothing is.
---@param fn function
---@param ... any its arguments
---@return any ... what it returns
function Session:transaction(fn, ...)
  self:run(self.begin)
  local results = table.pack(pcall(fn, ...))
  local done, problem = results[1], results[2]
  if done then done, problem = pcall(self.run, self, "COMMIT") end
  if done then return table.unpack(results, 2, results.n) end
  rollBack(self)
  error(problem, 0)
end

--- Runs a function that sees the database as it is at one moment.
---@param fn function
---@param ... any its arguments
---@return any ... what it returns
function Session:snapshot(fn, ...)
  self:run(self.look)
  local results = table.pack(pcall(fn, ...))
  rollBack(self)
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

return session
