--- A request as the handlers see it, and the reading of its body.

local json = require "cloudblue.connect.sandbox.json"
local reply = require "cloudblue.connect.sandbox.http.reply"

local request = {}

--- No JSON body of the usage part comes near this.
local MAX_BODY = 16 * 1024 * 1024

--- Makes the request from the head that lua-http read.
---@param headers table http.headers
---@return table request {method, target, path, query, headers, order}; row, parameters,
--- route, and body or parts are added as they are found
function request.new(headers)
  local target = headers:get(":path") or headers:get(":authority") or ""
  local path, query = target:match("^([^?]*)%??(.*)$")
  local self = { method = headers:get(":method"), target = target, path = path, query = query }
  self.headers, self.order = {}, {}
  for given, value in headers:each() do
    local name = given == ":authority" and "host" or given
    if name:sub(1, 1) ~= ":" then
      self.order[#self.order + 1] = { name, value }
      self.headers[name] = self.headers[name] and self.headers[name] .. ", " .. value or value
    end
  end
  return self
end

--- Reads the body of a request.
---@param stream table http.h1_stream
---@param keep fun(bytes: string) gets every byte as well
---@return string|nil body nil when the client went away, or the body is too large
---@return table? refusal the reply for a body that is too large
function request.readBody(stream, keep)
  local pieces, length = {}, 0
  while true do
    local piece, problem = stream:get_next_chunk()
    if not piece then
      if problem then
        return nil
      end
      break
    end
    keep(piece)
    length = length + #piece
    if length <= MAX_BODY then
      pieces[#pieces + 1] = piece
    end
  end
  if length > MAX_BODY then
    return nil, reply.tooLarge("The body is larger than 16 MiB")
  end
  return table.concat(pieces)
end

local function isJson(contentType)
  local name = (contentType or ""):match("^%s*([^;%s]*)")
  return name:lower() == "application/json"
end

--- The request's body as a value. What is expected is "object" or "array"; a body may be left out
--- where an object is expected, and then counts as an empty one.
---@param self table
---@param expected "object"|"array"
---@return table|nil value
---@return table? refusal the reply to give
function request.value(self, expected)
  local body = self.body or ""
  if body == "" and expected == "object" then
    return {}
  elseif not isJson(self.headers["content-type"]) then
    return nil, reply.unsupportedType("The body must come as Content-Type: application/json")
  end
  local value, problem = json.decode(body)
  if problem then
    return nil, reply.malformed("The body is no JSON: " .. problem)
  end
  local first = body:match("^%s*(.)")
  if first ~= (expected == "object" and "{" or "[") then
    return nil, reply.invalid("The body must be a JSON " .. expected)
  end
  return value
end

--- A link to a stored file, with the host that the client itself used.
---@param self table
---@param id string of the object that the file belongs to
---@param name string of the file
---@return string link
function request.link(self, id, name)
  return string.format("http://%s/media/%s/%s", self.headers.host or "localhost", id, name)
end

return request
