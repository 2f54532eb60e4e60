--- A PostgreSQL of its own for a spec: a cluster in a temporary folder, reached by a socket there, and gone with it.
---
---     local server <close> = postgres.start()
---     server:uri("january")          -- "postgres:///postgres?host=/tmp/…&user=postgres#january"

local folders = require "spec.support.folder"

local postgres = {}

---@class PostgresServer
---@field folder Folder
local Server = {}
Server.__index = Server

local function outputOf(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read("a"):gsub("%s+$", ""))
end

-- The newest programs of the server that are installed, as Debian lays them out; else those in the path.
local function programs()
  local newest = outputOf("ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1")
  return newest ~= "" and newest or outputOf("pg_config --bindir")
end

-- The server refuses to run as root.
local function asSomebodyElse(command)
  if outputOf("id -u") ~= "0" then return command end
  return ("setpriv --reuid=nobody --regid=%s --clear-groups %s"):format(outputOf("id -g nobody"), command)
end

local function run(self, program, arguments)
  local command = ("cd / && %s > '%s' 2>&1"):format(
    asSomebodyElse(("'%s/%s' %s"):format(self.programs, program, arguments)), self.folder:path("output"))
  assert(os.execute(command), self.folder:read("output"))
end

--- Starts one, and waits until it can be reached.
---@return PostgresServer
function postgres.start()
  local self = setmetatable({ folder = folders.make(), programs = programs() }, Server)
  local root = self.folder.root
  if outputOf("id -u") == "0" then assert(os.execute(("chown nobody '%s'"):format(root))) end
  run(self, "initdb", ("-D '%s/data' -A trust -U postgres --no-sync"):format(root))
  self:resume()
  return self
end

--- Starts it again after `halt`.
function Server:resume()
  local root = self.folder.root
  run(self, "pg_ctl", ([[-D '%s/data' -w -l '%s/log' -o "-c listen_addresses='' -c fsync=off \
    -c unix_socket_directories='%s'" start]]):format(root, root, root))
end

--- Stops it as a crash does: connections break.
function Server:halt()
  run(self, "pg_ctl", ("-D '%s/data' -w -m immediate stop"):format(self.folder.root))
end

--- The name of a ledger in it.
---@param schema string? the default one
---@return string
function Server:uri(schema)
  return ("postgres:///postgres?host=%s&user=postgres%s"):format(self.folder.root, schema and "#" .. schema or "")
end

function Server:stop()
  self:halt()
  self.folder:stop()
end

Server.__close = Server.stop

return postgres
