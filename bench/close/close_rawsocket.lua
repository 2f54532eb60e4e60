-- close_rawsocket.lua ENDPOINT COUNT : closes COUNT records over a bare LuaSocket connection, with lua-cjson.
-- No HTTP client: it writes the request as text and knows replies with a Content-Length only (no chunks, no timeouts,
-- no TLS, no look at whether a kept connection is still alive). A floor to know of, not a client to compare with.
local cjson = require "cjson"
local socket = require "socket"

local endpoint, count = arg[1], tonumber(arg[2])
local host, port, base = endpoint:match("^http://([^:/]+):(%d+)(.*)$")

local REQUEST = "POST %s/usage/records/%s/close HTTP/1.1\r\nHost: %s:%s\r\n"
  .. "Authorization: ApiKey SU-000-000-000:secret\r\nContent-Type: application/json\r\nAccept: */*\r\n"
  .. "User-Agent: luasocket\r\nContent-Length: %d\r\n\r\n%s"

local connection = assert(socket.connect(host, port))
connection:setoption("tcp-nodelay", true)

local function receiveReply()
  local status = assert(connection:receive("*l")):match("^HTTP/1.1 (%d+)")
  local length
  repeat
    local line = assert(connection:receive("*l"))
    local name, value = line:match("^([^:]+):%s*(.*)$")
    if name and name:lower() == "content-length" then length = tonumber(value) end
  until line == ""
  return status, assert(connection:receive(length))
end

for i = 1, count do
  local id = ("UR-2026-01-0000-0001-%06d"):format(i)
  local body = cjson.encode({ external_billing_id = "BILL-77", external_billing_note = "January run" })
  assert(connection:send(REQUEST:format(base, id, host, port, #body, body)))
  local status, bytes = receiveReply()
  assert(status == "200" and cjson.decode(bytes).status == "closed")
end
