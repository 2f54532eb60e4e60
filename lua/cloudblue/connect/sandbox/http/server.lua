--- The HTTP side of the sandbox, on lua-http's connections: it accepts, reads requests, checks the
--- key, finds the route, calls the handler, and remembers what was received.

local connections = require "http.h1_connection"
local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local sockets = require "cqueues.socket"
local errno = require "cqueues.errno"
local delivery = require "cloudblue.connect.sandbox.http.delivery"
local faults = require "cloudblue.connect.sandbox.http.faults"
local misdelivery = require "cloudblue.connect.sandbox.http.misdelivery"
local reply = require "cloudblue.connect.sandbox.http.reply"
local requests = require "cloudblue.connect.sandbox.http.request"
local reset = require "cloudblue.connect.sandbox.http.reset"
local router = require "cloudblue.connect.sandbox.http.router"
local routes = require "cloudblue.connect.sandbox.api.routes"
local Store = require "cloudblue.connect.sandbox.data.store"
local uploads = require "cloudblue.connect.sandbox.http.upload"

--- The path that all routes of the API are under.
local PREFIX = "/public/v1"

--- Longest line of a head: a filter may name a thousand ids.
local MAX_LINE = 1024 * 1024

--- Most bytes of a body that are taken at once.
local MAX_PIECE = 64 * 1024

local SUBJECTS = {
  records = require "cloudblue.connect.sandbox.api.records",
  chunks = require "cloudblue.connect.sandbox.api.chunks",
  files = require "cloudblue.connect.sandbox.api.files",
  reconciliations = require "cloudblue.connect.sandbox.api.reconciliations",
  aggregates = require "cloudblue.connect.sandbox.api.aggregates",
  rules = require "cloudblue.connect.sandbox.api.rules",
  media = require "cloudblue.connect.sandbox.api.media",
}

local Server = {}
Server.__index = Server

--- Makes a server; it does not listen yet.
---@param options table complete options, see options.lua
---@param queue table the cqueues controller that runs it
---@return table server
function Server.new(options, queue)
  local self = setmetatable({
    options = options,
    queue = queue,
    routes = router.build(routes.api),
    media = router.build(routes.media),
    wake = condition.new(),
  }, Server)
  self:reset()
  return self
end

--- Puts the data and the script of faults back to what it was at the start and forgets what was received.
function Server:reset()
  self.store = Store.new(self.options)
  self.faults = faults.new(self.options.faults)
  self.requests = { first = 1, last = 0 }
  self.connections = 0
  self.problems = {}
  self.wake:signal()
  self:reopen()
end

--- Changes options while the server runs.
---@param given table<string, any> checked already, see options.lua
---@return true|nil ok
---@return string? problem
function Server:configure(given)
  for name, value in pairs(given) do
    if name ~= "listening" then
      self.options[name] = value
    end
  end
  self.wake:signal()
  if given.faults then
    self.faults = faults.new(given.faults)
  end
  if self.faults.resets then
    local ready, problem = reset.prepare()
    if not ready then
      return nil, problem
    end
  end
  self:reopen()
  if given.listening == false then
    self:deafen()
  elseif given.listening and not self.listener then
    local port, problem = self:listen()
    return port and true, problem
  end
  return true
end

--- Opens the port.
---@return integer|nil port
---@return string? problem
function Server:listen()
  local port = self.port or self.options.port
  local listener = sockets.listen { host = self.options.host, port = port, reuseaddr = true, nodelay = true }
  listener:onerror(function(_, _, why)
    return why
  end)
  local ok, why = listener:listen(5)
  if not ok then
    listener:close()
    return nil, string.format("can't listen on %s port %d: %s", self.options.host, port, errno.strerror(why))
  end
  local _, _, bound = listener:localname()
  self.port = bound
  self.listener = listener
  self.queue:wrap(function()
    self:accept(listener)
  end)
  return bound
end

--- Closes the port. Connections that are open stay open; new ones are refused by the system.
function Server:deafen()
  if self.listener then
    cqueues.cancel(self.listener:pollfd())
    self.listener:close()
    self.listener = nil
  end
end

--- Accepts connections until the port is closed.
---@param listener table
function Server:accept(listener)
  while self.listener == listener do
    local socket = listener:accept({ nodelay = true }, 0)
    if socket then
      self.connections = self.connections + 1
      local number, rule = self.connections, self.faults:atConnect()
      self.queue:wrap(function()
        if rule then
          self:turnAway(socket, rule)
        else
          self:serve(socket, number)
        end
      end)
    elseif self.listener == listener then
      cqueues.poll(listener)
    end
  end
