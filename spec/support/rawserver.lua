--- A TCP server that does what a script says, byte by byte: for replies that no sane server gives.
---
---     local raw = rawserver.start {
---       connections = {
---         { { read = "request" }, { send = "HTTP/1.1 200 OK\r\nContent-Le" }, { reset = true } },  -- the first
---         { { read = "request" }, { send = rawserver.reply(200, "{}") } },                        -- all others
---       },
---     }
---     raw.port, raw.url                   -- "http://127.0.0.1:PORT" (https with tls)
---     raw:received()                      -- a list of strings: every byte that each connection sent
---     raw:connections()                   -- how many were accepted
---     raw:stop()
---
--- The n-th connection runs the n-th script; further ones run the last. `replies = {bytes, ...}` is
--- short for connections that answer one request after another, the n-th request of the server with the
--- n-th of the bytes (further ones with the last). `handler = "module"` names a module whose `serve(server, state,
--- head)` answers each request by itself: it may keep what it likes in `server`, and writes with
--- `rawserver.write(state, bytes)`; it returns false to end the connection. A script is a list of steps:
---
---     {read = "request"}                  a head and its body (Content-Length or chunked)
---     {read = 10}                         so many bytes
---     {send = bytes [, times = n] [, piece = bytes, pause = seconds]}   n times over; in pieces
---     {pause = seconds}                   waits
---     {hang = true}                       waits until the client closes or the server is stopped
---     {starttls = true}                   begins TLS here, for a server without `tls` (proxies)
---     {reset = true}                      ends with RST
---     {close = true}                      ends in order; so does the end of a script
---
--- Options: `connections`, `replies` or `handler`; `tls = {cert = path, key = path [, ca = path]}` (`ca` signed
--- the certificates that clients must show); `accept = false` (the
--- system completes the handshake, nothing is ever read); `host` ("127.0.0.1").

local control = require "cloudblue.connect.sandbox.control"
local json = require "cloudblue.connect.sandbox.json"
local threads = require "cqueues.thread"

local rawserver = {}
rawserver.__index = rawserver

