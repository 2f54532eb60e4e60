--- A proxy before a sandbox that passes every byte on as it comes, resets included, and now and then, right behind a
--- whole reply, bytes that nobody asked for: the same reply again, one of an earlier request, a part of it, a timeout
--- to a connection that rests. No request is ever passed on twice.
---
---     local proxy <close> = staleproxy.start(sb.port)
---     proxy:seed(7)             -- from now on, what comes where is drawn from this
---     proxy.endpoint            -- for the client
---     proxy:added()             -- how many times there were such bytes

local control = require "cloudblue.connect.sandbox.control"
local json = require "cloudblue.connect.sandbox.json"
local threads = require "cqueues.thread"

local staleproxy = {}
staleproxy.__index = staleproxy

local REQUEST_TIMEOUT = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

-- Of so many replies, one is followed by something.
local ONE_OF = 3

-- Earlier replies that are kept.
local OLDER = 40

-- ==== In its thread ===================================================

--- The bytes after which the reply in `text` is whole; nil as long as that is not known, false where it is not to be
--- known (chunks, or the connection's end).
local function lengthOf(text)
  local last = select(2, text:find("\r\n\r\n", 1, true))
  if not last then return nil end
  local head = text:sub(1, last):lower()
  local status = tonumber(head:match("^http/1%.1 (%d+)"))
  if not status or status < 200 then return false end
  if status == 204 or status == 304 then return last end
  local length = head:match("\r\ncontent%-length: *(%d+)\r\n")
  return length and last + tonumber(length) or false
end

--- What nobody asked for.
local function unasked(proxy, reply)
  local chance, older = proxy.chance, proxy.older
  local other = #older > 0 and older[chance(#older)] or reply
  local way = chance(4)
  if way == 1 then return reply end
  if way == 2 then return other end
  if way == 3 then return other:sub(1, chance(#other)) end
  return REQUEST_TIMEOUT
end

--- Remembers a whole reply; gives what is to follow it.
local function follow(proxy, reply)
  if not proxy.chance then return "" end
  local more = proxy.chance(ONE_OF) == 1 and unasked(proxy, reply) or ""
  if more ~= "" then proxy.added = proxy.added + 1 end
  table.insert(proxy.older, reply)
  if #proxy.older > OLDER then table.remove(proxy.older, 1) end
  return more
end

--- Looks at bytes from the service; gives what is to be passed on.
local function watch(proxy, connection, bytes)
  if connection.strange then return bytes end
  connection.reply = connection.reply .. bytes
  local length = lengthOf(connection.reply)
  if length == false or length and #connection.reply > length then
    connection.strange = true
  elseif length == #connection.reply then
    bytes = bytes .. follow(proxy, connection.reply)
    connection.reply = ""
  end
  return bytes
end

local function prepare(socket)
  socket:setmode("b", "bn")
  socket:onerror(function(_, _, why) return why end)
  return socket
end

--- Passes bytes on until one side ends; true where it ended by a reset.
local function pass(from, to, change)
  while true do
    local bytes, why = from:xread(-65536, "b")
    if not bytes then return why ~= nil and why ~= require("cqueues.errno").EPIPE end
    if not to:xwrite(change(bytes), "bn") then return false end
  end
end

--- One direction has ended: ends the other one, or both sockets when that is over, too.
local function finish(connection, isReset)
  connection.isReset = connection.isReset or isReset
  connection.open = connection.open - 1
  if connection.open == 1 then
    connection.client:shutdown "r"
    connection.service:shutdown "rw"
    return
  end
  if connection.isReset then
    require("cloudblue.connect.sandbox.http.reset").close(connection.client)
  else
    connection.client:close()
  end
  connection.service:close()
end

local function serve(proxy, queue, client)
  local service = prepare(require("cqueues.socket").connect { host = "127.0.0.1", port = proxy.port, nodelay = true })
  local connection = { client = prepare(client), service = service, reply = "", open = 2 }
  queue:wrap(function()
    pass(client, service, function(bytes) return bytes end)
    finish(connection, false)
  end)
  finish(connection, pass(service, client, function(bytes) return watch(proxy, connection, bytes) end))
end

local function accept(proxy, queue)
  while true do
    local socket = proxy.listener:accept({ nodelay = true }, 0)
    if socket then
      queue:wrap(serve, proxy, queue, socket)
    else
      require("cqueues").poll(proxy.listener)
    end
  end
end

local function answer(proxy, message)
  if message.ask == "seed" then
    proxy.chance, proxy.older = require("spec.support.faultscripts").chance(math.tointeger(tonumber(message.seed))), {}
  elseif message.ask == "problems" then
    return proxy.problems
  end
  return proxy.added
end

--- What runs in the proxy's thread.
---@param socket table the thread's end of the control channel
---@param port string of the sandbox
function staleproxy.run(socket, port)
  local cqueues = require "cqueues"
  control.open(socket)
  local proxy = { port = tonumber(port), added = 0, older = {}, problems = {} }
  proxy.listener = require("cqueues.socket").listen { host = "127.0.0.1", port = 0 }
  assert(proxy.listener:listen(5))
  local queue, running = cqueues.new(), true
  queue:wrap(accept, proxy, queue)
  queue:wrap(function()
    for message in control.receive, socket do
      if message.ask == "stop" then break end
      control.send(socket, { answer = answer(proxy, message) })
    end
    running = false
  end)
  control.send(socket, { port = select(3, proxy.listener:localname()) })
  while running do
    local ok, why = queue:step()
    if not ok then table.insert(proxy.problems, tostring(why)) end
  end
end

-- ==== From outside ====================================================

--- Starts a proxy.
---@param port integer of the sandbox
---@return table proxy
function staleproxy.start(port)
  local thread, socket = threads.start(function(socket, path, cpath, text)
    package.path, package.cpath = path, cpath
    require("spec.support.staleproxy").run(socket, text)
  end, package.path, package.cpath, tostring(port))
  local first = control.receive(control.open(socket))
  if not first then error("the proxy could not start: " .. tostring(select(2, thread:join(5))), 2) end
  return setmetatable({
    endpoint = ("http://127.0.0.1:%d/public/v1"):format(math.tointeger(first.port)), thread = thread, socket = socket,
  }, staleproxy)
end

local function ask(self, message)
  assert(control.send(self.socket, message), "the proxy has died")
  return json.native(control.receive(self.socket).answer)
end

--- Begins anew with chance, and forgets earlier replies.
---@param seed integer
function staleproxy:seed(seed)
  -- As text: JSON's numbers have 53 bits.
  ask(self, { ask = "seed", seed = tostring(seed) })
end

--- How many times bytes were added.
---@return integer
function staleproxy:added()
  return math.tointeger(ask(self, { ask = "added" }))
end

--- Errors of the proxy itself.
---@return string[]
function staleproxy:problems()
  return ask(self, { ask = "problems" })
end

--- Stops it; connections are closed. May be called again.
function staleproxy:stop()
  if self.stopped then return end
  self.stopped = true
  control.send(self.socket, { ask = "stop" })
  self.thread:join(10)
  self.socket:close()
end

staleproxy.__close = staleproxy.stop

return staleproxy
