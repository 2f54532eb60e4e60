--- Bytes that were uploaded, kept as they came: in memory while they are few, else in a temporary file
--- that has no name and goes away with the sandbox.

local content = require "cloudblue.connect.sandbox.http.content"
local digest = require "openssl.digest"
local multipart = require "cloudblue.connect.sandbox.http.multipart"
local reply = require "cloudblue.connect.sandbox.http.reply"

local MEMORY = 1024 * 1024

--- The garbage is collected after so many bytes: else pieces that are written already would fill the
--- memory of a program that tests a large upload.
local COLLECT = 8 * 1024 * 1024

local Upload = {}
Upload.__index = Upload

--- Makes an empty upload.
---@param part table {name=, filename=, type=} of the form
---@return table upload
function Upload.new(part)
  return setmetatable({
    part = part.name,
    filename = part.filename,
    type = part.type,
    size = 0,
    pieces = {},
    digest = digest.new("sha256"),
  }, Upload)
end

--- Adds bytes.
---@param bytes string
function Upload:write(bytes)
  self.size = self.size + #bytes
  self.digest:update(bytes)
  if not self.file and self.size > MEMORY then
    self.file = assert(io.tmpfile())
    bytes = table.concat(self.pieces) .. bytes
    self.pieces = nil
  end
  if self.file then
    assert(self.file:write(bytes))
  else
    self.pieces[#self.pieces + 1] = bytes
  end
end

--- Ends the upload.
function Upload:finish()
  self.sha256 = content.hex(self.digest:final())
  self.digest = nil
  self.pieces = self.pieces and { table.concat(self.pieces) }
end

--- The bytes, of a part that is text and small.
---@return string
function Upload:text()
  return self.pieces and self.pieces[1] or ""
end

--- The bytes, for a reply.
---@return table content see content.lua
function Upload:content()
  return {
    type = content.XLSX,
    length = self.size,
    each = function()
      local at = 0
      return function()
        if at >= self.size then
          return nil
        end
        local bytes = self.pieces and self.pieces[1]
        if self.file then
          self.file:seek("set", at)
          bytes = self.file:read(65536)
        end
        at = at + #bytes
        return bytes
      end
    end,
  }
end

--- What `Sandbox:upload` returns.
---@return table description
function Upload:describe()
  return { part = self.part, filename = self.filename, type = self.type, size = self.size, sha256 = self.sha256 }
end

local uploads = { new = Upload.new }

--- Reads the parts of a form from a stream.
---@param stream table http.h1_stream
---@param contentType string?
---@param keep fun(bytes: string) gets every byte of the body as well
---@return table<string, table>|nil parts name → upload; nil when the client went away, or with a refusal
---@return table? refusal
function uploads.read(stream, contentType, keep)
  local parts, open = {}, {}
  local boundary = multipart.boundary(contentType)
  local wrongType = "The body must come as Content-Type: multipart/form-data"
  local refusal = not boundary and reply.unsupportedType(wrongType) or nil
  local parser = boundary and multipart.new(boundary, function(part)
    local upload = Upload.new(part)
    parts[part.name], open[#open + 1] = upload, upload
    return function(bytes)
      upload:write(bytes)
    end
  end)
  local function check(ok, problem)
    refusal = refusal or not ok and reply.malformed("The form can't be read: " .. problem) or nil
  end
  local uncollected = 0
  while true do
    local bytes, gone = stream:get_next_chunk()
    if gone then
      return nil
    elseif not bytes then
      break
    end
    uncollected = uncollected + #bytes
    if uncollected > COLLECT then
      collectgarbage()
      uncollected = 0
    end
    keep(bytes)
    if not refusal then
      check(parser:feed(bytes))
    end
  end
  if not refusal then
    check(parser:finish())
  end
  for _, upload in ipairs(open) do
    upload:finish()
  end
  return not refusal and parts or nil, refusal
end

return uploads
