-- cloudblue.connect.loop.polling: calls wait where a host can only sleep, either a coroutine or the whole program.

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"
local gate = require "spec.support.gate"
local loops = require "spec.support.loops"
local loopservice = require "spec.support.loopservice"
local polling = require "cloudblue.connect.loop.polling"
local stepping = require "spec.support.stepping"

describe("in a host that puts the whole program to sleep", function()
  loops.inProcess(require "spec.support.stages.polling")
end)

describe("in a host whose scripts are coroutines that can sleep", function()
  loops.inProcess(require "spec.support.stages.scripts")
end)

describe("the loop of polling", function()
  local raw, clients

  setup(function() raw = loopservice.start() end)
  teardown(function() raw:stop() end)
  before_each(function() clients = {} end)
  after_each(function()
    for _, client in ipairs(clients) do client:close() end
  end)

  local function attached(loop, way)
    local client = connect.ConnectClient(("%s/%s/v1"):format(raw.url, way), "ApiKey SU-000-000-000:x", { retries = 0 })
    client:attach(loop)
    table.insert(clients, client)
    return client
  end

  it("wants a function that sleeps", function()
    assert.has_error(function() polling(0.1) end, "bad argument #1 to 'polling' (function expected, got number)")
    assert.has_error(function() polling(cqueues.sleep, "1") end,
      "bad argument #2 to 'polling' (number of seconds expected, got string)")
  end)

  it("runs coroutines until all are over", function()
    local loop = polling(cqueues.sleep)
    local client, closed = attached(loop, "slow"), 0
    for i = 1, 5 do
      loop.spawn(function()
        assert(client.usageRecords:close("UR-" .. i, "B-1"))
        loop.spawn(function() closed = closed + 1 end)
      end)
    end
    loop.run()
    assert.equal(5, closed)
    assert.is_false(loop.step())
  end)

  it("sleeps longer and longer while nothing happens, up to the longest", function()
    local slept = {}
    local loop = polling(function(seconds)
      table.insert(slept, seconds)
      cqueues.sleep(seconds)
    end, 0.004)
    local client = attached(loop, "slow")
    loop.spawn(function() assert(client.usageRecords:close("UR-6", "B-1")) end)
    loop.run()
    assert.same({ 0.001, 0.002, 0.004, 0.004 }, table.move(slept, 1, 4, 1, {}))
  end)

  it("sleeps in a call of a coroutine that it does not run", function()
    local count = 0
    local loop = polling(function(seconds)
      count = count + 1
      cqueues.sleep(seconds)
    end)
    local client = attached(loop, "slow")
    local chunk = coroutine.wrap(function() return client.usageRecords:close("UR-7", "B-1") end)()
    assert.equal("closed", chunk.status)
    assert.is_true(count > 0)
  end)

  it("has a coroutine that yields by itself go on in the next round", function()
    local loop, rounds = polling(cqueues.sleep), 0
    loop.spawn(function()
      for _ = 1, 3 do
        rounds = rounds + 1
        coroutine.yield()
      end
    end)
    assert.is_true(loop.step())
    assert.equal(1, rounds)
    loop.run()
    assert.equal(3, rounds)
  end)

  it("resumes a coroutine once that is woken twice", function()
    local loop, token = polling(cqueues.sleep), nil
    loop.spawn(function()
      token = loop.token()
      loop.park(token)
    end)
    loop.step()
    loop.wake(token)
    loop.wake(token)
    assert.is_false(loop.step())
    assert.is_false(loop.step())
  end)

  it("is given up with calls in flight: the client's next call waits in another", function()
    local client
    do
      local given = polling(cqueues.sleep)
      client = attached(given, "slow")
      for _ = 1, 3 do given.spawn(function() client.usageRecords:get("UR-20") end) end
      given.step()
    end
    collectgarbage()
    local loop, chunk = polling(cqueues.sleep), nil
    client:attach(loop)
    loop.spawn(function() chunk = client.usageRecords:close("UR-21", "B-1") end)
    loop.run()
    assert.equal("closed", chunk.status)
  end)

  it("raises what a coroutine raises, with its traceback, and the others go on with the next round", function()
    local loop = polling(cqueues.sleep)
    local client, closed, guarded = attached(loop, "slow"), 0, false
    local function closeAndFail()
      local guard <close> = setmetatable({}, { __close = function() guarded = true end })
      assert(client.usageRecords:close("UR-8", guard and "B-1"))
      error("a mistake of the program")
    end
    loop.spawn(function() closeAndFail() end)
    for i = 9, 11 do
      loop.spawn(function()
        assert(client.usageRecords:close("UR-" .. i, "B-1"))
        closed = closed + 1
      end)
    end
    local ok, problem = pcall(loop.run)
    assert.is_false(ok)
    assert.matches("a mistake of the program", problem)
    assert.matches("closeAndFail", problem)
    assert.is_true(guarded)
    loop.run()
    assert.equal(3, closed)
  end)

  it("ends a call whose sleep fails", function()
    local loop = polling(function() error("no sleep today") end)
    local client = attached(loop, "hang")
    local ok, problem = coroutine.resume(coroutine.create(function() client.usageRecords:close("UR-12", "B-1") end))
    assert.is_false(ok)
    assert.matches("no sleep today", problem)
  end)

  -- See queue.lua.
  for number = 1, 20 do
    it(("loses none that it wakes when a debug hook wakes others, at instruction %d"):format(number),
      function()
        local s <close> = gate.start { hold = 8 }
        local loop, closed = polling(cqueues.sleep), 0
        s.client:attach(loop)
        stepping(s.client, "/loop/polling.lua", number, function()
          for i = 1, 16 do
            loop.spawn(function()
              assert(s.records:close("UR-" .. i, "B-1"))
              closed = closed + 1
            end)
          end
          loop.run()
        end)
        assert.equal(16, closed)
      end)
  end
end)
