-- Lifetimes: what keeps what alive, that nothing outlives its last user, and ends in every order.

local connect = require "cloudblue.connect"
local child = require "spec.support.child"
local cqueues = require "cqueues"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local KEY = service.key

--- Everything that can be collected is, finalizers run and what they freed is collected too.
local function collect()
  for _ = 1, 3 do collectgarbage() end
end

local function weak()
  return setmetatable({}, { __mode = "v" })
end

--- A service that answers everything with this.
local function server(bytes)
  return rawserver.start { replies = { bytes or service.closed("UFC-1") } }
end

local function clientOf(raw, options)
  options = options or {}
  options.retries = options.retries or 0
  return connect.ConnectClient(raw.url, KEY, options)
end

describe("the weak table of these specs", function()
  it("shows what is kept as kept", function()
    local seen, client = weak(), connect.ConnectClient("http://127.0.0.1:1", KEY)
    seen.client, seen.records = client, client.usageRecords
    collect()
    assert.equal(client, seen.client)
    assert.equal(client.usageRecords, seen.records)
    client:close()
  end)
end)

describe("a chunk", function()
  it("keeps its client alive, and goes with it", function()
    local raw <close> = server()
    local seen = weak()
    local chunk
    do
      local client = clientOf(raw)
      seen.client = client
      chunk = assert(client.usageRecords:close("UFC-1", "B-1"))
    end
    collect()
    assert.is_truthy(seen.client)
    assert.equal("UsageChunk UFC-1 (closed)", tostring(assert(chunk:refresh())))
    assert.equal(1, raw:connections())
    seen.chunk, seen.data = chunk, chunk.data
    chunk = nil -- luacheck: ignore
    collect()
    assert.same({}, seen)
  end)

  it("of a chunk keeps the client alive without the first", function()
    local raw <close> = server()
    local seen = weak()
    local last = assert(clientOf(raw).usageChunks:get("UFC-1"))
    for _ = 1, 3 do
      seen.previous = last
      last = assert(last:refresh())
      collect()
      assert.is_nil(seen.previous)
    end
    assert.equal("closed", last.status)
  end)

  it("keeps its fields after the client was closed, and raises when it is to act", function()
    local raw <close> = server()
    local client = clientOf(raw)
    local chunk = assert(client.usageRecords:close("UFC-1", "B-1"))
    client:close()
    client = nil -- luacheck: ignore
    collect()
    assert.equal("closed", chunk.status)
    assert.equal("B-1", chunk.data.external_billing_id)
    assert.matches("the client is closed", service.misuse(function() return (chunk:refresh()) end), 1, true)
  end)

  it("gives an iterator and data that outlive it", function()
    local raw <close> = server()
    local chunk = assert(clientOf(raw).usageRecords:close("UFC-1", "B-1"))
    local seen, data = weak(), chunk.data
    local next = pairs(chunk)
    seen.chunk = chunk
    chunk = nil -- luacheck: ignore
    collect()
    assert.is_nil(seen.chunk)
    assert.equal("UFC-1", data.id)
    local count = 0
    for _ in next, nil, nil do count = count + 1 end
    assert.equal(3, count)
  end)
end)

