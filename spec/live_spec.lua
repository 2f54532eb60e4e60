-- The clients of a state that have parked calls: what is in flight for them goes on while another client's call blocks.

local connect = require "cloudblue.connect"
local gate = require "spec.support.gate"
local plainloop = require "spec.support.plainloop"
local service = require "spec.support.service"

local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

local function close(records, id)
  return function() return (assert(records:close(id, "B-1"))) end
end

--- Clients of a service, each attached to the loop.
local function attached(s, loop, count)
  local clients = {}
  for index = 1, count do
    clients[index] = connect.ConnectClient(s.raw.url .. "/public/v1", service.key, { retries = 0 })
    clients[index]:attach(loop.functions)
  end
  return clients
end

local function closeAll(clients)
  for _, client in ipairs(clients) do client:close() end
end

describe("a client with a parked call", function()
  it("sends and receives while another client's call blocks", function()
    local s <close> = gate.start { delay = 0.01 }
    local other <close> = gate.start { delay = 0.5 * SLOWNESS }
    local loop = plainloop.new()
    local clients = attached(s, loop, 3)
    finally(function() closeAll(clients) end)
    local runs = {}
    for index, client in ipairs(clients) do
      runs[index] = loop:start(close(client.usageRecords, "UR-" .. index))[1]
    end
    assert.equal("UR-9", close(other.records, "UR-9")().id)
    assert.equal(3, s.raw:account().total)
    assert.equal(0, loop:count "wake") -- which is left to the loop
    local chunks = loop:finish(runs)
    assert.same({ "UR-1", "UR-2", "UR-3" }, { chunks[1].id, chunks[2].id, chunks[3].id })
  end)

  it("goes on as long as one of its calls is parked", function()
    local reply = service.reply(200, "{}")
    local s <close> = service.scripted {
      { { read = "request" }, { send = reply }, { hang = true } },
      { { read = "request" }, { pause = 0.2 * SLOWNESS }, { send = reply }, { hang = true } },
    }
    local loop = plainloop.new()
    s.client:attach(loop.functions)
    local function request() return s.client:request("GET", "/x") end
    assert.same({ {}, {} }, loop:run(request, request))
    assert.same({ 1, 1 }, { loop:count "watch", loop:count "unwatch" })
  end)

  it("is left alone when its calls have ended, in whatever order, and may begin again", function()
    local other <close> = gate.start { delay = 0.02 }
    for _, order in ipairs { { 2, 1, 3 }, { 1, 2, 3 }, { 3, 2, 1 } } do
      local loop, services = plainloop.new(), {}
      for rank, index in ipairs(order) do services[index] = gate.start { delay = 0.03 * rank } end
      for _, s in ipairs(services) do s.client:attach(loop.functions) end
      for _ = 1, 2 do
        local runs = {}
        for index, s in ipairs(services) do runs[index] = loop:start(close(s.records, "UR-" .. index))[1] end
        assert.equal("UR-9", close(other.records, "UR-9")().id)
        for index, chunk in ipairs(loop:finish(runs)) do assert.equal("UR-" .. index, chunk.id) end
        assert.is_nil(next(loop.watched))
        assert.equal("UR-9", close(other.records, "UR-9")().id)
      end
      for _, s in ipairs(services) do s:stop() end
    end
  end)

  it("may be collected with the loop and all that waits in it", function()
    local s <close> = gate.start { delay = 0.02 }
    local other <close> = gate.start { delay = 0.05 }
    local kept = setmetatable({}, { __mode = "k" })
    do
      local loop = plainloop.new()
      local clients = attached(s, loop, 2)
      for index, client in ipairs(clients) do
        loop:start(close(client.usageRecords, "UR-" .. index))
        kept[client] = true
      end
    end
    collectgarbage()
    collectgarbage()
    assert.is_nil(next(kept))
    assert.equal("UR-9", close(other.records, "UR-9")().id)
  end)
end)
