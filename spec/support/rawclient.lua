--- A client that sends bytes and tells what came back and how it ended.

local cqueues = require "cqueues"
local errno = require "cqueues.errno"
local sockets = require "cqueues.socket"

local rawclient = {}

--- Sends bytes on a new connection and reads until it ends.
---@param port integer
---@param bytes string
---@param seconds number? how long to wait for the end (5)
---@param host string? the address (127.0.0.1)
---@return string received
---@return "closed"|"reset"|"refused"|"waiting"|string ending closed in order, reset, not let in, or still open
---@return number[] times when each piece came, in seconds since the bytes were sent
function rawclient.exchange(port, bytes, seconds, host)
  local socket = sockets.connect { host = host or "127.0.0.1", port = port }
  socket:setmode("b", "bn")
  socket:onerror(function(_, _, why)
    return why
  end)
  local pieces, times, ending = {}, {}, nil
  local connected, refused = socket:connect(5)
  if not connected then
    ending = refused == errno.ECONNREFUSED and "refused" or refused == errno.ECONNRESET and "reset"
      or errno.strerror(refused)
  elseif not socket:xwrite(bytes, "bn", 5) then
    ending = "reset"
  end
  local start = cqueues.monotime()
  while not ending do
    local left = start + (seconds or 5) - cqueues.monotime()
    -- One byte, then what has come with it: a larger read would swallow a reset that follows its bytes.
    local byte, why = socket:xread(1, "b", math.max(left, 0))
    if byte then
      local pending = socket:pending()
      pieces[#pieces + 1] = byte .. (pending > 0 and socket:xread(pending, "b", 0) or "")
      times[#times + 1] = cqueues.monotime() - start
    else
      ending = why == nil and "closed" or why == errno.EPIPE and "closed" or why == errno.ECONNRESET and "reset"
        or why == errno.ETIMEDOUT and "waiting" or errno.strerror(why)
    end
  end
  socket:close()
  return table.concat(pieces), ending, times
end

--- The bytes of a request to a sandbox.
---@param running table the sandbox
---@param method string
---@param path string without /public/v1
---@param body string? JSON
---@param headers string[]? more header lines
---@return string bytes
function rawclient.request(running, method, path, body, headers)
  local lines = {
    string.format("%s /public/v1%s HTTP/1.1", method, path),
    "Host: 127.0.0.1:" .. running.port,
    "Authorization: " .. running.apiKey,
  }
  for _, line in ipairs(headers or {}) do
    lines[#lines + 1] = line
  end
  if body then
    lines[#lines + 1] = "Content-Type: application/json"
    lines[#lines + 1] = "Content-Length: " .. #body
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. (body or "")
end

return rawclient
