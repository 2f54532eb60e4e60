--- A service with scripted replies and a client of it, closed together, for the specs of the client.
---
---     local s <close> = service.answering { rawserver.reply(200, "{}") }
---     s.records:get("UR-1")
---     s:requests()[1].head         -- what the service received

local connect = require "cloudblue.connect"
local rawserver = require "spec.support.rawserver"

local service = {}

--- The key of every client made here. What must never be seen is `service.secret`.
service.secret = "s3cr3t-0f-the-specs"
service.key = "ApiKey SU-000-000-000:" .. service.secret

--- The bytes of a reply with JSON, or with whatever else the headers say.
service.reply = rawserver.reply

--- The reply to a close that succeeded.
---@param id string
---@param bill string? billing id; B-1 when nil
---@return string bytes
function service.closed(id, bill)
  return rawserver.reply(200, ('{"id":"%s","status":"closed","external_billing_id":"%s"}'):format(id, bill or "B-1"))
end

---@class Service
local Service = {}
Service.__index = Service

local function start(rawOptions, options)
  local raw = rawserver.start(rawOptions)
  local settings = { retries = 0 }
  for name, value in pairs(options or {}) do settings[name] = value end
  local base = settings.endpoint or raw.url .. "/public/v1"
  settings.endpoint = nil
  local client = connect.ConnectClient(base, service.key, settings)
  return setmetatable({
    raw = raw,
    client = client,
    records = client.usageRecords,
    chunks = client.usageChunks,
  }, Service)
end

--- A service that gives the n-th request the n-th of the replies, further ones the last.
---@param replies string[]|string
---@param options table? of the client; retries is 0 unless given
---@return Service
function service.answering(replies, options)
  return start({ replies = type(replies) == "string" and { replies } or replies }, options)
end

--- A service whose n-th connection runs the n-th script (see rawserver.lua).
---@param connections table[]
---@param options table? of the client
---@param tls table? certificate and key of the server
---@return Service
function service.scripted(connections, options, tls)
  return start({ connections = connections, tls = tls }, options)
end

--- Has a client read JSON texts, the n-th as the reply to its n-th request, all over one connection.
---@param texts string[]
---@return {value: any, failure: table?}[] read what became of each
function service.readEach(texts)
  local replies = {}
  for index, text in ipairs(texts) do replies[index] = rawserver.reply(200, text) end
  local s <close> = service.answering(replies)
  local read = {}
  for index = 1, #texts do
    local value, failure = s.client:request("GET", "/x")
    read[index] = { value = value, failure = failure }
  end
  return read
end

--- A service with a handler of its own (see rawserver.lua).
---@param rawOptions table
---@param options table? of the client; retries is 0 unless given
---@return Service
function service.handled(rawOptions, options)
  return start(rawOptions, options)
end

local function parse(text, at)
  local last = select(2, text:find("\r\n\r\n", at, true))
  if not last then return nil end
  local request = { head = text:sub(at, last), headers = {}, names = {} }
  request.method, request.target = request.head:match("^(%S+) (%S+) HTTP/1%.1\r\n")
  for name, value in request.head:gmatch("\r\n([^:\r\n]+): ?([^\r\n]*)") do
    request.headers[name:lower()] = value
    request.names[#request.names + 1] = name
  end
  local size = math.tointeger(request.headers["content-length"] or 0)
  request.body = text:sub(last + 1, last + size)
  return request, last + size + 1
end

--- The requests in the bytes that one connection received, in order: `method`, `target`, `headers` (names in lower
--- case), `names` (of the headers as sent), `head` (its bytes), `body`.
---@param bytes string
---@return table[]
function service.parse(bytes)
  local list, at = {}, 1
  while at <= #bytes do
    local request, next = parse(bytes, at)
    if not request then break end
    list[#list + 1] = request
    at = next
  end
  return list
end

--- The requests that the service received, connection after connection.
---@return table[]
function Service:requests()
  local list = {}
  for _, bytes in ipairs(self.raw:received()) do
    local some = service.parse(bytes)
    table.move(some, 1, #some, #list + 1, list)
  end
  return list
end

--- Closes the client and stops the service.
function Service:stop()
  self.client:close()
  self.raw:stop()
end

Service.__close = Service.stop

--- Runs what must raise and gives the message, without the position in the spec before it.
---@param call function
---@return string message
function service.misuse(call)
  local done, message = pcall(call)
  if done then error("nothing was raised", 2) end
  if type(message) ~= "string" then error("what was raised is no string but " .. tostring(message), 2) end
  return (message:gsub("^[^:]+:%d+: ", ""))
end

return service
