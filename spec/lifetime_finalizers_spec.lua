-- Finalizers that go on with what is collected together with them: Lua calls them one after the other, in an order that
-- nobody chooses, so a call may be gone on with whose client, file or job has had its finalizer. Each script runs in a
-- process of its own, which what is freed too early would end; the sanitizers look on as well.

local child = require "spec.support.child"
local folders = require "spec.support.folder"
local sandboxes = require "cloudblue.connect.sandbox"

local PRELUDE <const> = [[
  local connect = require "cloudblue.connect"
  local ID <const>, CHUNK <const> = "UR-2026-01-0000-0000-0000-0001", "UFC-2026-01-0000-0000-001"
  local function newClient()
    return connect.ConnectClient(os.getenv "ENDPOINT", os.getenv "KEY", { retries = 0 })
  end
  -- A loop that does nothing by itself.
  local function idle(watch)
    return {
      watch = watch or function() return function() end end,
      token = function()
        local thread, main = coroutine.running()
        return not main and thread or nil
      end,
      park = function() coroutine.yield() end,
      wake = function() end,
    }
  end
]]

describe("a finalizer", function()
  local sandbox

  before_each(function() sandbox = sandboxes.start { records = 5, chunks = 2 } end)
  after_each(function() sandbox:stop() end)

  local function output(script, environment)
    environment = environment or {}
    environment.ENDPOINT, environment.KEY = sandbox.endpoint, sandbox.apiKey
    local process <close> = child.start(PRELUDE .. script, environment)
    return (process:rest())
  end

  for how, expected in pairs {
    ["coroutine.resume(kept)"] = "true nil the client was closed",
    ["coroutine.close(kept)"] = "true nil nil",
    ["true, (function() kept = nil collectgarbage() collectgarbage() end)()"] = "true nil nil",
  } do
    it("may begin a call of the client that is collected with it: " .. how:match "[%w.]+", function()
      assert.equal(expected .. "\n", output(([[
        local kept
        do
          local client = newClient()
          client:attach(idle())
          setmetatable({}, { __gc = function()
            kept = coroutine.create(function() return client.usageRecords:close(ID, "B") end)
            assert(coroutine.resume(kept))
          end })
        end
        collectgarbage()
        local done, chunk, failure = %s
        print(done, chunk, failure and failure.message)]]):format(how)):gsub("\t", " "))
    end)
  end

  it("may make a last call of the client that is collected with it, and another one follows", function()
    assert.equal("done\n", output [[
      for _ = 1, 5 do
        local kept
        do
          local client = newClient()
          setmetatable({}, { __gc = function()
            assert(client.usageRecords:get(ID))
            kept = client
          end })
          assert(client.usageRecords:get(ID))
        end
        collectgarbage()
        collectgarbage()
        local done, problem = pcall(kept.usageRecords.get, kept.usageRecords, ID)
        assert(not done and problem:find "the client is closed", problem)
      end
      print "done"]])
  end)

  it("may close the coroutine of a call, and the next ones are sound", function()
    assert.equal("closed true\nsuspended\ndone\n", output([[
      local client = newClient()
      client:attach(idle())
      do
        local thread = coroutine.create(function() return client.usageRecords:get(ID) end)
        coroutine.resume(thread)
        client:detach()
        client:attach(idle())
        setmetatable({}, { __gc = function() print("closed", coroutine.close(thread)) end })
      end
      collectgarbage()
      -- A later one is dropped with its request on the way.
      do
        local thread = coroutine.create(function()
          return client.usageRecords:update(ID, { note = ("A"):rep(5000000) })
        end)
        coroutine.resume(thread)
        client:step()
        print(coroutine.status(thread))
        client:detach()
        client:attach(idle())
      end
      collectgarbage()
      collectgarbage()
      for _ = 1, 20 do client:step(0.01) end
      print "done"]]):gsub("\t", " "))
  end)

  it("that goes on with a download whose file was closed before it leaves no file", function()
    local folder <close> = folders.make()
    assert.matches("^nil .*: the file was collected\n$", output([[
      local client = newClient()
      assert(client.usageChunks:get(CHUNK))
      collectgarbage()
      collectgarbage "stop"
      client:attach(idle())
      do
        local thread
        local resumer = setmetatable({}, { __gc = function()
          while coroutine.status(thread) == "suspended" do
            client:step(0.05)
            local _, bytes, failure = coroutine.resume(thread)
            if coroutine.status(thread) == "dead" then print(bytes, failure) end
          end
        end })
        thread = coroutine.create(function()
          local _ = resumer
          return client.usageChunks:download(CHUNK, os.getenv "FILE")
        end)
        coroutine.resume(thread)
        client:detach()
        client:attach(idle())
      end
      collectgarbage "restart"
      collectgarbage()]], { FILE = folder:path "chunk.xlsx" }):gsub("\t", " "))
    assert.same({}, folder:list())
  end)

  -- The collector calls some finalizers in each of its steps, and the program goes on in between.
  local STEPS <const> = [[
    local function collectSlowly(others, keep)
      for _ = 1, others do setmetatable({}, { __gc = function() end }) end
      setmetatable({}, { __gc = keep })
    end
    local function go(isDone)
      collectgarbage("incremental", 100, 50, 1)
      collectgarbage "restart"
      for i = 1, 100000 do
        local _ = { i }
        if isDone() then break end
      end
    end
  ]]

  it("may keep a client, with which the program goes on before its own finalizer has come", function()
    assert.equal("done\n", output(STEPS .. [[
      for round = 1, 20 do
        collectgarbage()
        local kept
        do
          local client = newClient()
          assert(client.usageRecords:get(ID))
          collectgarbage "stop"
          collectSlowly(20 + 3 * round, function() kept = client end)
        end
        go(function() return kept end)
        for _ = 1, 20 do
          local done, result = pcall(kept.usageRecords.get, kept.usageRecords, ID)
          assert(done or result:find "the client is closed", result)
        end
      end
      print "done"]]))
  end)

  it("may keep the coroutine of a call, with which the program goes on before the call's own has come", function()
    assert.equal("done\n", output(STEPS .. [[
      for round = 1, 20 do
        collectgarbage()
        collectgarbage "stop"
        local kept
        local client = newClient()
        client:attach(idle())
        do
          local thread = coroutine.create(function() return client.usageRecords:get(ID) end)
          assert(coroutine.resume(thread))
          client:detach()
          collectSlowly(20 * round, function() kept = thread end)
        end
        go(function() return kept end)
        for _ = 1, 2000 do
          if coroutine.status(kept) ~= "suspended" then break end
          client:step(0.001)
          local done, result, failure = coroutine.resume(kept)
          assert(done and (failure == nil or result == nil) or tostring(result):find "the call was collected", result)
        end
      end
      print "done"]]))
  end)

  it("may close the client of a call whose loop ends the program as it begins to watch", function()
    assert.equal("closed\n", output [[
      local client = newClient()
      owner = setmetatable({}, { __gc = function()
        client:close()
        print "closed"
      end })
      client:attach(idle(function() os.exit(true, true) end))
      coroutine.wrap(function() client.usageRecords:close(ID, "B") end)()]])
  end)
end)
