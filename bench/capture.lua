-- The bytes of the first request that a program sends, taken from the socket of a server that answers once.

local socket = require "socket"

local capture = {}

-- Reads one request: headers, and as many bytes of a body as they tell.
local function receive(connection)
  local lines, length = {}, 0
  repeat
    local line = assert(connection:receive("*l"))
    table.insert(lines, line .. "\r\n")
    length = tonumber(line:lower():match("^content%-length:%s*(%d+)")) or length
  until line == ""
  -- A receive of nothing would wait for more.
  return table.concat(lines) .. (length > 0 and assert(connection:receive(length)) or "")
end

local function answer(connection, reply)
  local headers = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    .. "Connection: close\r\n%sContent-Length: %d\r\n\r\n"
  assert(connection:send(headers:format(reply.header or "", #reply.body) .. reply.body))
end

---Runs each command with an endpoint and a count behind it, and gives what each one sent first.
---@param commands string[]
---@param count integer how many things the command is asked to do, in one request
---@param reply { body: string, header: string? } what it is answered
---@return string[] requests the bytes, all to the same port
function capture.requests(commands, count, reply)
  local listener = assert(socket.bind("127.0.0.1", 0))
  local _, port = listener:getsockname()
  listener:settimeout(30)
  local requests = {}
  for i, command in ipairs(commands) do
    local pipe = assert(io.popen(("%s http://127.0.0.1:%d/public/v1 %d"):format(command, port, count)))
    local connection = assert(listener:accept())
    requests[i] = receive(connection)
    answer(connection, reply)
    connection:close()
    pipe:close()
  end
  listener:close()
  return requests
end

return capture
