--- A plain HTTP client for the specs of the sandbox, on lua-http: one kept connection.
---
---     local http = require("spec.support.http").open(sandbox)
---     local reply = http:call("POST", "/usage/records/UR-1/close", { json = { external_billing_id = "B" } })
---     reply.status, reply.headers["content-type"], reply.body, reply.value

local cjson = require "cjson"
local client = require "http.client"
local newHeaders = require "http.headers".new

local http = {}
http.__index = http

--- Opens a client.
---@param target table with host, port and apiKey, a sandbox for one
---@return table client
function http.open(target)
  return setmetatable({ target = target }, http)
end

local function connect(self)
  if not self.connection then
    self.connection = assert(client.connect({ host = self.target.host, port = self.target.port, tls = false }, 5))
  end
  return self.connection
end

local function headersOf(self, method, path, options)
  local headers = newHeaders()
  headers:append(":method", method)
  headers:append(":path", options.root and path or "/public/v1" .. path)
  headers:append(":scheme", "http")
  headers:append(":authority", "127.0.0.1:" .. self.target.port)
  if options.key ~= false then
    headers:append("authorization", options.key or self.target.apiKey)
  end
  local body = options.json and cjson.encode(options.json) or options.body
  local kind = options.type or options.json and "application/json"
  if body then
    headers:append("content-length", tostring(#body))
  end
  if kind then
    headers:append("content-type", kind)
  end
  return headers, body
end

local function receive(stream)
  local head = assert(stream:get_headers(5))
  local reply = { status = tonumber(head:get(":status")), headers = {} }
  for name, value in head:each() do
    reply.headers[name] = value
  end
  local problem
  reply.body, problem = stream:get_body_as_string(5)
  assert(reply.body, problem)
  local ok, value = pcall(cjson.decode, reply.body)
  reply.value = ok and value or nil
  return reply
end

--- Calls. A transport failure is raised.
---@param method string
---@param path string with its query, without /public/v1
---@param options {json: any, body: string, type: string, key: string|false, root: boolean}? `json` is encoded;
--- `body` goes as it is, with the Content-Type `type`; `key` another key, or none; `root` says that the path
--- stands for itself
---@return {status: integer, headers: table<string, string>, body: string, value: any} reply
function http:call(method, path, options)
  local headers, body = headersOf(self, method, path, options or {})
  local stream = connect(self):new_stream()
  local ok, reply = pcall(function()
    assert(stream:write_headers(headers, body == nil, 5))
    if body then
      assert(stream:write_chunk(body, true, 5))
    end
    return receive(stream)
  end)
  if not ok then
    self:close()
    error(reply, 2)
  end
  return reply
end

--- The body and the Content-Type of a form.
---@param parts table[] {name=, filename=, type=, body=} in order
---@return table options for `call`
function http.form(parts)
  local boundary, pieces = "----a-boundary-of-the-specs", {}
  for _, part in ipairs(parts) do
    pieces[#pieces + 1] = string.format("--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, part.name)
      .. (part.filename and string.format("; filename=\"%s\"", part.filename) or "")
      .. (part.type and "\r\nContent-Type: " .. part.type or "")
      .. "\r\n\r\n" .. part.body .. "\r\n"
  end
  pieces[#pieces + 1] = "--" .. boundary .. "--\r\n"
  return { body = table.concat(pieces), type = "multipart/form-data; boundary=" .. boundary }
end

--- Closes the connection; the next call opens another.
function http:close()
  if self.connection then
    self.connection:close()
    self.connection = nil
  end
end

return http
