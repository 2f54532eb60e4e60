--- What was received: the newest requests, numbered.

local Log = {}
Log.__index = Log

--- Makes an empty log.
---@param capacity integer how many requests are remembered
---@return table log
function Log.new(capacity)
  return setmetatable({ first = 1, last = 0, capacity = capacity }, Log)
end

--- Remembers a request. The oldest is forgotten when there are more than the capacity.
---@param request table see request.lua
---@param connection integer the number of its connection
---@return table entry what the owner of the sandbox is shown; body, status, fault and applied are added
--- as they come
function Log:add(request, connection)
  self.last = self.last + 1
  local entry = {
    seq = self.last,
    method = request.method,
    path = request.target,
    headers = request.headers,
    order = request.order,
    body = "",
    connection = connection,
  }
  self[self.last] = entry
  if self.last - self.first >= self.capacity then
    self[self.first] = nil
    self.first = self.first + 1
  end
  return entry
end

--- The requests from a number on.
---@param start integer? of the first one wanted
---@return table[] entries
function Log:from(start)
  return table.move(self, math.max(self.first, start or 1), self.last, 1, {})
end

--- A request and its reply in one line. Bytes of the path that a terminal would act on are escaped.
---@param entry table
---@return string line
function Log.line(entry)
  local path = entry.path:gsub("[^\33-\126]", function(byte)
    return string.format("\\x%02X", byte:byte())
  end)
  local fault = entry.fault and ", " .. entry.fault or ""
  return string.format("%s %s: %s%s", entry.method, path, entry.status or "no status", fault)
end

return Log
