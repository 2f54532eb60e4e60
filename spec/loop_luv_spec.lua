-- cloudblue.connect.loop.luv: calls wait in libuv's loop.

local child = require "spec.support.child"
local connect = require "cloudblue.connect"
local gate = require "spec.support.gate"
local loop = require "cloudblue.connect.loop.luv"
local loops = require "spec.support.loops"
local loopservice = require "spec.support.loopservice"
local stage = require "spec.support.stages.luv"
local stepping = require "spec.support.stepping"
local uv = require "luv"

local function handles()
  local count = 0
  uv.walk(function(handle)
    if not handle:is_closing() then count = count + 1 end
  end)
  return count
end

describe("in libuv's loop", function()
  loops.inProcess(stage)

  it("leaves no handle in the loop", function()
    uv.run()
    assert.equal(0, handles())
  end)
end)

describe("the loop of luv", function()
  local raw, clients

  setup(function() raw = loopservice.start() end)
  teardown(function() raw:stop() end)
  before_each(function() clients = {} end)
  after_each(function()
    for _, client in ipairs(clients) do client:close() end
    uv.run()
  end)

  local function attached(way)
    local client = connect.ConnectClient(("%s/%s/v1"):format(raw.url, way), "ApiKey SU-000-000-000:x", { retries = 0 })
    client:attach(loop)
    table.insert(clients, client)
    return client
  end

  it("has a call block where no coroutine runs", function()
    assert.is_nil(loop.token())
    assert.equal("closed", assert(attached("fast").usageRecords:close("UR-1", "B-1")).status)
  end)

  it("goes on with its calls when it was stopped and runs again", function()
    local client, chunk = attached("slow"), nil
    coroutine.wrap(function() chunk = client.usageRecords:close("UR-2", "B-1") end)()
    uv.stop()
    uv.run()
    assert.is_nil(chunk)
    uv.run()
    assert.equal("closed", chunk.status)
  end)

  it("ends calls of a client that was closed while the loop did not run", function()
    local client, failure = attached("hang"), nil
    coroutine.wrap(function() failure = select(2, client.usageRecords:close("UR-3", "B-1")) end)()
    uv.run("nowait")
    client:close()
    uv.run()
    assert.equal("cancelled", failure.kind)
    assert.equal(0, handles())
  end)

  -- A generator's consumer would take nil for the end of what it walks through.
  it("gives a generator's consumer something that it can't take for a value", function()
    local client = attached("hang")
    local generator = coroutine.wrap(function() coroutine.yield(client.usageRecords:get("UR-4")) end)
    local value = generator()
    assert.equal(loop.waiting, value)
    for _, use in ipairs {
      function() return value.id end,
      function() value.id = 1 end,
      function() return value() end,
    } do
      local done, problem = pcall(use)
      assert.is_false(done)
      assert.matches("a call waits here, but not in a coroutine of the loop", problem)
    end
  end)

  it("lets a coroutine go on that somebody else resumed meanwhile", function()
    local client, chunk = attached("slow"), nil
    local thread = coroutine.create(function() chunk = client.usageRecords:close("UR-5", "B-1") end)
    assert(coroutine.resume(thread))
    assert(coroutine.resume(thread))
    assert.equal("suspended", coroutine.status(thread))
    uv.run()
    assert.equal("closed", chunk.status)
    assert.equal("dead", coroutine.status(thread))
  end)

  it("resumes no coroutine that has gone on meanwhile, and waits for something else", function()
    local token, resumed
    local thread = coroutine.create(function()
      token = loop.token()
      loop.park(token)
      coroutine.yield("something else")
      resumed = true
    end)
    assert(coroutine.resume(thread))
    loop.wake(token)
    assert.same({ true, "something else" }, { coroutine.resume(thread) })
    uv.run()
    assert.is_nil(resumed)
  end)

  it("raises what a coroutine raises in the loop, with its traceback, and closes what it has to", function()
    local script = ([[
      local connect = require "cloudblue.connect"
      local uv = require "luv"
      local client = connect.ConnectClient("%s/slow/v1", "ApiKey SU-000-000-000:x")
      client:attach(require "cloudblue.connect.loop.luv")
      local function closeAndFail()
        local guard <close> = setmetatable({}, { __close = function() print("the guard is closed") end })
        assert(client.usageRecords:close("UR-6", "B-1"))
        error("a mistake of the program")
      end
      coroutine.wrap(function() closeAndFail() end)()
      io.stdout:setvbuf("no")
      uv.run()
      print("the loop went on")
    ]]):format(raw.url)
    local printed = child.run(script)
    assert.matches("a mistake of the program", printed)
    assert.matches("closeAndFail", printed)
    assert.matches("the guard is closed", printed)
    assert.is_nil(printed:find("the loop went on", 1, true))
  end)

  -- See queue.lua.
  for number = 1, 20 do
    it(("loses none that it wakes when a debug hook wakes others, at instruction %d"):format(number),
      function()
        local s <close> = gate.start { hold = 8 }
        local closed = 0
        s.client:attach(loop)
        stepping(s.client, "/loop/luv.lua", number, function()
          for i = 1, 16 do
            coroutine.wrap(function()
              assert(s.records:close("UR-" .. i, "B-1"))
              closed = closed + 1
            end)()
          end
          local guard = uv.new_timer()
          guard:unref()
          guard:start(20000, 0, uv.stop)
          uv.run()
          guard:close()
        end)
        assert.equal(16, closed)
      end)
  end
end)
