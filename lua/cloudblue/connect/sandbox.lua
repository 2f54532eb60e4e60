--- A local CloudBlue Connect: the usage part of its API on a port of this machine, with its data in
--- memory. Made for testing automation against it, without an account and without a network.
---
--- The server runs in a thread with a Lua state of its own, so that a client may block in this one.
--- What the sandbox does where the API's description is silent is written in docs/sandbox.md.

local control = require "cloudblue.connect.sandbox.control"
local json = require "cloudblue.connect.sandbox.json"
local libraries = require "cloudblue.connect.sandbox.libraries"
local options = require "cloudblue.connect.sandbox.options"
local cqueues = require "cqueues"
local condition = require "cqueues.condition"
local threads = require "cqueues.thread"

local sandbox = {}

---@class Sandbox
---@field endpoint string "http://127.0.0.1:PORT/public/v1", for ConnectClient
---@field apiKey string the key, for ConnectClient
---@field host string
---@field port integer
local Sandbox = {}
Sandbox.__index = Sandbox
Sandbox.__name = "Sandbox"

--- The thread's main function. It is copied into the new Lua state, so it has no upvalues.
local function enter(socket, path, cpath, text)
  package.path, package.cpath = path, cpath
  require("cloudblue.connect.sandbox.thread").run(socket, text)
end

--- The address by which a client on this machine reaches a server: one that listens on all addresses is
--- reached by the loopback address.
local LOOPBACK = { ["0.0.0.0"] = "127.0.0.1", ["::"] = "[::1]" }

local function addressOf(host)
  return LOOPBACK[host] or host:find(":", 1, true) and "[" .. host .. "]" or host
end

--- What kept the thread from starting, in one line, and whether it is a library that is missing.
local function startProblem(thread, socket, first)
  local _, died = thread:join(5)
  socket:close()
  local missing = libraries.missing(died)
  return first and first.problem or missing or "the sandbox could not start: " .. tostring(died):match("^[^\n]*"),
    missing ~= nil
end

--- Starts a sandbox and waits until its port is open.
---@param given SandboxOptions? see sandbox/options.lua
---@return Sandbox|nil sandbox nil when the port can't be opened, or a library is missing
---@return string? problem why, in one line
---@return boolean? isMissing whether a library is missing
function sandbox.start(given)
  if given ~= nil and type(given) ~= "table" then
    error("bad argument #1 to 'start' (table expected, got " .. type(given) .. ")", 2)
  end
  local complete, wrong = options.complete(given or {})
  if not complete then
    error("bad argument #1 to 'start' (" .. wrong .. ")", 2)
  end
  local path = libraries.path(package.path)
  local thread, socket = threads.start(enter, path, package.cpath, json.encode(complete))
  local first = control.receive(control.open(socket))
  if not first or first.problem then
    return nil, startProblem(thread, socket, first)
  end
  local port = math.tointeger(first.port)
  return setmetatable({
    endpoint = string.format("http://%s:%d/public/v1", addressOf(complete.host), port),
    apiKey = complete.apiKey,
    host = complete.host,
    port = port,
    thread = thread,
    socket = socket,
    free = condition.new(),
  }, Sandbox)
end

--- Sends a question to the thread and waits for its answer. One at a time: coroutines of a cqueues
--- loop may share a sandbox.
local function ask(self, message)
  if self.stopped then
    error("the sandbox is stopped", 3)
  end
  while self.busy do
    self.free:wait()
  end
  self.busy = true
  local reply = control.send(self.socket, message) and control.receive(self.socket)
  self.busy = false
  self.free:signal(1)
  if not reply then
    local _, died = self.thread:join(1)
    error("the sandbox has died: " .. tostring(died), 3)
  elseif reply.problem then
    error(reply.problem, 3)
  end
  return json.native(reply.answer)
end

--- How many usage records there are by status.
---@return table<string, integer> counts {approved = 998, closed = 2}
function Sandbox:counts()
  return ask(self, { ask = "counts" })
