--- A service that speaks HTTP/2 over TLS, keeps its own account of what it carried out, and goes wrong as it is told.
---
---     local server <close> = http2server.start {
---       tls = certs.good,
---       rules = { { method = "POST", times = 2, steps = { { apply = true }, { rst = "INTERNAL_ERROR" } } } },
---     }
---     server.endpoint                     -- "https://127.0.0.1:PORT/public/v1"
---     server:account()                    -- see below
---     server:stop()
---
--- It has a usage record for every id, open until a close is carried out. A close of a closed record is refused (400).
--- The first rule that fits a request, and has not been followed `times` times (1), is followed step by step; where
--- none does, the request is carried out and answered. A rule may name a `method` and an `id`. The steps:
---
---     {apply = true}                     carries the request out
---     {answer = true}                    answers as the service would
---     {status = 200 [, headers = {…}] [, ends = true]}   the head of a reply (or an interim one), nothing behind it
---     {data = bytes [, times = n] [, ends = true]}       a part of its body
---     {trailers = {…}}                   the headers behind it
---     {rst = "REFUSED_STREAM"}           ends the stream with that error
---     {goaway = "NO_ERROR", last = "all" | "this" | "before" | "none"}   says up to which request it takes any
---     {gather = 64}                      waits until so many requests of this connection have come to such a step
---     {cut = "close" | "reset"}          ends the connection, with all that is on it
---     {stall = true}                     neither reads nor writes on this connection any more
---     {pause = seconds}
---     {nonsense = true}                  a frame that is a mistake in the protocol
---
--- Options: `tls = {cert = path, key = path}`; `rules`; `speaks = {"h2", "http/1.1", …}` (what the n-th connection gets
--- to speak, further ones as the last); `streams` (the most that it allows at once); `most` (requests of a connection:
--- behind the last the server says that it takes no more, as nginx does).
---
--- The account: `connections` = {{speaks=, requests=, failed=}}; `requests` = {{method=, id=, connection=, body=}};
--- `applied` = {id → how many times a close of it was carried out}; `bills` = {id → the billing id that it has}.

local control = require "cloudblue.connect.sandbox.control"
local json = require "cloudblue.connect.sandbox.json"
local libraries = require "cloudblue.connect.sandbox.libraries"
local threads = require "cqueues.thread"

local http2server = {}
http2server.__index = http2server

-- ==== The service =====================================================

local function apply(server, request)
  local record = server.records[request.id]
  if record.bill then return false end
  local body = json.native(json.decode(request.body))
  record.bill, record.note = body.external_billing_id or "", body.external_billing_note
  server.account.applied[request.id] = (server.account.applied[request.id] or 0) + 1
  server.account.bills[request.id] = record.bill
  return true
end

local function view(server, request)
  local record = server.records[request.id]
  return json.encode {
    id = request.id, status = record.bill and "closed" or "valid", external_billing_id = record.bill,
    external_billing_note = record.note,
  }
end

local function carryOut(server, request)
  if request.method == "POST" and not request.applied then
    request.rejected = not apply(server, request)
    request.applied = true
  end
end

-- ==== Steps ===========================================================

local steps = {}

local function head(status, more)
  local headers = require("http.headers").new()
  headers:append(":status", tostring(status))
  for name, value in pairs(more or {}) do headers:append(name, value) end
  return headers
end

function steps.apply(server, request)
  carryOut(server, request)
end

