-- cloudblue.connect.loop.cqueues: calls wait in a controller of cqueues.

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"
local loop = require "cloudblue.connect.loop.cqueues"
local loops = require "spec.support.loops"
local loopservice = require "spec.support.loopservice"
local sockets = require "cqueues.socket"
local stage = require "spec.support.stages.cqueues"

describe("in a controller of cqueues", function()
  loops.inProcess(stage)
end)

describe("the loop of cqueues", function()
  local raw, clients

  setup(function() raw = loopservice.start() end)
  teardown(function() raw:stop() end)
  before_each(function() clients = {} end)
  after_each(function()
    for _, client in ipairs(clients) do client:close() end
  end)

  local function attached(way, theirs)
    local client = connect.ConnectClient(("%s/%s/v1"):format(raw.url, way), "ApiKey SU-000-000-000:x", { retries = 0 })
    client:attach(theirs or loop)
    table.insert(clients, client)
    return client
  end

  it("has a call block where no controller runs", function()
    assert.is_nil(loop.token())
    assert.equal("closed", assert(attached("fast").usageRecords:close("UR-1", "B-1")).status)
  end)

  it("leaves an error of a coroutine to the controller, and the other calls go on", function()
    local client, controller, closed = attached("slow"), cqueues.new(), 0
    controller:wrap(function()
      assert(client.usageRecords:get("UR-3"))
      error("a mistake of the program")
    end)
    for i = 4, 6 do
      controller:wrap(function()
        assert(client.usageRecords:close("UR-" .. i, "B-1"))
        closed = closed + 1
      end)
    end
    local ok, problem = controller:loop()
    assert.is_false(ok)
    assert.matches("a mistake of the program", problem)
    assert(controller:loop())
    assert.equal(3, closed)
  end)

  -- A controller that was not asked to let go of a descriptor waits in vain for the next one of the same number.
  it("leaves no trace of the client's descriptor in the controller", function()
    local watched
    local client = attached("hang", {
      token = loop.token,
      park = loop.park,
      wake = loop.wake,
      watch = function(fd, onReadable)
        watched = fd
        return loop.watch(fd, onReadable)
      end,
    })
    local controller, answer, opened = cqueues.new(), nil, {}
    controller:wrap(function() client.usageRecords:close("UR-7", "B-1") end)
    controller:wrap(function()
      cqueues.sleep(0.05)
      client:close()
      local pair
      repeat
        pair = { sockets.pair() }
        table.insert(opened, pair)
      until pair[1]:pollfd() == watched or pair[2]:pollfd() == watched or #opened == 100
      local ours, theirs = table.unpack(pair)
      if theirs:pollfd() == watched then ours, theirs = theirs, ours end
      assert(ours:pollfd() == watched, "the number was not used again")
      theirs:xwrite("an answer\n", "bn")
      answer = ours:xread("*l", "b", 2)
    end)
    assert(controller:loop(10))
    assert.equal("an answer", answer)
    for _, pair in ipairs(opened) do
      pair[1]:close()
      pair[2]:close()
    end
  end)

  it("serves the coroutines of two controllers", function()
    local client, one, other, closed = attached("slow"), cqueues.new(), cqueues.new(), {}
    for name, controller in pairs { one = one, other = other } do
      controller:wrap(function() closed[name] = client.usageRecords:close("UR-8-" .. name, "B-1") end)
      assert(controller:step(0))
    end
    while not (closed.one and closed.other) do
      assert(one:step(0.01))
      assert(other:step(0.01))
    end
    assert(one:loop(5))
    assert(other:loop(5))
    assert.is_true(one:empty() and other:empty())
  end)

  it("goes on in another controller when one was given up with a call in flight", function()
    local client = attached("slow")
    do
      local given = cqueues.new()
      given:wrap(function() client.usageRecords:get("UR-9") end)
      assert(given:step(0))
    end
    collectgarbage()
    local closed
    stage.run(function() closed = client.usageRecords:close("UR-10", "B-1") end)
    assert.truthy(closed)
  end)
end)
