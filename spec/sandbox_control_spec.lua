local control = require "cloudblue.connect.sandbox.control"
local cqueues = require "cqueues"
local sockets = require "cqueues.socket"

describe("the sandbox's control channel", function()
  local here, there

  before_each(function()
    here, there = sockets.pair()
    control.open(here)
    control.open(there)
  end)

  it("takes messages over whole, one after another", function()
    assert.is_true(control.send(here, { ask = "a\nb", n = 1 }))
    assert.is_true(control.send(here, { list = { "x", false } }))
    assert.are.same({ ask = "a\nb", n = 1 }, control.receive(there))
    assert.are.same({ list = { "x", false } }, control.receive(there))
  end)

  it("takes a message of megabytes over", function()
    local queue, received = cqueues.new(), nil
    local text = ("0123456789"):rep(500000)
    queue:wrap(function() control.send(here, { text = text }) end)
    queue:wrap(function() received = control.receive(there) end)
    assert(queue:loop(10))
    assert.is_true(received.text == text)
  end)

  it("says when the other end is gone", function()
    here:close()
    assert.is_nil(control.receive(there))
    assert.is_false(control.send(there, { a = 1 }))
  end)
end)