function steps.answer(server, request)
  local text = request.rejected and '{"errors":["the record is closed"]}' or view(server, request)
  local headers = head(request.rejected and 400 or 200, {
    ["content-type"] = "application/json", ["content-length"] = tostring(#text),
  })
  assert(request.stream:write_headers(headers, false))
  assert(request.stream:write_chunk(text, true))
end

function steps.status(_, request, step)
  assert(request.stream:write_headers(head(step.status, step.headers), step.ends or false))
end

function steps.data(_, request, step)
  local times = step.times or 1
  for i = 1, times do
    assert(request.stream:write_chunk(step.data, i == times and step.ends or false))
  end
end

function steps.trailers(_, request, step)
  local headers = require("http.headers").new()
  for name, value in pairs(step.trailers) do headers:append(name, value) end
  -- lua-http takes them for a head, and wants a status.
  local context = request.place.connection.encoding_context
  context:encode_headers(headers)
  assert(request.stream:write_headers_frame(context:render_data(), true, true))
  context:clear_data()
end

function steps.rst(_, request, step)
  local code = require("http.h2_error").errors[step.rst].code
  assert(request.stream:write_rst_stream_frame(code))
end

function steps.goaway(_, request, step)
  local place, last = request.place, request.stream.id
  if step.last == "all" then last = place.last end
  if step.last == "before" then last = math.max(last - 2, 0) end
  if step.last == "none" then last = 0 end
  place.taken = math.min(place.taken or last, last)
  assert(place.connection:write_goaway_frame(last, require("http.h2_error").errors[step.goaway].code))
end

function steps.gather(_, request, step)
  local place = request.place
  place.gathered = place.gathered + 1
  place.more:signal()
  while place.gathered < step.gather do place.more:wait() end
end

function steps.cut(_, request, step)
  local place = request.place
  if place.gone then return end
  place.gone = step.cut
  if place.account.speaks ~= "h2" then
    place.connection.socket:shutdown("rw")
    return
  end
  -- Whoever reads from the socket leaves it before it is closed.
  place.connection.recv_goaway_lowest = 0
  place.connection.recv_goaway:signal()
end

function steps.stall(_, request)
  request.place.stalled = true
end

function steps.pause(_, _, step)
  require("cqueues").sleep(step.pause)
end

-- DATA on a stream that nobody opened.
function steps.nonsense(_, request)
  assert(request.place.connection:write_http2_frame(0, 0, 0x7fffffff, "nonsense"))
end

local ORDER = {
  "apply", "answer", "status", "data", "trailers", "rst", "goaway", "gather", "cut", "stall", "pause", "nonsense",
}

local function follow(server, request, script)
  for _, step in ipairs(script) do
    local place = request.place
    -- What is behind the last one that it says it takes, it does not touch.
    if place.gone or place.stalled or place.taken and request.stream.id > place.taken then return end
    for _, name in ipairs(ORDER) do
      if step[name] then steps[name](server, request, step) end
    end
  end
end

local WELL <const> = { { apply = true }, { answer = true } }

local function ruleFor(server, request)
  for _, rule in ipairs(server.rules) do
    local fits = (rule.method or request.method) == request.method and (rule.id or request.id) == request.id
    if fits and rule.times > 0 then
      rule.times = rule.times - 1
      return rule.steps
    end
  end
  return WELL
end

-- ==== Connections =====================================================

local function serveRequest(server, place, stream)
  local headers = assert(stream:get_headers())
  local path = headers:get(":path")
  local request = {
    stream = stream, place = place, method = headers:get(":method"), id = path:match("/usage/%a+/([^/?]+)") or path,
  }
  request.body = request.method == "POST" and assert(stream:get_body_as_string()) or ""
  server.records[request.id] = server.records[request.id] or {}
  table.insert(server.account.requests, {
    method = request.method, id = request.id, connection = place.number, body = request.body,
  })
  follow(server, request, ruleFor(server, request))
end

--- Whether that error is a client that hung up, which it may at any time.
local function isHungUp(why)
  return why:find("Broken pipe", 1, true) or why:find("Connection reset", 1, true)
    or why:find("elected to shutdown", 1, true)
end

local function accept(server, place, stream)
  local account = place.account
  place.requests, account.requests = place.requests + 1, account.requests + 1
  place.last = stream.id
  server.queue:wrap(function()
    local ok, why = xpcall(serveRequest, debug.traceback, server, place, stream)
    if not ok and not place.gone and not isHungUp(tostring(why)) then table.insert(server.problems, tostring(why)) end
  end)
  if account.speaks == "h2" and place.requests == server.most then
    place.taken = stream.id
    place.connection:write_goaway_frame(stream.id, 0)
  end
end

local function serveConnection(server, socket)
  local number = #server.account.connections + 1
  local account = { requests = 0 }
  server.account.connections[number] = account
  socket:onerror(function(_, _, why) return why end)
  if not socket:starttls(server.contexts[server.speaks[math.min(number, #server.speaks)]]) then return end
  account.speaks = socket:checktls():getAlpnSelected() or "http/1.1"
  local connection
  if account.speaks == "h2" then
    connection = require("http.h2_connection").new(socket, "server", { [3] = server.streams })
  else
    connection = require("http.h1_connection").new(socket, "server", 1.1)
  end
  local place = {
    connection = connection, number = number, account = account, requests = 0, gathered = 0,
    more = require("cqueues.condition").new(),
  }
  while not place.gone and not place.stalled do
    -- It raises where it can't say what is wrong, having said goodbye before.
    local ok, stream, why = pcall(connection.get_next_incoming_stream, connection)
    if not ok or not stream then
      why = why or not ok and stream
      account.failed = why and tostring(why):match("^[^\n]*")
      break
    end
    accept(server, place, stream)
  end
  while place.stalled do require("cqueues").sleep(0.1) end
  if place.gone == "reset" then
    require("cloudblue.connect.sandbox.http.reset").close(socket)
  else
    socket:close()
  end
  place.gone = place.gone or "close"
end

local function contextFor(tls, speaks)
  local function contents(path)
    local file <close> = assert(io.open(path, "rb"))
    return file:read("a")
  end
  local context = require("http.tls").new_server_context()
  context:setCertificate(require("openssl.x509").new(contents(tls.cert)))
  context:setPrivateKey(require("openssl.pkey").new(contents(tls.key)))
  context:setAlpnSelect(function(_, offered)
    for _, name in ipairs(offered) do
      if name == speaks then return name end
    end
    return "http/1.1"
  end)
  return context
end

-- ==== In its thread ===================================================

--- What runs in the server's thread.
---@param socket table the thread's end of the control channel
---@param text string the options as JSON
function http2server.run(socket, text)
  local cqueues = require "cqueues"
  control.open(socket)
  local server = json.native(json.decode(text))
  server.account = { connections = {}, requests = {}, applied = {}, bills = {} }
  server.records, server.problems, server.contexts = {}, {}, {}
  server.rules, server.speaks = server.rules or {}, server.speaks or { "h2" }
  for _, rule in ipairs(server.rules) do rule.times = rule.times or 1 end
  for _, speaks in ipairs(server.speaks) do server.contexts[speaks] = contextFor(server.tls, speaks) end
  local listener = require("cqueues.socket").listen { host = "127.0.0.1", port = 0 }
  assert(listener:listen(5))
  local queue, running = cqueues.new(), true
  server.queue = queue
  queue:wrap(function()
    while true do
      local accepted = listener:accept({ nodelay = true }, 0)
      if accepted then
        queue:wrap(serveConnection, server, accepted)
      else
        cqueues.poll(listener)
      end
    end
  end)
  queue:wrap(function()
    for message in control.receive, socket do
      if message.ask == "stop" then break end
      control.send(socket, { answer = message.ask == "account" and server.account or server.problems })
    end
    running = false
  end)
  control.send(socket, { port = select(3, listener:localname()) })
  while running do
    local ok, why = queue:step()
    if not ok then table.insert(server.problems, tostring(why)) end
  end
end

-- ==== From outside ====================================================

--- Starts a server; it listens when this returns.
---@param options table see the head of this file
---@return table server
function http2server.start(options)
  local thread, socket = threads.start(function(socket, path, cpath, text)
    package.path, package.cpath = path, cpath
    require("spec.support.http2server").run(socket, text)
  end, libraries.path(package.path), package.cpath, json.encode(options))
  local first = control.receive(control.open(socket))
  if not first then error("the server could not start: " .. tostring(select(2, thread:join(5))), 2) end
  return setmetatable({
    endpoint = ("https://127.0.0.1:%d/public/v1"):format(math.tointeger(first.port)), thread = thread, socket = socket,
  }, http2server)
end

local function ask(self, what)
  assert(control.send(self.socket, { ask = what }), "the server has died")
  return json.native(control.receive(self.socket).answer)
end

--- What it did so far.
---@return table account see the head of this file
function http2server:account()
  return ask(self, "account")
end

--- Errors of the server itself.
---@return string[]
function http2server:problems()
  return ask(self, "problems")
end

--- Stops it; connections are closed. May be called again.
function http2server:stop()
  if self.stopped then return end
  self.stopped = true
  control.send(self.socket, { ask = "stop" })
  self.thread:join(10)
  self.socket:close()
end

http2server.__close = http2server.stop

return http2server
