--- The port of the sandbox: it accepts connections, and holds what their requests work on.

local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local sockets = require "cqueues.socket"
local errno = require "cqueues.errno"
local connection = require "cloudblue.connect.sandbox.http.connection"
local exchange = require "cloudblue.connect.sandbox.http.exchange"
local Log = require "cloudblue.connect.sandbox.http.log"
local misdelivery = require "cloudblue.connect.sandbox.http.misdelivery"
local reset = require "cloudblue.connect.sandbox.http.reset"
local Script = require "cloudblue.connect.sandbox.http.script"

local Server = {}
Server.__index = Server

--- Makes a server; it does not listen yet.
---@param options table complete options, see options.lua
---@param queue table the cqueues controller that runs it
---@param api table what it serves: {routes=, media=, closeAs=, open=}, see api.lua
---@return table server
function Server.new(options, queue, api)
  local self = setmetatable({ options = options, queue = queue, api = api, wake = condition.new() }, Server)
  self:reset()
  return self
end

--- Puts the data and the script of faults back to what it was at the start and forgets what was received.
function Server:reset()
  self.store = self.api.open(self.options)
  self.script = Script.new(self.options.faults)
  self.log = Log.new(self.options.requestLog)
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
    self.script = Script.new(given.faults)
  end
  if self.script.resets then
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
      local number, rule = self.connections, self.script:atConnect()
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

--- Serves a connection.
---@param socket table
---@param number integer of the connection
function Server:serve(socket, number)
  connection.serve(socket, self.options.keepAlive, function(stream)
    return exchange.run(self, stream, number)
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

return Server
