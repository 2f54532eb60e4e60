local control = require "cloudblue.connect.sandbox.control"
local json = require "cloudblue.connect.sandbox.json"
local options = require "cloudblue.connect.sandbox.options"
local threads = require "cqueues.thread"

describe("the sandbox's thread", function()
  local thread, socket

  local function start(given)
    thread, socket = threads.start(function(pipe, path, cpath, text)
      package.path, package.cpath = path, cpath
      require("cloudblue.connect.sandbox.thread").run(pipe, text)
    end, package.path, package.cpath, json.encode(assert(options.complete(given))))
    return control.receive(control.open(socket))
  end

  local function ask(message)
    assert(control.send(socket, message))
    return control.receive(socket)
  end

  after_each(function()
    socket:close()
  end)

  it("says its port first, and answers until it is told to stop", function()
    local first = start { records = 3 }
    assert.is_true(first.port > 0)
    assert.are.same({ answer = { approved = 3 } }, ask { ask = "counts" })
    assert.is_true(control.send(socket, { ask = "stop" }))
    assert.is_nil(control.receive(socket))
    assert.are.same({ true }, { thread:join(5) })
  end)

  it("ends when its owner goes away", function()
    start {}
    socket:close()
    assert.are.same({ true }, { thread:join(5) })
  end)

  it("answers with a problem what it can't answer, and goes on", function()
    start { records = 3 }
    assert.is_truthy(ask({ ask = "nonsense" }).problem)
    assert.are.same({ answer = 0 }, ask { ask = "connections" })
  end)

  it("says why it can't open its port, and ends", function()
    local port = start({}).port
    local other = { thread, socket }
    assert.is_truthy(start({ port = math.tointeger(port) }).problem:find("Address already in use", 1, true))
    assert.are.same({ true }, { thread:join(5) })
    other[2]:close()
  end)
end)
