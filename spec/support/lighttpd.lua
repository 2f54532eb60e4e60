--- Debian's lighttpd in a folder of its own, with a script of mod_magnet, for the specs of a host that can't wait.
---
---     local server <close> = lighttpd.start { script = "close-usage.lua", environment = "A='b'" }
---     server:get("/index.html")

local cqueues = require "cqueues"
local folders = require "spec.support.folder"
local rawclient = require "spec.support.rawclient"
local sockets = require "cqueues.socket"

local lighttpd = {}
lighttpd.__index = lighttpd

local CONFIGURATION <const> = [[
server.bind = "127.0.0.1"
server.port = $PORT
server.document-root = "$FOLDER"
server.errorlog = "$FOLDER/errors"
server.modules = ( "mod_magnet" )
$HTTP["url"] =~ "^/close/" { magnet.attract-raw-url-to = ( "$SCRIPT" ) }
]]

local function freePort()
  local listener = assert(sockets.listen("127.0.0.1", 0))
  assert(listener:listen())
  local _, _, port = listener:localname()
  listener:close()
  return port
end

local function await(port)
  for _ = 1, 400 do
    local socket = sockets.connect("127.0.0.1", port)
    local listens = pcall(socket.connect, socket, 1)
    socket:close()
    if listens then return true end
    cqueues.sleep(0.05)
  end
  return false
end

--- Starts it; it listens when this returns.
---@param options { script: string, environment: string } script: its path; environment: assignments of the shell
---@return table server
function lighttpd.start(options)
  local self = setmetatable({ folder = folders.make(), port = freePort() }, lighttpd)
  local values = { PORT = self.port, FOLDER = self.folder.root, SCRIPT = options.script }
  local path = self.folder:write("lighttpd.conf", (CONFIGURATION:gsub("%$(%u%u%u%u+)", function(name)
    return values[name]
  end)))
  self.folder:write("page", "a page\n")
  local command = "%s PATH=\"$PATH:/usr/sbin\" lighttpd -D -f '%s' >'%s' 2>&1 </dev/null & echo $!"
  local pipe <close> = assert(io.popen(command:format(options.environment, path, self.folder:path("printed"))))
  self.pid = pipe:read("l")
  if not await(self.port) then error("lighttpd does not listen: " .. self:log()) end
  return self
end

--- What it wrote and printed.
---@return string
function lighttpd:log()
  return (self.folder:read("errors") or "") .. (self.folder:read("printed") or "")
end

--- Sends a request on a connection of its own.
---@param method string
---@param target string
---@return integer? status nil where no reply came
---@return string body
function lighttpd:request(method, target)
  local format = "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
  local reply = rawclient.exchange(self.port, format:format(method, target), 30)
  return tonumber(reply:match("^HTTP/1%.1 (%d+)")), reply:match("\r\n\r\n(.*)$") or ""
end

--- Ends it.
function lighttpd:stop()
  os.execute(("kill %s; while kill -0 %s; do sleep 0.05; done 2>/dev/null"):format(self.pid, self.pid))
  self.folder:stop()
end

lighttpd.__close = lighttpd.stop

return lighttpd
