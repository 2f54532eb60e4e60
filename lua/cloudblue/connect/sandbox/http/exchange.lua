--- One request and its reply: reads the request, finds its route, calls the handler and sends the reply, or
--- does what the script of faults says.

local cqueues = require "cqueues"
local errno = require "cqueues.errno"
local delivery = require "cloudblue.connect.sandbox.http.delivery"
local falsereply = require "cloudblue.connect.sandbox.http.falsereply"
local misdelivery = require "cloudblue.connect.sandbox.http.misdelivery"
local reply = require "cloudblue.connect.sandbox.http.reply"
local requests = require "cloudblue.connect.sandbox.http.request"
local router = require "cloudblue.connect.sandbox.http.router"
local uploads = require "cloudblue.connect.sandbox.http.upload"

--- The path that all routes of the API are under.
local PREFIX = "/public/v1"

---@class Exchange
---@field server table
---@field stream table http.h1_stream
---@field request table
---@field entry table its entry in the log
local Exchange = {}
Exchange.__index = Exchange

local function methodsOf(rows)
  local methods = {}
  for method in pairs(rows) do
    methods[#methods + 1] = method
  end
  table.sort(methods)
  return table.concat(methods, ", ")
end

--- The path of a request without the prefix of the API; nil where it is not under that.
local function apiPath(request)
  return request.path:match("^" .. PREFIX .. "(/.*)$")
end

--- Finds the row of the route table; returns a refusal where there is none.
---@return table? refusal
function Exchange:find()
  local request, api = self.request, self.server.api
  local tree, path = api.media, request.path
  if not path:find("^/media/") then
    if request.headers.authorization ~= self.server.options.apiKey then
      return reply.unauthorized("The Authorization header doesn't hold the API key")
    end
    tree, path = api.routes, apiPath(request) or ""
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

--- A function that keeps the first bytes of the request's body for the log.
local function keeper(limit)
  local kept, length = {}, 0
  return kept, function(bytes)
    if length < limit then
      kept[#kept + 1] = bytes:sub(1, limit - length)
      length = length + #kept[#kept]
    end
  end
end

--- Reads the body into request.body or request.parts.
---@return boolean whole false when the client went away
---@return table? refusal
function Exchange:receive()
  local stream, request = self.stream, self.request
  local kept, keep = keeper(self.server.options.bodyLog)
  local body, refusal
  if request.row and request.row.upload then
    body, refusal = uploads.read(stream, request.headers["content-type"], keep)
    request.parts = body
  else
    body, refusal = requests.readBody(stream, keep)
    request.body = body
  end
  self.entry.body = table.concat(kept)
  -- lua-http reports the end of a body and a client that broke off in the same way.
  local whole = stream.state ~= "open" and stream.state ~= "half closed (local)"
  return whole and (body or refusal) ~= nil, refusal
end

--- Calls the handler. An error in a handler is the sandbox's own and is answered with 500.
---@param store table what it works on
---@return table reply
function Exchange:handle(store)
  local ok, answer = xpcall(self.request.row.handle, debug.traceback, store, self.request)
  if ok then
    return answer
  end
  local problems = self.server.problems
  problems[#problems + 1] = answer
  return reply.broken("The sandbox failed: " .. tostring(answer))
end

--- Waits; returns false when the data was reset meanwhile: a late request must not reach the next test.
---@param seconds number
---@return boolean
function Exchange:delayed(seconds)
  local store = self.server.store
  cqueues.sleep(seconds)
  return store == self.server.store
end

--- The right reply: of a request that is applied, or else as if it were; nil where the fault needs none.
---@param rule table
---@param refusal table? the reply, where it is known already
---@return table? answer
function Exchange:outcome(rule, refusal)
  local store = self.server.store
  local answer
  if rule.applied then
    answer = refusal or self:handle(store)
  elseif rule.replies then
    answer = refusal or self:handle(store:copy())
  end
  self.entry.applied = rule.applied and answer.refused == nil
  return answer
end

--- Carries out the fault of a rule for a request that was read.
---@param rule table
---@param refusal table? the reply, where it is known already
---@return boolean alive
function Exchange:fail(rule, refusal)
  local stream, entry = self.stream, self.entry
  if rule.closeAs and self.request.row then
    self.server.api.closeAs(self.server.store, self.request, rule.closeAs)
  end
  if rule.fault == "delay" and not self:delayed(rule.seconds or 0) then
    return misdelivery.cut(stream, false)
  end
  local answer = self:outcome(rule, refusal)
  if rule.fault == "delay" then
    entry.status = answer.status
    return delivery.send(stream, answer) or true
  end
  entry.status = rule.status or not rule.resets and rule.replies and answer.status or nil
  if falsereply[rule.fault] then
    return delivery.send(stream, falsereply[rule.fault](rule, answer)) or misdelivery.cut(stream, false)
  end
  return misdelivery[rule.fault](stream, rule, answer, self.server.wake)
end

--- Answers the request, whose head was read.
---@return boolean alive
function Exchange:answer()
  local stream, entry, server = self.stream, self.entry, self.server
  local rule = server.script:atRequest(self.request.method, apiPath(self.request) or self.request.path)
  entry.fault = rule and rule.fault
  if rule and rule.fault == "refuse" then
    server:closeFor(rule.seconds)
    return misdelivery.cut(stream, true)
  elseif self.request.headers.expect then
    stream:write_continue()
  end
  local refusal = self:find()
  local whole, unreadable = self:receive()
  if not whole then
    return misdelivery.cut(stream)
  end
  refusal = refusal or unreadable
  if rule then
    return self:fail(rule, refusal)
  end
  local answer = refusal or self:handle(server.store)
  entry.status = answer.status
  return delivery.send(stream, answer) or true
end

--- Reads one request and answers it.
---@param server table see server.lua
---@param stream table http.h1_stream
---@param connection integer the number of its connection
---@return boolean alive false when the connection is gone
function Exchange.run(server, stream, connection)
  local headers, _, why = stream:get_headers()
  if not headers then
    return (why == errno.EILSEQ and misdelivery.unreadable or misdelivery.cut)(stream)
  end
  local request = requests.new(headers)
  local entry = server.log:add(request, connection)
  local self = setmetatable({ server = server, stream = stream, request = request, entry = entry }, Exchange)
  local alive = self:answer()
  if server.options.verbose then
    io.stdout:write(server.log.line(entry), "\n")
    io.stdout:flush()
  end
  return alive
end

return Exchange