describe("a resource", function()
  it("keeps its client alive, and goes with it", function()
    local raw <close> = server()
    local seen = weak()
    for _, resource in ipairs {
      clientOf(raw).usageRecords, clientOf(raw).usageChunks, clientOf(raw):resource("/x"),
      clientOf(raw).usageRecords:collection("UR-1", "things"),
    } do
      seen[#seen + 1] = resource.client
      collect()
      assert.equal("UFC-1", assert(resource:get("UFC-1")).id)
    end
    collect()
    assert.same({}, seen)
  end)
end)

describe("a failure", function()
  it("keeps neither client nor hooks alive", function()
    local raw <close> = server(rawserver.reply(404, '{"error_code":"X","errors":["no"]}'))
    local seen = weak()
    local failure
    do
      local client = clientOf(raw)
      local hook = function() return client end
      client:addBeforeRequestHook(hook)
      seen.client, seen.hook, seen.records = client, hook, client.usageRecords
      failure = select(2, client.usageRecords:close("UR-1", "B-1"))
    end
    collect()
    assert.same({}, seen)
    assert.equal("POST /usage/records/UR-1/close: 404 X: no", tostring(failure))
    seen.failure, seen.errors = failure, failure.errors
    failure = nil -- luacheck: ignore
    collect()
    assert.same({}, seen)
  end)
end)

describe("nothing outlives its last user", function()
  --- Makes a client of the service, has something done with it, and drops it.
  local function leavesNothing(bytes, work)
    local raw <close> = server(bytes)
    local seen = weak()
    do
      local client = clientOf(raw, { timeout = 5 })
      seen.client, seen.records, seen.chunks = client, client.usageRecords, client.usageChunks
      work(client, seen)
    end
    collect()
    local left = next(seen)
    assert.is_nil(left, tostring(left))
  end

  it("after successes", function()
    leavesNothing(nil, function(client, seen)
      for _ = 1, 10 do
        seen[#seen + 1] = assert(client.usageRecords:close("UFC-1", "B-1"))
        seen[#seen + 1] = assert(client:request("GET", "/x", { headers = { A = "b" }, body = { { 1 } } }))
      end
    end)
  end)

  it("after lists", function()
    leavesNothing(rawserver.reply(200, '[{"id":"UR-1"}]', { ["Content-Range"] = "items 0-0/1" }), function(client, seen)
      for _ = 1, 10 do
        seen[#seen + 1] = select(2, assert(client.usageRecords:search { status = "approved" }))
        seen[#seen + 1] = assert(client.usageRecords:first { status = "approved" })
        for record in client.usageRecords:all("status=approved", { backwards = true }) do seen[#seen + 1] = record end
      end
    end)
  end)

  it("after failures", function()
    leavesNothing(rawserver.reply(400, '{"error_code":"X","errors":["no"]}'), function(client, seen)
      for _ = 1, 10 do
        seen[#seen + 1] = select(2, client.usageRecords:close("UR-1", "B-1"))
        seen[#seen + 1] = select(2, client:request("GET", "/x"))
      end
    end)
  end)

  it("after replies that can't be read", function()
    leavesNothing(rawserver.reply(200, '{"a":[1234567890123456789,{"b":1e999}]}'), function(client, seen)
      for _ = 1, 10 do
        seen[#seen + 1] = select(2, client.usageRecords:close("UR-1", "B-1"))
        seen[#seen + 1] = select(2, client.usageRecords:closeRecords("UF-1", "UR-1", "B-1"))
        seen[#seen + 1] = select(2, client:request("GET", "/x"))
      end
    end)
  end)

  it("after misuse", function()
    leavesNothing(nil, function(client, seen)
      local bodies = { { a = print }, { 0 / 0 }, { [1] = 1, [3] = 3 }, setmetatable({}, {}) }
      bodies[4].self = bodies[4]
      for index, body in ipairs(bodies) do
        seen["body" .. index] = body
        assert.is_false(pcall(client.request, client, "POST", "/x", { body = body }))
        assert.is_false(pcall(client.usageRecords.create, client.usageRecords, body))
      end
      assert.is_false(pcall(client.usageRecords.close, client.usageRecords, ""))
      assert.is_false(pcall(client.request, client, "POST", "/x", { headers = { ["X\n"] = "a" } }))
    end)
  end)

  for _, add in ipairs { "addBeforeRequestHook", "addAfterResponseHook" } do
    it("after errors in " .. add, function()
      leavesNothing(nil, function(client, seen)
        local problem = { "a problem that refers to the client", client }
        local raise = load "return error" ()
        local hook = function(request)
          seen.request = request
          raise(problem)
        end
        seen.problem, seen.hook = problem, hook
        client[add](client, hook)
        for _ = 1, 10 do assert.is_false(pcall(client.usageRecords.close, client.usageRecords, "UR-1", "B-1")) end
      end)
    end)

    it("after the client was closed in " .. add, function()
      leavesNothing(nil, function(client, seen)
        local hook = function() client:close() end
        seen.hook = hook
        client[add](client, hook)
        seen.chunk, seen.failure = client.usageRecords:close("UFC-1", "B-1")
        assert.equal(add == "addBeforeRequestHook" and "cancelled" or nil, seen.failure and seen.failure.kind)
      end)
    end)
  end

  it("after it was closed, whatever way", function()
    leavesNothing(nil, function(client, seen)
      seen.chunk = assert(client.usageRecords:close("UFC-1", "B-1"))
      client:close()
      assert.is_false(pcall(client.usageRecords.close, client.usageRecords, "UR-1", "B-1"))
    end)
    leavesNothing(nil, function(client)
      local again <close> = client
      assert(again.usageRecords:close("UFC-1", "B-1"))
    end)
  end)

  it("in a call that is the client's only user", function()
    local raw <close> = server()
    local seen = weak()
    local function close()
      local client = clientOf(raw)
      client:addBeforeRequestHook(collect)
      client:addAfterResponseHook(collect)
      seen.client = client
      return client.usageRecords
    end
    assert.equal("UFC-1", assert(close():close("UFC-1", "B-1")).id)
    collect()
    assert.is_nil(seen.client)
  end)

  it("in a coroutine that was left or closed", function()
    local raw <close> = server()
    local seen = weak()
    for _, close in ipairs { true, false } do
      local thread = coroutine.create(function()
        local client <close> = clientOf(raw)
        seen[#seen + 1] = client
        coroutine.yield(client.usageRecords:close("UR-1", "B-1"))
      end)
      assert.is_true(coroutine.resume(thread))
      if close then coroutine.close(thread) end
    end
    collect()
    assert.same({}, seen)
  end)
end)

describe("connections", function()
  local function descriptors()
    local stat <close> = assert(io.open("/proc/self/stat"))
    local pipe <close> = assert(io.popen(("ls /proc/%d/fd | wc -l"):format(stat:read("n"))))
    return pipe:read("n")
  end

  --- Waits until so many descriptors are open: the thread of a server that was stopped closes its last ones by itself.
  local function assertDescriptors(count)
    local patience = cqueues.monotime() + 10
    local open
    repeat open = descriptors() until open == count or cqueues.monotime() > patience
    assert.equal(count, open)
  end

  it("are given back by client:close, by the end of a block and by the collector", function()
    collect()
    local before = descriptors()
    do
      local raw <close> = server()
      for round = 1, 30 do
        local client = clientOf(raw)
        assert(client.usageRecords:close("UFC-1", "B-1"))
        if round % 3 == 0 then client:close() end
        if round % 3 == 1 then
          local block <close> = client -- luacheck: ignore
        end
      end
      assert.equal(30, raw:connections())
    end
    collect()
    assertDescriptors(before)
  end)

  it("are given back after failures of every kind", function()
    collect()
    local before = descriptors()
    do
      local raw <close> = rawserver.start {
        connections = {
          { { read = "request" }, { reset = true } },
          { { read = "request" }, { send = "HTTP/1.1 200 OK\r\nContent-Le" }, { reset = true } },
          { { read = "request" }, { send = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n" }, { hang = true } },
          { { read = "request" }, { hang = true } },
        },
      }
      for _ = 1, 4 do clientOf(raw, { timeout = 0.1 }).usageRecords:close("UR-1", "B-1") end
    end
    collect()
    assertDescriptors(before)
  end)
end)

describe("memory", function()
  it("does not grow with the number of calls", function()
    local raw <close> = server()
    local client <close> = clientOf(raw)
    local function calls(count)
      for _ = 1, count do assert(client.usageRecords:close("UFC-1", "B-1")) end
      collect()
      return collectgarbage("count")
    end
    calls(200)
    local before = calls(200)
    assert.is_true(calls(1000) - before < 16, "kilobytes")
  end)
end)

describe("an end in another order", function()
  --- Runs a script with the endpoint of a service; its output, and that it ended as a program should.
  local function run(script, bytes)
    local raw <close> = server(bytes)
    local output = child.run(('local endpoint = "%s"\n'):format(raw.url) .. [[
      local connect = require "cloudblue.connect"
      local client = connect.ConnectClient(endpoint, "key", { retries = 0 })
    ]] .. script)
    return output, raw:connections()
  end

  it("is a client used in a finalizer after its own: an error, and nothing is sent", function()
    local output, connections = run [[
      local chunk = assert(client.usageRecords:close("UFC-1", "B-1"))
      client:close()
      client = nil
      local last = setmetatable({}, { __gc = function(self)
        for _, call in ipairs {
          function() return self.client:request("GET", "/x") end,
          function() return self.records:close("UFC-1") end,
          function() return self.records:get("UFC-1") end,
          function() return self.chunk:refresh() end,
          function() return self.client:addBeforeRequestHook(print) end,
          function() return connect.UsageRecordResource(self.client) end,
        } do
          local done, message = pcall(call)
          print(done, (message:gsub("^.*:%d+: ", ""):match("the client is closed")))
        end
        print(self.client, self.client.endpoint, self.records, self.chunk, self.chunk.data.status)
        self.client:close()
      end })
      last.client = connect.ConnectClient(endpoint, "key", { retries = 0 })
      last.records, last.chunk = last.client.usageRecords, assert(last.client.usageChunks:get("UFC-1"))
      last, chunk = nil
      collectgarbage()
      print "the end"
    ]]
    assert.equal(("false\tthe client is closed\n"):rep(6)
      .. "ConnectClient (closed)\tnil\tUsageRecordResource (/usage/records)\tUsageChunk UFC-1 (closed)\tclosed\n"
      .. "the end\n", output)
    assert.equal(2, connections)
  end)

  it("is the program's, with everything open", function()
    assert.equal("UsageChunk UFC-1 (closed)\n", (run [[
      print(client.usageRecords:close("UFC-1", "B-1"))
      os.exit(true, true)
    ]]))
    assert.equal("UsageChunk UFC-1 (closed)\n", (run [[
      print(client.usageRecords:close("UFC-1", "B-1"))
      kept = client
    ]]))
  end)

  for _, add in ipairs { "addBeforeRequestHook", "addAfterResponseHook" } do
    it("is the state's, closed by " .. add .. " in the middle of a call", function()
      local output = run(([[
        client:%s(function()
          print "leaving"
          os.exit(true, true)
        end)
        client.usageRecords:close("UFC-1", "B-1")
        print "not here"
      ]]):format(add))
      assert.equal("leaving\n", output)
    end)
  end

  it("is a call in the finalizer of something else, with a client that lives", function()
    local output, connections = run [[
      setmetatable({}, { __gc = function() print(client.usageRecords:close("UFC-1", "B-1")) end })
      collectgarbage()
      print(client.usageRecords:close("UFC-1", "B-1"))
    ]]
    assert.equal(("UsageChunk UFC-1 (closed)\n"):rep(2), output)
    assert.equal(1, connections)
  end)

  it("is a hundred clients at once, in the generational mode of the collector", function()
    local output = run [[
      collectgarbage "generational"
      local chunks = {}
      for index = 1, 100 do
        local one = connect.ConnectClient(endpoint, "key", { retries = 0 })
        chunks[index] = assert(one.usageRecords:close("UFC-1", "B-1"))
        if index % 2 == 0 then chunks[index - 1] = nil end
      end
      collectgarbage()
      print(chunks[100]:refresh())
    ]]
    assert.equal("UsageChunk UFC-1 (closed)\n", output)
  end)
end)
