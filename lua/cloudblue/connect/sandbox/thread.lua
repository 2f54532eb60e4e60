--- What runs in the sandbox's thread: the server, and the answers to the program that started it.

local cqueues = require "cqueues"
local digest = require "openssl.digest"
local api = require "cloudblue.connect.sandbox.api"
local content = require "cloudblue.connect.sandbox.http.content"
local control = require "cloudblue.connect.sandbox.control"
local json = require "cloudblue.connect.sandbox.json"
local Server = require "cloudblue.connect.sandbox.http.server"

local thread = {}

--- Options as they come from JSON: counts are integers again.
local function received(options)
  for name, value in pairs(options) do
    if type(value) == "number" or name == "faults" then
      options[name] = json.integers(value)
    end
  end
  return options
end

--- The questions that the owner of a sandbox can ask: name → function (server, message) → answer.
local questions = {}

function questions.counts(server)
  return server.store.records:counts()
end

function questions.record(server, message)
  return server.store.records:get(message.id)
end

function questions.chunk(server, message)
  return server.store.chunks:get(message.id)
end

function questions.file(server, message)
  return server.store.files:get(message.id)
end

function questions.upload(server, message)
  local uploads = server.store.uploads[message.id] or {}
  local upload = uploads[message.name] or uploads.usage or uploads.reconciliation
  return upload and upload:describe()
end

--- The digest of a download. That of a large one takes time; requests are served meanwhile.
function questions.download(server, message)
  local sum, bytes = digest.new("sha256"), server.store.options.downloadBytes
  for piece in content.generated(message.id, bytes).each() do
    sum:update(piece)
    cqueues.poll(0)
  end
  return { size = bytes, sha256 = content.hex(sum:final()) }
end

function questions.requests(server, message)
  return server.log:from(message.start)
end

function questions.journal(server, message)
  local journal = server.store.journal
  return table.move(journal, math.max(1, message.start or 1), #journal, 1, {})
end

function questions.connections(server)
  return server.connections
end

function questions.faults(server)
  return server.script:describe()
end

function questions.problems(server)
  return server.problems
end

function questions.reset(server)
  server:reset()
  return true
end

function questions.configure(server, message)
  return server:configure(received(message.options))
end

--- Answers questions until the owner sends stop, or closes its end of the channel.
local function converse(server, socket)
  while true do
    local message = control.receive(socket)
    if not message or message.ask == "stop" then
      return
    end
    local ok, answer, problem = pcall(questions[message.ask], server, message)
    if not ok then
      answer, problem = nil, answer
    end
    control.send(socket, { answer = answer, problem = problem })
  end
end

--- Runs a sandbox until its owner stops it. The first message says whether the port is open.
---@param socket table the thread's end of the control channel
---@param text string the complete options as JSON
function thread.run(socket, text)
  control.open(socket)
  local queue = cqueues.new()
  local options = received(assert(json.decode(text)))
  local server = Server.new(options, queue, api)
  local port
  local ok, problem = server:configure(options)
  if ok then
    port, problem = server:listen()
  end
  control.send(socket, { port = port, problem = problem })
  if not port then
    return
  end
  local running = true
  queue:wrap(function()
    converse(server, socket)
    running = false
  end)
  while running do
    local went, why = queue:step()
    if not went then
      server.problems[#server.problems + 1] = tostring(why)
    end
  end
end

return thread
