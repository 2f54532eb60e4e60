-- A call is held by its userdata: whatever Lua code runs in the middle of it, a debug hook or a finalizer, finds
-- nothing that it could take away, and the answer stays true. (Memory errors show under AddressSanitizer for certain:
-- make memcheck.)

local connect = require "cloudblue.connect"
local interference = require "spec.support.interference"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

-- What a hook, or a reader, raises.
local MINE = { "an error of the host" }

-- Places in a call that are tried; all of them: INTERFERENCE_PLACES=100000.
local PLACES = math.tointeger(tonumber(os.getenv "INTERFERENCE_PLACES")) or 8

local CHUNK = "UFC-2026-01-0000-0000-001"


local sb, used

-- How many requests and entries of the journal are known.
local known = { requests = 0, journal = 0 }

--- The id of a record that no other call has: a request of a call that was broken off may come late.
local function newRecord()
  used = used + 1
  return ("UR-2026-01-0000-0000-%04d-%04d"):format(used // 10000, used % 10000)
end

local function reader()
  local left = 3
  return function()
    left = left - 1
    return left >= 0 and ("piece"):rep(100) or nil
  end
end

-- Calls of all kinds. `method` is that of the request; `fault` is what the sandbox is to do; `answer` is what comes
-- where nobody interferes.
local CALLS = {
  { name = "a close", method = "POST", closes = true, answer = "success",
    call = function(client, id) return client.usageRecords:close(id, "B-1", "a note") end },
  { name = "a close by the bulk route", method = "POST", closes = true,
    answer = "success",
    call = function(client, id) return client.usageRecords:closeRecords("UF-2026-01-0000-0000", id, "B-1") end },
  { name = "a close that is refused", method = "POST", closes = true,
    answer = "api rejected", fault = { on = "POST /**", fault = "status", status = 400, count = "all" },
    call = function(client, id) return client.usageRecords:close(id, "B-1") end },
  { name = "a close that is put off", method = "POST", closes = true,
    answer = "success", fault = { on = "POST /**", fault = "status", status = 429, retryAfter = 3, every = 2 },
    call = function(client, id) return client.usageRecords:close(id, "B-1") end },
  { name = "a close that is confirmed", method = "POST", closes = true,
    answer = "success", fault = { on = "POST /**", fault = "reset-after", count = "all" },
    call = function(client, id) return client.usageRecords:close(id, "B-1") end },
  { name = "a close whose reply can't be read", method = "POST", closes = true,
    answer = "success", fault = { on = "POST /**", fault = "garbage", count = "all" },
    call = function(client, id) return client.usageRecords:close(id, "B-1") end },
  { name = "a close by the bulk route whose reply can't be read", method = "POST", closes = true,
    answer = "success", fault = { on = "POST /**", fault = "alter", set = { status = "closing" }, count = "all" },
    call = function(client, id) return client.usageRecords:closeRecords("UF-2026-01-0000-0000", id, "B-1") end },
  { name = "a get", method = "GET", answer = "success",
    call = function(client, id) return client.usageRecords:get(id) end },
  { name = "a search", method = "GET", answer = "success",
    call = function(client) return client.usageChunks:search({ status = "ready" }, { limit = 2 }) end },
  { name = "client:request", method = "POST", closes = true, answer = "success",
    call = function(client, id)
      local body = { external_billing_id = "B-1" }
      return client:request("POST", ("/usage/records/%s/close"):format(id), { body = body, headers = { X = "y" } })
    end },
  { name = "a download to a function", method = "GET",
    answer = "success", call = function(client)
      return client.usageChunks:download(CHUNK, function(piece) assert(#piece > 0) end)
    end },
  { name = "an upload from a function", method = "POST", answer = "success",
    call = function(client, id)
      return client.usageReconciliations:create({ name = "r.xlsx", reader = reader() }, id)
    end },
  { name = "an upload whose reader raises", method = "POST", answer = "raised " .. tostring(MINE),
    call = function(client, id)
      local read = reader()
      return client.usageReconciliations:create(function() return read() or error(MINE) end, id)
    end },
}

--- The answer in short.
local function summary(results)
  local done, value, failure = table.unpack(results, 1, 3)
  if not done then return "raised " .. tostring(value) end
  return value ~= nil and "success" or failure.kind .. " " .. failure.outcome
end

--- What is new in the sandbox's log or journal.
local function news(what)
  local list = sb[what](sb, known[what] + 1)
  known[what] = known[what] + #list
  return list
end

--- What the sandbox has seen of a call: how many requests (but those that confirm), and how often it was carried out.
local function seen(call, id)
  local requests, applied = 0, 0
  for _, request in ipairs(news "requests") do
    if request.method == call.method and request.headers["x-call"] == id then requests = requests + 1 end
  end
  for _, entry in ipairs(news "journal") do
    if entry.action == "close" and entry.id == id then applied = applied + 1 end
  end
  return requests, applied
end

local function assertSuccess(call, id, value, applied)
  if not call.closes then return end
  assert.equal(1, applied)
  assert.same({ id, "closed" }, { value.id, value.status })
end

local function assertFailure(call, failure, requests, applied)
  assert.equal("string", type(failure.message))
  assert.is_true(#failure.message > 0)
  assert.is_truthy(tostring(failure):find(call.method, 1, true))
  local outcome = failure.outcome
  if outcome == "unsent" then assert.equal(0, requests) end
  if outcome == "rejected" then assert.equal(0, applied) end
  local possible = call.method == "GET" and { unsent = true, rejected = true }
    or { unsent = true, rejected = true, unknown = true }
  assert.is_true(possible[outcome], outcome)
  if failure.kind == "cancelled" then assert.equal("the client was closed", failure.message) end
end

--- Fails unless the answer is what the sandbox has seen.
local function assertTrue(call, id, results)
  local requests, applied = seen(call, id)
  local done, value, failure = table.unpack(results, 1, 3)
  if not done and value == MINE then
    return
  elseif not done then
    assert.matches("the client is closed", value, 1, true)
    assert.same({ 0, 0 }, { requests, applied })
  elseif value ~= nil then
    assertSuccess(call, id, value, applied)
  else
    assertFailure(call, failure, requests, applied)
  end
end

--- Makes the call of a new client; `how` does so in some way of interference.lua.
local function called(hooked, how)
  local time <close> = testenv.start() -- luacheck: ignore
  local id = newRecord()
  local client <close> = connect.ConnectClient(sb.endpoint, sb.apiKey, { headers = { ["X-Call"] = id } })
  if hooked then
    client:addBeforeRequestHook(function(request) assert(request.url) end)
    client:addAfterResponseHook(function(response) assert(response.attempt) end)
  end
  return how(client, id)
end

--- Has something come between at every place of a call, or at some of all of them, and judges what comes of it.
local function everywhere(call, kind, act, judge)
  sb:configure { faults = { call.fault } }
  for _, hooked in ipairs { false, true } do
    local events = called(hooked, function(client, id)
      return interference.count(kind, call.call, client, id)
    end)
    assert.is_true(events > 0)
    for _, n in ipairs(interference.places(kind, events, PLACES)) do
      called(hooked, function(client, id)
        local results = interference.at(kind, n, function() act(client) end, call.call, client, id)
        if not results then return end
        assertTrue(call, id, results)
        judge(results)
      end)
    end
  end
end

describe("in the middle of", function()
  setup(function()
    sb, used = assert(sandbox.start { records = 60000, requestLog = 100000 }), 10
  end)

  teardown(function()
    local problems = sb:problems()
    sb:stop()
    assert.same({}, problems)
  end)

  for _, call in ipairs(CALLS) do
    for kind in pairs(interference.kinds) do
      -- Before, a client closed while the reply was read, or the failure made, was asked for what it had no more.
      it(("%s, the client may be closed (%s)"):format(call.name, kind), function()
        local answers = {}
        everywhere(call, kind, function(client) client:close() end, function(results)
          answers[summary(results)] = true
        end)
        -- At the latest when the whole reply was there.
        assert.is_truthy(answers[call.answer] or answers["cancelled unknown"] or answers["cancelled rejected"])
      end)
    end

    for _, kind in ipairs { "call", "return", "finalizer" } do
      -- That call drives this one's transfer as well, and takes memory that this one has let go of.
      it(("%s, another call of the client may be made (%s)"):format(call.name, kind), function()
        local inner, other
        everywhere(call, kind, function(client)
          other = newRecord()
          inner = table.pack(pcall(client.usageRecords.get, client.usageRecords, other))
        end, function(results)
          assert.is_true(inner[1], inner[2])
          assert.equal(other, assert(inner[2], inner[3]).id)
          assert.equal(call.answer, summary(results))
        end)
      end)
    end

    for _, kind in ipairs { "call", "return", "line", "count" } do
      -- Raised while lua-cjson read a reply, it was taken for what is wrong with the reply.
      it(("%s, a debug hook's error ends it and reaches the caller (%s)"):format(call.name, kind), function()
        everywhere(call, kind, function() error(MINE) end, function(results)
          assert.equal(MINE, results[2])
        end)
      end)

      it(("%s, all that is garbage may be collected (%s)"):format(call.name, kind), function()
        everywhere(call, kind, function() collectgarbage() end, function(results)
          assert.equal(call.answer, summary(results))
        end)
      end)
    end
  end
end)

-- ==== What C points to =================================================

--- Collects, and takes freed memory of some sizes for other strings: what is still pointed to then reads as "#".
local function churn(...)
  for _ = 1, 2 do collectgarbage() end
  for _, size in ipairs { ... } do
    local kept, taken = {}, 0
    for number = 1, size < 100000 and 300 or 10 do kept[number] = ("#"):rep(size - 4) .. ("%04d"):format(number) end
    for _, text in ipairs(kept) do taken = taken + #text end
    assert(taken == size * #kept)
  end
end

--- A string that nobody else holds.
local function fresh(head, size)
  return head .. ("v"):rep(size - #head - 1) .. tostring(#head % 10)
end

local function empty(list)
  for name in pairs(list) do list[name] = nil end
end

describe("what a call was given stays as it was, though nobody else holds it:", function()
  --- A service that puts the first two requests off, and a client of it.
  local function puttingOff(reply)
    local later = rawserver.reply(429, "", { ["Retry-After"] = "0" })
    return service.answering({ later, later, reply }, { retries = 3 })
  end

  --- Requests that are alike, so many.
  local function assertAlike(s, count)
    local requests = s:requests()
    assert.equal(count, #requests)
    for _, request in ipairs(requests) do
      assert.equal(requests[1].head, request.head)
      assert.equal(requests[1].body, request.body)
      assert.is_nil((request.head .. request.body):find("#", 1, true))
    end
    return requests[1]
  end

  it("headers of a request, whose table a hook empties", function()
    local time <close> = testenv.start() -- luacheck: ignore
    for _, size in ipairs { 20, 100, 5000 } do
      local s <close> = puttingOff(rawserver.reply(200, "{}"))
      local headers = {}
      for number = 1, 20 do headers[fresh("X-" .. number .. "-", size)] = fresh("value of " .. number .. "-", size) end
      local expected = {}
      for name, value in pairs(headers) do expected[name:lower() .. "!"] = value .. "!" end
      s.client:addBeforeRequestHook(function()
        empty(headers)
        churn(size, size + 1, 2 * size + 1)
      end)
      assert(s.client:request("GET", "/x", { headers = headers }))
      local request = assertAlike(s, 3)
      for name, value in pairs(expected) do assert.equal(value, request.headers[name:sub(1, -2)] .. "!") end
    end
  end)

  it("headers of the client's options", function()
    for _, size in ipairs { 20, 100 } do
      local raw <close> = rawserver.start { replies = { rawserver.reply(200, "{}") } }
      local value = fresh("value-", size)
      local options = { headers = { [fresh("X-", size)] = value }, userAgent = fresh("agent-", size), retries = 0 }
      local expected = value .. "!"
      value = nil -- luacheck: ignore
      local client <close> = connect.ConnectClient(raw.url, fresh("key-", size), options)
      empty(options.headers)
      empty(options)
      churn(size, size + 1)
      assert(client:request("GET", "/x"))
      local text = raw:received()[1]
      assert.is_truthy(text:find(": " .. expected:sub(1, -2) .. "\r\n", 1, true), text)
      assert.is_nil(text:find("#", 1, true))
    end
  end)

  it("query, body and method of a request, whose options a hook empties", function()
    local time <close> = testenv.start() -- luacheck: ignore
    local s <close> = puttingOff(rawserver.reply(200, "{}"))
    local body = { text = fresh("text-", 3000) }
    local options = { query = fresh("like(a,", 3000) .. ")", body = body }
    s.client:addBeforeRequestHook(function()
      empty(body)
      empty(options)
      churn(3000, 3001, 3011)
    end)
    assert(s.client:request("PUT", "/x", options))
    assertAlike(s, 3)
  end)

  it("billing id and note of a close, until it is confirmed", function()
    local time <close> = testenv.start() -- luacheck: ignore
    for _, size in ipairs { 30, 90 } do
      local s <close> = service.scripted({
        { { read = "request" }, { reset = true } },
        { { read = "request" }, { send = service.closed(fresh("UR-", size), fresh("B-", size)) } },
      }, { retries = 1 })
      s.client:addBeforeRequestHook(function() churn(size, size + 1) end)
      local chunk = assert(s.records:close(fresh("UR-", size), fresh("B-", size), fresh("N", 70)))
      assert.is_true(chunk.confirmed)
    end
  end)

  it("name, bytes and note of an upload", function()
    local time <close> = testenv.start() -- luacheck: ignore
    for _, size in ipairs { 30, 100000 } do
      local s <close> = puttingOff(rawserver.reply(201, "{}"))
      local file = { name = fresh("name-", 60) .. ".xlsx", content = fresh("bytes-", size) }
      s.client:addBeforeRequestHook(function()
        empty(file)
        churn(66, 50, size)
      end)
      assert(s.client.usageReconciliations:create(file, fresh("note-", 50)))
      local requests = s:requests()
      assert.equal(3, #requests)
      for _, request in ipairs(requests) do
        assert.is_truthy(request.body:find(fresh("bytes-", size), 1, true))
        assert.is_truthy(request.body:find(fresh("note-", 50), 1, true))
        assert.is_truthy(request.body:find(fresh("name-", 60), 1, true))
      end
    end
  end)

  -- A finalizer that empties the table comes while it is read as well as later.
  it("headers that a finalizer or a debug hook takes away at any time: all of them or what was left, whole", function()
    local s <close> = service.answering { rawserver.reply(200, "{}") }
    for kind in pairs(interference.kinds) do
      local function options()
        local headers = {}
        for number = 1, 12 do headers["X-" .. number] = fresh("value of " .. number .. "-", 50) end
        return { headers = headers }
      end
      local function request(given) return s.client:request("GET", "/x", given) end
      local events = interference.count(kind, request, options())
      for _, n in ipairs(interference.places(kind, events, PLACES)) do
        local given = options()
        local results = interference.at(kind, n, function()
          empty(given.headers)
          empty(given)
          churn(49, 50, 51)
        end, request, given)
        assert.is_true(results == nil or results[2] ~= nil)
      end
    end
    for _, request in ipairs(s:requests()) do
      for name, value in pairs(request.headers) do
        local number = name:match "^x%-(%d+)$"
        if number then assert.equal(fresh("value of " .. number .. "-", 50), value) end
      end
      assert.is_nil(request.head:find("#", 1, true))
    end
  end)
end)

describe("a coroutine that fails inside a call", function()
  --- Makes the call in a coroutine that a debug hook of its own ends by an error, at the n-th event after it is ready.
  local function failing(n, isReady, call, ...)
    local thread = coroutine.create(call)
    local events = 0
    debug.sethook(thread, function()
      if events > 0 or isReady() then events = events + 1 end
      if events == n then error("the coroutine fails", 0) end
    end, "c")
    assert.same({ false, "the coroutine fails" }, { coroutine.resume(thread, ...) })
  end

  local MIB = 1024 * 1024

  -- More than the system takes before the other side has read it.
  local LARGE = {
    ["client:request with a body"] = function(client)
      return client:request("PUT", "/x", { body = { text = fresh("text-", 16 * MIB) } })
    end,
    ["an upload of bytes"] = function(client)
      return client.usageReconciliations:create({ name = "r.xlsx", content = fresh("text-", 16 * MIB) })
    end,
    ["an upload from a function"] = function(client)
      return client.usageReconciliations:create(function() return fresh("text-", MIB) end)
    end,
  }

  --- A script of steps, so many times over.
  local function over(count, steps)
    local script = {}
    for _ = 1, count do table.move(steps, 1, #steps, #script + 1, script) end
    return script
  end

  for name, call in pairs(LARGE) do
    -- Its body is still being sent when nobody holds it any more. The client's next calls drive that transfer, while
    -- the collector goes through a cycle, step by step, and what it frees is taken by others.
    it("leaves nothing behind that would be sent as something else: " .. name, function()
      local slowly = over(2000, { { read = 65536 }, { pause = 0.001 } })
      local calls = over(3000, { { read = "request" }, { send = rawserver.reply(200, '{"id":"UR-1"}') } })
      local s <close> = service.scripted({ slowly, calls }, { timeout = 20 })
      collectgarbage()
      collectgarbage "stop"
      failing(1, function() return s.raw:connections() == 1 end, call, s.client)
      local done, kept, rounds = false, {}, 0
      setmetatable({}, { __gc = function() done = true end })
      collectgarbage("incremental", 200, 100, 6)
      repeat
        rounds = rounds + 1
        collectgarbage("step", 0)
        assert(s.records:get "UR-1")
        kept[rounds] = ("#"):rep(rounds % 50 == 0 and MIB or 3000) .. rounds
      until done or rounds == 3000
      collectgarbage("incremental", 200, 100, 13)
      collectgarbage "restart"
      assert.is_true(done and rounds > 30 and #kept == rounds, rounds .. " rounds")
      assert.is_nil(s.raw:received()[1]:find("#", 1, true))
    end)
  end

  it("is done with: the client keeps none of it, and makes other calls", function()
    local weak = setmetatable({}, { __mode = "v" })
    local s <close> = service.answering { rawserver.reply(200, '{"id":"UR-1"}') }
    for n = 1, 6 do
      failing(n, function() return true end, function(client)
        weak.headers = { ["X-A"] = "b" }
        return client:request("POST", "/x", { headers = weak.headers, body = { 1, 2, 3 } })
      end, s.client)
      assert.equal("UR-1", assert(s.records:get "UR-1").id)
    end
    for _ = 1, 3 do collectgarbage() end
    assert.is_nil(next(weak))
  end)
end)
