--- Reads multipart/form-data (RFC 7578) piece by piece, so that a part may be larger than the memory.

local multipart = {}

local MAX_HEAD = 16 * 1024

local Parser = {}
Parser.__index = Parser

--- The boundary that a Content-Type names.
---@param contentType string?
---@return string? boundary nil when it is no multipart/form-data
function multipart.boundary(contentType)
  local kind, rest = (contentType or ""):match("^%s*([^;%s]*)%s*;(.*)$")
  if not kind or kind:lower() ~= "multipart/form-data" then
    return nil
  end
  local boundary = rest:match("[Bb][Oo][Uu][Nn][Dd][Aa][Rr][Yy]=\"([^\"]+)\"")
    or rest:match("[Bb][Oo][Uu][Nn][Dd][Aa][Rr][Yy]=([^;%s]+)")
  return boundary and #boundary <= 70 and boundary or nil
end

--- Makes a parser.
---@param boundary string
---@param open fun(part: table): (fun(bytes: string)) called at the start of each part with {name=, filename=,
--- type=}; returns the function that takes the part's bytes
---@return table parser
function multipart.new(boundary, open)
  return setmetatable({
    open = open,
    delimiter = "\r\n--" .. boundary,
    -- The first delimiter may stand at the very start, without a line before it.
    buffer = "\r\n",
    state = Parser.skipBody,
  }, Parser)
end

local function unescaped(text)
  return text and (text:gsub("\\(.)", "%1"):gsub("%%22", "\""):gsub("%%0[Dd]", "\r"):gsub("%%0[Aa]", "\n"))
end

--- A parameter of Content-Disposition: `name="a \"b\""`.
local function parameter(text, name)
  local at = text:match(";%s*" .. name .. "=\"()")
  if not at then
    return text:match(";%s*" .. name .. "=([^;%s]+)")
  end
  local finish = at
  while finish <= #text and text:sub(finish, finish) ~= "\"" do
    finish = finish + (text:sub(finish, finish) == "\\" and 2 or 1)
  end
  return unescaped(text:sub(at, finish - 1))
end

local function readHead(head)
  local part = { type = "text/plain" }
  for line in (head .. "\r\n"):gmatch("(.-)\r\n") do
    local name, value = line:match("^([^:]+):%s*(.-)%s*$")
    name = name and name:lower()
    if name == "content-disposition" then
      part.name, part.filename = parameter(value, "name"), parameter(value, "filename")
    elseif name == "content-type" then
      part.type = value
    end
  end
  return part
end

-- Each state is a function that takes what it can from the buffer; it returns true when it made
-- progress and the next state should be tried, false when more bytes are needed.

--- Bytes of a part (or before the first), up to the delimiter.
function Parser:skipBody()
  local first, last = self.buffer:find(self.delimiter, 1, true)
  local keep = first or #self.buffer - #self.delimiter + 2
  if self.take and keep > 1 then
    self.take(self.buffer:sub(1, keep - 1))
  end
  if not first then
    self.buffer = self.buffer:sub(math.max(keep, 1))
    return false
  end
  self.buffer = self.buffer:sub(last + 1)
  self.take = nil
  self.state = Parser.afterDelimiter
  return true
end

--- "--" ends everything, a line end starts a part.
function Parser:afterDelimiter()
  if self.buffer:match("^%-%-") then
    self.state = Parser.epilogue
    return true
  end
  local last = self.buffer:match("^[ \t]*\r\n()")
  if last then
    -- The line end stays for the head, which may be empty: then it ends at once.
    self.buffer = self.buffer:sub(last - 2)
    self.state = Parser.head
    return true
  elseif #self.buffer > 80 then
    self.problem = "a boundary is not followed by a line end"
  end
  return false
end

function Parser:head()
  local first, last = self.buffer:find("\r\n\r\n", 1, true)
  if not first then
    if #self.buffer > MAX_HEAD then
      self.problem = "the head of a part is too long"
    end
    return false
  end
  local part = readHead(self.buffer:sub(3, first - 1))
  if not part.name then
    self.problem = "a part has no name"
    return false
  end
  self.take = self.open(part)
  self.buffer = self.buffer:sub(last + 1)
  self.state = Parser.skipBody
  return true
end

--- What follows the last delimiter means nothing.
function Parser:epilogue()
  self.buffer = ""
  return false
end

--- Takes the next bytes.
---@param bytes string
---@return true|nil ok
---@return string? problem
function Parser:feed(bytes)
  self.buffer = self.buffer .. bytes
  while not self.problem and self.state(self) do
  end
  return not self.problem or nil, self.problem
end

--- Says that there are no more bytes.
---@return true|nil ok
---@return string? problem
function Parser:finish()
  if not self.problem and self.state ~= Parser.epilogue then
    self.problem = "the last boundary is missing"
  end
  return not self.problem or nil, self.problem
end

return multipart