end

--- A usage record as the API would show it (null members are absent).
---@param id string
---@return table? record
function Sandbox:record(id)
  return ask(self, { ask = "record", id = id })
end

--- A usage chunk as the API would show it.
---@param id string
---@return table? chunk
function Sandbox:chunk(id)
  return ask(self, { ask = "chunk", id = id })
end

--- A usage file as the API would show it.
---@param id string
---@return table? file
function Sandbox:file(id)
  return ask(self, { ask = "file", id = id })
end

--- What was uploaded for a usage file or a reconciliation: {part, filename, type, size, sha256}.
---@param id string of the usage file or the reconciliation
---@param name ("usage"|"reconciliation")? which of a usage file's two uploads ("usage", if it is there)
---@return table? upload
function Sandbox:upload(id, name)
  return ask(self, { ask = "upload", id = id, name = name })
end

--- The size and the digest of the download of a chunk, of the processed file of a reconciliation, or of a
--- product's template: {size, sha256}.
---@param id string of the chunk, reconciliation or product
---@return table download
function Sandbox:download(id)
  return ask(self, { ask = "download", id = id })
end

--- Every request that was received, in order: {seq, method, path, headers, order, body, connection,
--- status}. `path` is the request target as it came, query included; `headers` has lower-case names,
--- `order` is the list of {name, value} in the order received; `body` its bytes (at most the option
--- `bodyLog`); `status` that of the reply. The newest `requestLog` requests are kept.
---@param start integer? the first seq wanted
---@return table[] requests
function Sandbox:requests(start)
  return ask(self, { ask = "requests", start = start })
end

--- What was applied, in order: {seq, action, kind, id, route, ...}; a close has external_billing_id
--- and external_billing_note besides. A request that was refused has no entry.
---@param start integer? the first seq wanted
---@return table[] journal
function Sandbox:journal(start)
  return ask(self, { ask = "journal", start = start })
end

--- How many connections were accepted since the start or the last reset.
---@return integer
function Sandbox:connections()
  return ask(self, { ask = "connections" })
end

--- What happened to each rule of the script of faults: {on, fault, matches, fired}.
---@return table[] rules
function Sandbox:faults()
  return ask(self, { ask = "faults" })
end

--- Errors of the sandbox itself (each was answered with 500). A test may assert that there are none.
---@return string[]
function Sandbox:problems()
  return ask(self, { ask = "problems" })
end

--- Puts all data back to what it was at the start; forgets requests, journal and connections.
function Sandbox:reset()
  ask(self, { ask = "reset" })
end

--- Changes options while the sandbox runs: apiKey, bulkRoute, faults, downloadBytes, uploadRecords,
--- uploadReads, and `listening` (false closes the port: connections are refused until it is true).
---@param given table<string, any>
function Sandbox:configure(given)
  if type(given) ~= "table" then
    error("bad argument #1 to 'configure' (table expected, got " .. type(given) .. ")", 2)
  end
  local ok, wrong = options.check(given, true)
  if not ok then
    error("bad argument #1 to 'configure' (" .. wrong .. ")", 2)
  end
  ask(self, { ask = "configure", options = given })
  self.apiKey = given.apiKey or self.apiKey
end

--- Stops the server and waits for its thread. Its connections are closed. May be called again.
function Sandbox:stop()
  if self.stopped then
    return
  end
  self.stopped = true
  control.send(self.socket, { ask = "stop" })
  self.thread:join(10)
  self.socket:close()
end

Sandbox.__close = Sandbox.stop

--- A collected sandbox stops as well. In a cqueues loop waiting means yielding, which a finalizer
--- can't; there the thread ends by itself, because its channel is closed.
function Sandbox:__gc()
  if not cqueues.running() then
    self:stop()
  elseif not self.stopped then
    self.stopped = true
    self.socket:close()
  end
end

function Sandbox:__tostring()
  return string.format("Sandbox (%s)", self.stopped and "stopped" or self.endpoint)
end

return sandbox