end

--- Opens the port again if a fault has closed it.
function Server:reopen()
  if self.closed then
    self.closed = nil
    local port, problem = self:listen()
    self.problems[#self.problems + 1] = not port and problem or nil
  end
end

--- Closes the port for a while, at most until the next reset or configure.
---@param seconds number?
function Server:closeFor(seconds)
  if not seconds or seconds == 0 or not self.listener then
    return
  end
  self:deafen()
  local closed = {}
  self.closed = closed
  self.queue:wrap(function()
    cqueues.sleep(seconds)
    if self.closed == closed then
      self:reopen()
    end
  end)
end

--- Does what a rule for connections says: nothing is read.
---@param socket table
---@param rule table
function Server:turnAway(socket, rule)
  if rule.fault == "refuse" then
    reset.close(socket)
    self:closeFor(rule.seconds)
  else
    misdelivery.wait(socket, self.wake, rule.seconds)
    socket:close()
  end
end

--- Makes a connection that differs from lua-http's in two things.
local function newConnection(socket)
  local connection = connections.new(socket, "server", 1.1)
  -- lua-http shuts the reading side down as soon as a request with "Connection: close" is whole, and
  -- then nobody would see that the client goes away.
  function connection:shutdown(direction)
    return direction == "r" or connections.methods.shutdown(self, direction)
  end
  -- It reads as much as the client can send before it hands a piece of a body on: that may be 100 MB.
  function connection:read_body_by_length(length, timeout)
    return connections.methods.read_body_by_length(self, math.max(length, -MAX_PIECE), timeout)
  end
  return connection
end

--- Serves the requests of one connection, one after another.
---@param socket table
---@param number integer of the connection
function Server:serve(socket, number)
  socket:setmaxline(MAX_LINE)
  local connection = newConnection(socket)
  while true do
    local stream = connection:get_next_incoming_stream(self.options.keepAlive)
    if not stream then
      break
    elseif not self:exchange(stream, number) then
      return
    end
    stream:shutdown()
    if stream.close_when_done then
      break
    end
  end
  connection:close()
end

--- Remembers a request. The oldest is forgotten when there are more than the option `requestLog`.
---@param request table
---@param number integer of the connection
---@return table entry
function Server:remember(request, number)
  local log = self.requests
  log.last = log.last + 1
  local entry = {
    seq = log.last,
    method = request.method,
    path = request.target,
    headers = request.headers,
    order = request.order,
    body = "",
    connection = number,
  }
  log[log.last] = entry
  if log.last - log.first >= self.options.requestLog then
    log[log.first] = nil
    log.first = log.first + 1
  end
  return entry
end

local function methodsOf(rows)
  local methods = {}
  for method in pairs(rows) do
    methods[#methods + 1] = method
  end
  table.sort(methods)
  return table.concat(methods, ", ")
end

--- Finds what is to be done with a request: the row of the route table, or a refusal.
---@param request table gets row, parameters and route
---@return table? refusal
function Server:find(request)
  local tree, path = self.media, request.path
  if not path:find("^/media/") then
    if request.headers.authorization ~= self.options.apiKey then
      return reply.unauthorized("The Authorization header doesn't hold the API key")
    end
    tree, path = self.routes, path:match("^" .. PREFIX .. "(/.*)$") or ""
  end
  local row, found = router.find(tree, request.method, path)
  if row then
    request.row, request.parameters, request.route = row, found, row.method .. " " .. row.path
    return nil
  elseif not found then
    return reply.noRoute("There is nothing at " .. request.path)
  end
  local allowed = methodsOf(found)
  local message = string.format("%s is not among the methods here: %s", request.method, allowed)
  return reply.noMethod(message, { allow = allowed })
end

--- Calls the handler of a request. An error in a handler is the sandbox's own and is answered with 500.
---@param request table
---@param store table? what it works on: the sandbox's own data when nil
---@return table reply
function Server:handle(request, store)
  local handler = SUBJECTS[request.row.subject][request.row.handler]
  local ok, answer = xpcall(handler, debug.traceback, store or self.store, request)
  if ok then
    return answer
  end
  self.problems[#self.problems + 1] = answer
  return reply.broken("The sandbox failed: " .. tostring(answer))
end

--- Reads the body of a request into request.body or request.parts.
---@param stream table http.h1_stream
---@param request table
---@param entry table the request's entry in the log
---@return boolean whole false when the client went away
---@return table? refusal
function Server:receive(stream, request, entry)
  local kept, length = {}, 0
  local function keep(bytes)
    if length < self.options.bodyLog then
      kept[#kept + 1] = bytes:sub(1, self.options.bodyLog - length)
      length = length + #kept[#kept]
    end
  end
  local body, refusal
  if request.row and request.row.upload then
    body, refusal = uploads.read(stream, request.headers["content-type"], keep)
    request.parts = body
  else
    body, refusal = requests.readBody(stream, keep)
    request.body = body
  end
  entry.body = table.concat(kept)
  -- lua-http says the same at the end of a body and where a client breaks it off.
  local whole = stream.state ~= "open" and stream.state ~= "half closed (local)"
  return whole and (body or refusal) ~= nil, refusal
end

--- Somebody else is quicker: what the path names is closed under another billing id.
---@param request table
---@param billingId string
function Server:closeAs(request, billingId)
  local value = { external_billing_id = billingId }
  local id = request.parameters and request.parameters.id or ""
  if self.store.records:get(id) then
    SUBJECTS.records.closeOne(self.store, "somebody else", id, value)
  elseif self.store.chunks:get(id) then
    SUBJECTS.chunks.closeOne(self.store, "somebody else", self.store.chunks:get(id), value)
  end
end

--- Waits; gives false when the data was reset meanwhile: a late request must not reach the next test.
---@param seconds number
---@return boolean
function Server:delayed(seconds)
  local store = self.store
  cqueues.sleep(seconds)
  return store == self.store
end

--- Does what a rule for requests says with a request that was read.
---@param stream table
---@param request table
---@param rule table
---@param entry table the request's entry in the log
---@param refusal table? the reply, where it is known already
---@return boolean alive
function Server:fail(stream, request, rule, entry, refusal)
  if rule.closeAs then
    self:closeAs(request, rule.closeAs)
  end
  if rule.fault == "delay" and not self:delayed(rule.seconds or 0) then
    return misdelivery.cut(stream, false)
  end
  local answer
  if rule.applied then
    answer = refusal or self:handle(request)
  elseif rule.replies then
    answer = refusal or self:handle(request, self.store:copy())
  end
  entry.applied = rule.applied and answer.refused == nil
  if rule.fault == "delay" then
    entry.status = answer.status
    return delivery.send(stream, answer) or true
  end
  entry.status = rule.status or not rule.resets and rule.replies and answer.status or nil
  return misdelivery[rule.fault]({ stream = stream, wake = self.wake }, rule, answer)
end

--- Prints what came of a request. Its path may hold any bytes: a terminal gets none that it obeys.
---@param entry table the request's entry in the log
function Server:tell(entry)
  if self.options.verbose then
    local path = entry.path:gsub("[^\33-\126]", function(byte)
      return string.format("\\x%02X", byte:byte())
    end)
    local fault = entry.fault and ", " .. entry.fault or ""
    io.stdout:write(string.format("%s %s: %s%s\n", entry.method, path, entry.status or "no status", fault))
    io.stdout:flush()
  end
end

--- Reads one request and answers it.
---@param stream table http.h1_stream
---@param number integer of the connection
---@return boolean alive false when the connection is gone
function Server:exchange(stream, number)
  local headers, _, why = stream:get_headers()
  if not headers then
    return (why == errno.EILSEQ and misdelivery.unreadable or misdelivery.cut)(stream)
  end
  local request = requests.new(headers)
  local entry = self:remember(request, number)
  local alive = self:answer(stream, request, entry)
  self:tell(entry)
  return alive
end

--- Answers a request whose head was read, as it should be or as the script of faults says.
---@param stream table http.h1_stream
---@param request table
---@param entry table its entry in the log
---@return boolean alive
function Server:answer(stream, request, entry)
  local rule = self.faults:atRequest(request.method, request.path:match("^" .. PREFIX .. "(/.*)$") or request.path)
  entry.fault = rule and rule.fault
  if rule and rule.fault == "refuse" then
    self:closeFor(rule.seconds)
    return misdelivery.cut(stream, true)
  elseif request.headers.expect then
    stream:write_continue()
  end
  local refusal = self:find(request)
  local whole, unreadable = self:receive(stream, request, entry)
  if not whole then
    return misdelivery.cut(stream)
  elseif rule then
    return self:fail(stream, request, rule, entry, refusal or unreadable)
  end
  local answer = refusal or unreadable or self:handle(request)
  entry.status = answer.status
  return delivery.send(stream, answer) or true
end

return Server
