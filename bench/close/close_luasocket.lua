-- close_luasocket.lua ENDPOINT COUNT : closes COUNT records with LuaSocket's HTTP client and lua-cjson.
-- socket.http opens a connection for each request. To be fair to it, its `create` hook hands out one connection again
-- and again here, and the request asks the server to keep it.
local cjson = require "cjson"
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"

local endpoint, count = arg[1], tonumber(arg[2])

-- A socket as socket.http wants it that connects once and does not close.
local tcp = socket.tcp()
local connected = false
local kept = {
  settimeout = function(_, ...) return tcp:settimeout(...) end,
  send = function(_, ...) return tcp:send(...) end,
  receive = function(_, ...) return tcp:receive(...) end,
  close = function() return 1 end,
}
function kept.connect(_, host, port)
  if not connected then
    connected = assert(tcp:connect(host, port))
    tcp:setoption("tcp-nodelay", true)
  end
  return 1
end

for i = 1, count do
  local body = cjson.encode({ external_billing_id = "BILL-77", external_billing_note = "January run" })
  local reply = {}
  local _, status = http.request({
    url = ("%s/usage/records/UR-2026-01-0000-0001-%06d/close"):format(endpoint, i),
    method = "POST",
    headers = {
      authorization = "ApiKey SU-000-000-000:secret",
      connection = "keep-alive",
      ["content-type"] = "application/json",
      ["content-length"] = #body,
    },
    source = ltn12.source.string(body),
    sink = ltn12.sink.table(reply),
    create = function() return kept end,
  })
  assert(status == 200 and cjson.decode(table.concat(reply)).status == "closed")
end