--- The bytes of a reply with a body and its Content-Length.
---@param status integer
---@param body string
---@param headers table<string, string>? besides Content-Type (application/json) and Content-Length
---@return string bytes
function rawserver.reply(status, body, headers)
  local lines = { string.format("HTTP/1.1 %d Scripted", status) }
  local all = { ["Content-Type"] = "application/json", ["Content-Length"] = tostring(#body) }
  for name, value in pairs(headers or {}) do
    all[name] = value
  end
  for name, value in pairs(all) do
    lines[#lines + 1] = name .. ": " .. value
  end
  return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
end

--- Reads more into a connection's bytes.
local function more(state, wanted, seconds)
  local bytes = state.socket:xread(wanted or -65536, "b", seconds)
  if not bytes then
    return false
  end
  state.pending = state.pending .. bytes
  state.entry.bytes[#state.entry.bytes + 1] = bytes
  return true
end

local function take(state, length)
  while #state.pending < length do
    if not more(state) then
      return false
    end
  end
  state.pending = state.pending:sub(length + 1)
  return true
end

local function takeUntil(state, pattern)
  local _, last = state.pending:find(pattern)
  while not last do
    if not more(state) then
      return nil
    end
    _, last = state.pending:find(pattern)
  end
  local text = state.pending:sub(1, last)
  state.pending = state.pending:sub(last + 1)
  return text
end

local function readChunks(state)
  while true do
    local line = takeUntil(state, "\r\n")
    local size = line and tonumber(line:match("^%x+"), 16)
    if not size or not take(state, size + (size > 0 and 2 or 0)) then
      return false
    elseif size == 0 then
      repeat
        line = takeUntil(state, "\r\n")
      until not line or line == "\r\n"
      return line ~= nil
    end
  end
end

local function readRequest(state)
  local head = takeUntil(state, "\r\n\r\n")
  if not head then
    return false
  end
  state.head = head
  local lower = head:lower()
  if lower:find("\r\nexpect: 100%-continue") then
    state.socket:xwrite("HTTP/1.1 100 Continue\r\n\r\n", "bn")
  end
  if lower:find("\r\ntransfer%-encoding: *chunked") then
    return readChunks(state)
  end
  return take(state, tonumber(lower:match("\r\ncontent%-length: *(%d+)") or 0))
end

local steps = {}

function steps.read(state, step)
  if step.read == "request" then
    return readRequest(state)
  end
  return take(state, step.read)
end

function steps.send(state, step)
  local cqueues = require "cqueues"
  for _ = 1, step.times or 1 do
    local size = step.piece or math.max(#step.send, 1)
    for first = 1, #step.send, size do
      if not state.socket:xwrite(step.send:sub(first, first + size - 1), "bn") then
        return false
      end
      if step.pause then
        cqueues.sleep(step.pause)
      end
    end
  end
  return true
end

function steps.pause(_, step)
  require("cqueues").sleep(step.pause)
  return true
end

function steps.hang(state)
  while more(state) do
    state.pending = ""
  end
  return false
end

function steps.starttls(state)
  return state.socket:starttls(state.context) and true
end

function steps.reset(state)
  require("cloudblue.connect.sandbox.http.reset").close(state.socket)
  state.closed = true
  return false
end

function steps.close()
  return false
end

local function runStep(state, step)
  for _, name in ipairs { "read", "send", "hang", "starttls", "reset", "close", "pause" } do
    if step[name] then
      return steps[name](state, step)
    end
  end
  error("a step of the script is empty")
end

--- Answers one request after another.
local function runReplies(server, state)
  while readRequest(state) do
    server.answered = server.answered + 1
    local bytes = server.replies[math.min(server.answered, #server.replies)]
    if not steps.send(state, { send = bytes }) then
      return
    end
  end
end

--- Writes bytes at once; over TLS they are a record of their own.
---@param state table the connection, as a handler gets it
---@param bytes string
---@return boolean written
function rawserver.write(state, bytes)
  return state.socket:xwrite(bytes, "bn") and true or false
end

--- Lets a handler answer one request after another.
local function runHandler(server, state)
  local handler = require(server.handler)
  while readRequest(state) and handler.serve(server, state, state.head) ~= false do end
end

local function runConnection(server, socket)
  local entry = { bytes = {} }
  server.log[#server.log + 1] = entry
  socket:setmode("b", "bn")
  socket:onerror(function(_, _, why)
    return why
  end)
  local state = { socket = socket, entry = entry, pending = "", context = server.context }
  local script = server.connections and server.connections[math.min(#server.log, #server.connections)]
  if server.context and not server.lateTls and not socket:starttls(server.context) then
    script = {}
  end
  if script == nil then
    (server.handler and runHandler or runReplies)(server, state)
  end
  for _, step in ipairs(script or {}) do
    if not runStep(state, step) then
      break
    end
  end
  if not state.closed then
    -- Bytes that nobody read would turn the close into a reset.
    while more(state, nil, 0) do
      state.pending = ""
    end
    socket:close()
  end
end

local function tlsContext(tls)
  local function contents(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read("a")
  end
  local ssl = require "openssl.ssl.context"
  local context = ssl.new("TLS", true)
  context:setCertificate(require("openssl.x509").new(contents(tls.cert)))
  context:setPrivateKey(require("openssl.pkey").new(contents(tls.key)))
  if tls.ca then
    local store = require("openssl.x509.store").new()
    store:add(tls.ca)
    context:setStore(store)
    context:setVerify(ssl.VERIFY_PEER + ssl.VERIFY_FAIL_IF_NO_PEER_CERT)
  end
  return context
end

local function accept(server, queue)
  while true do
    local socket = server.listener:accept({ nodelay = true }, 0)
    if socket then
      queue:wrap(runConnection, server, socket)
    else
      require("cqueues").poll(server.listener)
    end
  end
end

local function answer(server, message)
  if message.ask == "connections" then
    return #server.log
  elseif message.ask == "problems" then
    return server.problems
  elseif message.ask == "account" then
    return require(server.handler).account(server)
  end
  local received = {}
  for number, entry in ipairs(server.log) do
    received[number] = table.concat(entry.bytes)
  end
  return received
end

--- What runs in the server's thread.
---@param socket table the thread's end of the control channel
---@param text string the options as JSON
function rawserver.run(socket, text)
  local cqueues = require "cqueues"
  control.open(socket)
  local server = json.native(json.decode(text))
  server.log, server.answered, server.problems = {}, 0, {}
  server.context = server.tls and tlsContext(server.tls)
  server.lateTls = server.tls and server.tls.late
  server.listener = require("cqueues.socket").listen { host = server.host, port = 0 }
  assert(server.listener:listen(5))
  local queue, running = cqueues.new(), true
  if server.accept ~= false then
    queue:wrap(accept, server, queue)
  end
  queue:wrap(function()
    for message in control.receive, socket do
      if message.ask == "stop" then
        break
      end
      control.send(socket, { answer = answer(server, message) })
    end
    running = false
  end)
  control.send(socket, { port = select(3, server.listener:localname()) })
  while running do
    local ok, why = queue:step()
    if not ok then
      server.problems[#server.problems + 1] = tostring(why)
    end
  end
end

--- Starts a server; it listens when this returns.
---@param options table see the head of this file
---@return table server
function rawserver.start(options)
  assert(options.accept == false or options.connections or options.replies or options.handler,
    "a raw server needs a script")
  options.host = options.host or "127.0.0.1"
  local thread, socket = threads.start(function(socket, path, cpath, text)
    package.path, package.cpath = path, cpath
    require("spec.support.rawserver").run(socket, text)
  end, package.path, package.cpath, json.encode(options))
  local first = control.receive(control.open(socket))
  if not first then
    error("the raw server could not start: " .. tostring(select(2, thread:join(5))), 2)
  end
  local port = math.tointeger(first.port)
  local scheme = options.tls and not options.tls.late and "https" or "http"
  return setmetatable({
    port = port,
    url = string.format("%s://%s:%d", scheme, options.host, port),
    thread = thread,
    socket = socket,
  }, rawserver)
end

local function ask(self, what)
  assert(control.send(self.socket, { ask = what }), "the raw server has died")
  return json.native(control.receive(self.socket).answer)
end

--- Every byte that was received, by connection, so far.
---@return string[]
function rawserver:received()
  return ask(self, "received")
end

--- How many connections were accepted so far.
---@return integer
function rawserver:connections()
  return ask(self, "connections")
end

--- What `account(server)` of the handler's module returns: its own record of what it did.
---@return table
function rawserver:account()
  return ask(self, "account")
end

--- Errors of the server itself, a script with an empty step for one.
---@return string[]
function rawserver:problems()
  return ask(self, "problems")
end

--- Stops the server; its connections are closed. May be called again.
function rawserver:stop()
  if not self.stopped then
    self.stopped = true
    control.send(self.socket, { ask = "stop" })
    self.thread:join(10)
    self.socket:close()
  end
end

rawserver.__close = rawserver.stop

return rawserver
