-- HTTP/2 over TLS: many requests on one connection, and what each of its faults leaves of a close.

local connect = require "cloudblue.connect"
local certs = require "spec.support.certs"
local folders = require "spec.support.folder"
local handloop = require "spec.support.handloop"
local http2server = require "spec.support.http2server"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

-- Everything takes so many times as long, under valgrind or beside others.
local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

-- Seconds that an attempt may take where it is to run out of time.
local TIMEOUT <const> = 0.5 * SLOWNESS

local made

--- A service with these rules (http2server.lua) and a client of it.
---@param rules table[]?
---@param options table? of the client
---@param more table? options of the server
local function serve(rules, options, more)
  local settings = { tls = made.good, rules = rules }
  for name, value in pairs(more or {}) do settings[name] = value end
  local server = http2server.start(settings)
  local all = { caFile = made.ca, http2 = true, retries = 0 }
  for name, value in pairs(options or {}) do all[name] = value end
  local client = connect.ConnectClient(server.endpoint, service.key, all)
  return setmetatable({ server = server, client = client, records = client.usageRecords }, {
    __close = function()
      client:close()
      local problems = server:problems()
      server:stop()
      assert.same({}, problems)
    end,
  })
end

--- How many requests of that method for that record came.
local function count(account, method, id)
  local found = 0
  for _, request in ipairs(account.requests) do
    if request.method == method and request.id == id then found = found + 1 end
  end
  return found
end

--- What each connection spoke.
local function spoken(account)
  local list = {}
  for number, connection in ipairs(account.connections) do list[number] = connection.speaks end
  return list
end

--- A rule for the reply to the close of UR-1.
local function answering(...)
  return { { method = "POST", id = "UR-1", steps = { { apply = true }, ... } } }
end

setup(function() made = certs.make() end)

describe("a client with http2", function()
  it("closes 1,000 records over one connection, each once", function()
    local s <close> = serve()
    for number = 1, 1000 do
      local id = ("UR-%d"):format(number)
      assert.equal(id, assert(s.records:close(id, "B-" .. id)).id)
    end
    local account = s.server:account()
    assert.same({ "h2" }, spoken(account))
    assert.equal(1000, #account.requests)
    for number = 1, 1000 do
      local id = ("UR-%d"):format(number)
      assert.equal(1, account.applied[id])
      assert.equal("B-" .. id, account.bills[id])
    end
  end)

  it("speaks HTTP/1.1 where the service speaks nothing else", function()
    local s <close> = serve(nil, nil, { speaks = { "http/1.1" } })
    for number = 1, 3 do assert(s.records:close("UR-" .. number, "B-1")) end
    assert.same({ "http/1.1" }, spoken(s.server:account()))
  end)

  it("speaks HTTP/1.1 without TLS", function()
    local s <close> = service.answering({ service.closed("UR-1") }, { http2 = true })
    assert(s.records:close("UR-1", "B-1"))
    assert.matches("^POST /public/v1/usage/records/UR%-1/close HTTP/1%.1\r\n", s.raw:received()[1])
  end)

  it("gets a body without a length, interim replies and trailers", function()
    local body = '{"id":"UR-1","status":"closed","external_billing_id":"B-1","n":[1]}'
    for _, steps in ipairs {
      { { status = 200 }, { data = body, ends = true } },
      { { status = 103, headers = { link = "</x>" } }, { status = 100 }, { answer = true } },
      { { status = 200 }, { data = body:sub(1, 20) }, { data = body:sub(21) }, { trailers = { ["x-check"] = "1" } } },
    } do
      local s <close> = serve(answering(table.unpack(steps)))
      local chunk = assert(s.records:close("UR-1", "B-1"))
      assert.equal("closed", chunk.status)
      assert.is_falsy(chunk.confirmed)
    end
  end)

  it("uploads what a function gives piece by piece", function()
    local s <close> = serve({ { method = "POST", id = "UF-1", steps = {
      { status = 200, headers = { ["content-type"] = "application/json" } }, { data = '{"id":"UF-1"}', ends = true },
    } } })
    local pieces = 0
    assert(s.client.usageFiles:upload("UF-1", { name = "usage.xlsx", reader = function()
      pieces = pieces + 1
      return pieces <= 50 and ("%05d"):format(pieces):rep(1000) or nil
    end }))
    local body = s.server:account().requests[1].body
    for piece = 1, 50 do
      assert.is_truthy(body:find(("%05d"):format(piece):rep(1000), 1, true), piece)
    end
  end)

  local TOO_MUCH = {
    ["a head"] = { { status = 200, headers = { ["x-long"] = ("x"):rep(2000) } }, { data = "{}", ends = true } },
    ["an interim head"] = { { status = 103, headers = { ["x-long"] = ("x"):rep(2000) } }, { answer = true } },
    ["a body"] = { { status = 200 }, { data = ("x"):rep(500), times = 5, ends = true } },
    ["trailers"] = { { status = 200 }, { data = "{}" }, { trailers = { ["x-long"] = ("x"):rep(2000) } } },
  }

  for what, steps in pairs(TOO_MUCH) do
    it(("takes no more than maxResponseBytes of %s, and keeps the connection"):format(what), function()
      local s <close> = serve(answering(table.unpack(steps)), { maxResponseBytes = 1000 })
      local chunk, failure = s.records:close("UR-1", "B-1")
      assert.is_nil(chunk)
      assert.equal("unknown", failure.outcome)
      assert.equal("the reply has more than 1000 bytes (maxResponseBytes)", failure.message)
      assert(s.records:close("UR-2", "B-2"))
      assert.equal(1, #s.server:account().connections)
    end)
  end
end)

describe("a client without http2", function()
  it("never speaks it", function()
    local s <close> = serve(nil, { http2 = false })
    assert(s.records:close("UR-1", "B-1"))
    assert.same({ "http/1.1" }, spoken(s.server:account()))
  end)
end)

describe("a close over HTTP/2", function()
  local APPLY <const>, HALF <const> = { apply = true }, { data = '{"id":"UR-1",' }
  local HEAD <const>, LONG <const> = { status = 200 }, { status = 200, headers = { ["content-length"] = "100" } }

  -- What happens to the first close of UR-1 → whether it was carried out before that.
  local FAULTS = {
    ["is refused as a stream"] = { false, { rst = "REFUSED_STREAM" } },
    ["is carried out and refused all the same"] = { true, APPLY, { rst = "REFUSED_STREAM" } },
    ["is to be sent by HTTP/1.1"] = { false, { rst = "HTTP_1_1_REQUIRED" } },
    ["fails before it takes effect"] = { false, { rst = "INTERNAL_ERROR" } },
    ["fails after it took effect"] = { true, APPLY, { rst = "INTERNAL_ERROR" } },
    ["is reset inside its reply"] = { true, APPLY, HEAD, HALF, { rst = "CANCEL" } },
    ["is reset without an error inside its reply"] = { true, APPLY, HEAD, HALF, { rst = "NO_ERROR" } },
    ["is reset without an error before its reply's body"] = { true, APPLY, HEAD, { rst = "NO_ERROR" } },
    ["has a reply that is shorter than its length"] = { true, APPLY, LONG, { data = '{"id":"UR-1"}', ends = true } },
    ["comes behind the last that is taken"] = { false, { goaway = "NO_ERROR", last = "before" } },
    ["is answered by an error of the connection"] = {
      false, { goaway = "ENHANCE_YOUR_CALM", last = "none" }, { cut = "close" } },
    ["is on a connection that says goodbye and ends"] = {
      true, { goaway = "NO_ERROR", last = "this" }, APPLY, { cut = "close" } },
    ["is on a connection that ends"] = { false, { cut = "close" } },
    ["took effect on a connection that ends"] = { true, APPLY, { cut = "close" } },
    ["is on a connection that is reset"] = { false, { cut = "reset" } },
    ["took effect on a connection that is reset"] = { true, APPLY, { cut = "reset" } },
    ["is on a connection that ends inside its reply"] = { true, APPLY, HEAD, HALF, { cut = "close" } },
    ["is on a connection that ends inside its reply of known length"] = { true, APPLY, LONG, HALF, { cut = "close" } },
    ["is on a connection that is reset inside its reply"] = { true, APPLY, HEAD, HALF, { cut = "reset" } },
    ["is on a connection that breaks the protocol"] = { true, APPLY, { nonsense = true } },
    ["is on a connection that breaks the protocol inside its reply"] = { true, APPLY, HEAD, HALF, { nonsense = true } },
    ["has a head too large for libcurl"] = {
      true, APPLY, { status = 200, headers = { ["x-long"] = ("x"):rep(200000) } } },
    ["is never answered"] = { true, APPLY, { status = 103 } },
    ["is on a connection that falls silent"] = { false, { stall = true } },
  }

  for fault, script in pairs(FAULTS) do
    local applied = script[1]
    local rules = { { method = "POST", id = "UR-1", steps = { table.unpack(script, 2) } } }

    it(("that %s is confirmed, and done once"):format(fault), function()
      local time <close> = testenv.start {}
      local s <close> = serve(rules, { retries = 3, timeout = TIMEOUT })
      assert(s.records:close("UR-0", "B-0"))
      local chunk = assert(s.records:close("UR-1", "B-1"))
      assert.equal(1, #time.pauses())
      assert.equal(applied, chunk.confirmed or false)
      assert(s.records:close("UR-2", "B-2"))
      local account = s.server:account()
      assert.equal(applied and 1 or 2, count(account, "POST", "UR-1"))
      assert.equal(1, count(account, "GET", "UR-1"))
      assert.same({ ["UR-0"] = 1, ["UR-1"] = 1, ["UR-2"] = 1 }, account.applied)
      assert.equal("B-1", account.bills["UR-1"])
      assert.is_true(#account.connections <= 2)
    end)

    it(("that %s is unknown where nothing may confirm it, and sent once"):format(fault), function()
      local s <close> = serve(rules, { timeout = TIMEOUT })
      local chunk, failure = s.records:close("UR-1", "B-1")
      assert.is_nil(chunk)
      assert.equal("unknown", failure.outcome)
      assert.equal(1, failure.attempts)
      assert.equal(1, count(s.server:account(), "POST", "UR-1"))
    end)
  end

  it("that is the last which a connection takes is answered, and the next goes over another one", function()
    local s <close> = serve { { method = "POST", id = "UR-1", steps = {
      { goaway = "NO_ERROR", last = "this" }, { pause = 0.1 }, APPLY, { answer = true },
    } } }
    for number = 0, 3 do assert(s.records:close("UR-" .. number, "B-1")) end
    local account = s.server:account()
    assert.equal(4, #account.requests)
    assert.equal(2, account.connections[1].requests)
    assert.equal(2, account.connections[2].requests)
  end)
end)

describe("64 closes at once over HTTP/2", function()
  local N <const> = 64
  local APPLY <const>, ANSWER <const>, TOGETHER <const> = { apply = true }, { answer = true }, { gather = N }
  local LATER <const> = { pause = 0.05 }

  local function rule(times, ...)
    return { method = "POST", times = times, steps = { TOGETHER, ... } }
  end

  --- Calls fn(id, chunk, failure) for each close, by tasks.
  local function byTasks(s, ids, limit, fn)
    for id, chunk, failure in s.client:parallel(limit, ids, function(id)
      return s.records:close(id, "B-" .. id)
    end) do
      fn(id, chunk, failure)
    end
  end

  --- The same, by a coroutine of a host's loop for each.
  local function inLoop(s, ids, _, fn)
    local loop <close> = handloop.new()
    s.client:attach(loop.functions)
    for _, id in ipairs(ids) do
      loop:spawn(function() fn(id, s.records:close(id, "B-" .. id)) end)
    end
    loop:run()
    s.client:detach()
  end

  --- Closes as many records (N), so many at once (N), by tasks or another way; how many were confirmed.
  ---@return table account
  ---@return integer confirmed
  local function closeAll(s, total, limit, way)
    local items, confirmed, seen = {}, 0, {}
    for number = 1, total or N do items[number] = "UR-" .. number end
    (way or byTasks)(s, items, limit or N, function(id, chunk, failure)
      assert.is_truthy(chunk, tostring(failure))
      assert.equal(id, chunk.id)
      assert.equal("B-" .. id, chunk.external_billing_id)
      assert.is_nil(seen[id])
      seen[id] = true
      if chunk.confirmed then confirmed = confirmed + 1 end
    end)
    local account = s.server:account()
    for _, id in ipairs(items) do
      assert.is_true(seen[id])
      assert.equal(1, account.applied[id], id)
      assert.equal("B-" .. id, account.bills[id])
      assert.is_true(count(account, "POST", id) <= 2)
    end
    return account, confirmed
  end

  it("are many on one connection", function()
    local s <close> = serve { rule(N, APPLY, ANSWER) }
    local account = closeAll(s, 1000)
    assert.equal(1, #account.connections)
    assert.equal(1000, #account.requests)
  end)

  it("keep to what the service allows at once", function()
    local rules = { { method = "POST", times = N, steps = { { pause = 0.01 }, APPLY, ANSWER } } }
    local s <close> = serve(rules, nil, { streams = 10 })
    assert.equal(N, #closeAll(s).requests)
  end)

  -- What happens once all of them stand on one connection → how many are then confirmed, and how many sent again.
  local FAULTS = {
    ["whose connection ends"] = { 0, 64, { rule(N, { cut = "close" }) } },
    ["whose connection is reset"] = { 0, 64, { rule(N, { cut = "reset" }) } },
    ["whose connection ends after all took effect"] = { 64, 0, {
      { method = "POST", times = N, steps = { APPLY, TOGETHER, { cut = "close" } } } } },
    ["whose connection is reset after half took effect"] = { 32, 32, {
      { method = "POST", times = N // 2, steps = { APPLY, TOGETHER, { cut = "reset" } } },
      rule(N // 2, { cut = "reset" }) } },
    ["of which all are refused as streams"] = { 0, 64, { rule(N, { rst = "REFUSED_STREAM" }) } },
    ["of which one is refused as a stream"] = { 0, 1, {
      rule(1, { rst = "REFUSED_STREAM" }), rule(N - 1, LATER, APPLY, ANSWER) } },
    ["of which half fail after they took effect"] = { 32, 0, {
      rule(N // 2, APPLY, { rst = "INTERNAL_ERROR" }), rule(N // 2, LATER, APPLY, ANSWER) } },
    ["of which one is to be sent by HTTP/1.1"] = { 0, 1, {
      rule(1, { rst = "HTTP_1_1_REQUIRED" }), rule(N - 1, LATER, APPLY, ANSWER) } },
    ["of which none is taken any more"] = { 0, 64, {
      rule(1, { goaway = "NO_ERROR", last = "none" }), rule(N - 1, LATER, APPLY, ANSWER) } },
    ["of which half are taken"] = { 0, 32, {
      rule(N // 2 - 1, LATER, APPLY, ANSWER), rule(1, { goaway = "NO_ERROR", last = "this" }, APPLY, ANSWER),
      rule(N // 2) } },
    ["which are the last that a connection takes"] = { 0, 0, {
      rule(1, { goaway = "NO_ERROR", last = "all" }, APPLY, ANSWER), rule(N - 1, LATER, APPLY, ANSWER) } },
    ["whose connection breaks the protocol"] = { 0, 64, {
      rule(1, { nonsense = true }), rule(N - 1, { pause = 0.2 }) } },
    ["whose connection falls silent"] = { 0, 64, { rule(1, { stall = true }), rule(N - 1) } },
  }

  local function checkFault(wanted, way)
    local s <close> = serve(wanted[3], { retries = 5, timeout = 2 * TIMEOUT })
    local account, confirmed = closeAll(s, N, N, way)
    for place = 1, N do assert.equal(1, account.requests[place].connection) end
    assert.equal(wanted[1], confirmed)
    local posts = 0
    for _, request in ipairs(account.requests) do posts = posts + (request.method == "POST" and 1 or 0) end
    assert.equal(N + wanted[2], posts)
  end

  for fault, wanted in pairs(FAULTS) do
    it(("%s are confirmed each by itself, and done once"):format(fault), function()
      local time <close> = testenv.start {}
      assert.is_table(time)
      checkFault(wanted, byTasks)
    end)

    -- A host's loop waits for a descriptor, so pauses take their time here.
    it(("%s in a host's loop are confirmed each by itself, and done once"):format(fault), function()
      checkFault(wanted, inLoop)
    end)
  end

  it("get through where each connection takes but a few", function()
    local time <close> = testenv.start {}
    assert.is_table(time)
    local s <close> = serve(nil, { retries = 50 }, { most = 40 })
    closeAll(s, 120, 16)
  end)
end)

describe("a service of which a part speaks HTTP/2 and a part HTTP/1.1", function()
  -- libcurl 7.88 puts a request on a connection of HTTP/1.1 that waits for the reply to another, once it has seen
  -- HTTP/2 on any.
  local function slow(id, seconds)
    return { method = "GET", id = id, steps = { { pause = seconds * SLOWNESS }, { answer = true } } }
  end

  --- UR-1 and UR-4 fill the first connection. The second waits for the answer to UR-2 or UR-3 when UR-6 comes, and that
  --- one gives up before it comes.
  ---@return table<string, string> answers the id that came, or the failure's kind
  ---@return boolean met whether UR-6 was put on that connection, which is a matter of time
  local function meet()
    local clock <close> = serve { slow("UR-0", 0.45) }
    local s <close> = serve({ slow("UR-1", 0.3), slow("UR-2", 1), slow("UR-3", 1), slow("UR-4", 0.3) }, nil,
      { streams = 1, speaks = { "h2", "http/1.1", "h2" } })
    assert(s.records:get("UR-5"))
    local answers = {}
    local function get(id, timeout)
      local value, failure = s.client:request("GET", "/usage/records/" .. id, { timeout = timeout })
      answers[id] = value and value.id or failure.kind
    end
    local works = {
      function()
        get("UR-1")
        get("UR-4")
      end,
      function() get("UR-2", 0.6 * SLOWNESS) end,
      function() get("UR-3", 0.6 * SLOWNESS) end,
      function()
        assert(clock.records:get("UR-0"))
        get("UR-6")
      end,
    }
    for _ in s.client:parallel(4, works, function(work) work() end) do end
    return answers, s.server:account().connections[2].requests == 2
  end

  it("gives nobody the answer to somebody else", function()
    local answers, met
    local attempts = 0
    repeat
      attempts = attempts + 1
      answers, met = meet()
      for id, answer in pairs(answers) do
        assert.is_true(answer == id or answer == "transport", id .. ": " .. answer)
      end
    until met or attempts == 5
    assert.is_true(met)
    assert.same({
      ["UR-1"] = "UR-1", ["UR-2"] = "transport", ["UR-3"] = "transport", ["UR-4"] = "UR-4", ["UR-6"] = "transport",
    }, answers)
  end)

  it("closes each record once", function()
    local time <close> = testenv.start {}
    assert.is_table(time)
    local s <close> = serve(nil, { retries = 20 }, { most = 10, speaks = { "h2", "http/1.1", "h2", "http/1.1" } })
    local items = {}
    for number = 1, 100 do items[number] = "UR-" .. number end
    for id, chunk in s.client:parallel(32, items, function(id) return s.records:close(id, "B-" .. id) end) do
      assert.equal(id, chunk.id)
    end
    local account = s.server:account()
    for _, id in ipairs(items) do assert.equal(1, account.applied[id]) end
  end)

  it("that has HTTP/1.1 alone is asked over as many connections as there are requests at once", function()
    local s <close> = serve({ { method = "GET", times = 8, steps = { { pause = 0.1 }, { answer = true } } } },
      nil, { speaks = { "http/1.1" } })
    local items = {}
    for number = 1, 8 do items[number] = "UR-" .. number end
    for id, value in s.client:parallel(8, items, function(id) return s.records:get(id) end) do
      assert.equal(id, value.id)
    end
    assert.equal(8, #s.server:account().connections)
  end)
end)

describe("a read over HTTP/2", function()
  it("that a service refuses as a stream is sent again", function()
    local s <close> = serve { { method = "GET", id = "UR-1", steps = { { rst = "REFUSED_STREAM" } } } }
    assert.equal("UR-1", assert(s.records:get("UR-1")).id)
    assert.equal(2, count(s.server:account(), "GET", "UR-1"))
  end)

  it("that ends nowhere near where its JSON does is a failure", function()
    for _, steps in ipairs {
      { { data = "12", ends = true } }, { { data = '{"id":"UR-1"' }, { rst = "NO_ERROR" } },
      { { data = '{"id":"UR-1"' }, { nonsense = true } },
    } do
      local s <close> = serve { { method = "GET", id = "UR-1", steps = { { status = 200 }, table.unpack(steps) } } }
      local value, failure = s.records:get("UR-1")
      assert.is_nil(value)
      assert.equal("transport", failure.kind)
    end
  end)
end)

describe("a download by a client with http2", function()
  local FILE = ("0123456789"):rep(20000)

  local function downloading(...)
    return { { method = "GET", id = "UFC-1", steps = { { status = 200 }, ... } } }
  end

  it("comes by HTTP/1.1, whose chunks say that it is whole", function()
    local s <close> = serve(downloading { data = FILE, times = 3, ends = true })
    assert(s.records:close("UR-0", "B-0"))
    assert.equal(FILE:rep(3), (assert(s.client.usageChunks:download("UFC-1"))))
    assert(s.records:close("UR-1", "B-1"))
    assert.same({ "h2", "http/1.1" }, spoken(s.server:account()))
  end)

  it("has its connection for itself", function()
    local s <close> = serve({
      { method = "GET", id = "UFC-1", steps = { { pause = 0.4 }, { status = 200 }, { data = FILE, ends = true } } },
      { method = "POST", times = 20, steps = { { pause = 0.05 }, { apply = true }, { answer = true } } },
    }, nil, { streams = 1 })
    assert(s.records:close("UR-0", "B-0"))
    local works = { function() return s.client.usageChunks:download("UFC-1") end }
    for number = 1, 20 do
      works[number + 1] = function() return s.records:close("UR-" .. number, "B-" .. number) end
    end
    for _, value, failure in s.client:parallel(3, works, function(work) return work() end) do
      assert.is_truthy(value, tostring(failure))
      if type(value) == "string" then assert.equal(FILE, value) end
    end
    for number = 1, 20 do assert.equal(1, s.server:account().applied["UR-" .. number]) end
  end)

  it("that breaks off leaves the file as it was", function()
    local home <close> = folders.make()
    home:write("out.bin", "before")
    local s <close> = serve(downloading({ data = FILE }, { cut = "close" }))
    assert(s.records:close("UR-0", "B-0"))
    local value, failure = s.client.usageChunks:download("UFC-1", home:path("out.bin"))
    assert.is_nil(value)
    assert.equal("transport", failure.kind)
    assert.equal("before", home:read("out.bin"))
    assert.same({ "out.bin" }, home:list())
  end)
end)

-- Nothing marks there which request a reply belongs to: see transport_spec.lua.
describe("a server of HTTP/1.1 that sends what nobody asked for", function()
  it("is believed by no client with http2, either", function()
    local raw <close> = rawserver.start {
      handler = "spec.support.hostile", seed = 20261124, tls = made.good,
      tricks = { "whole", "apart", "chunked", "doubled", "stale", "hidden", "cut", "chunks", "later", "idle" },
    }
    local client <close> = connect.ConnectClient(raw.url, service.key, { http2 = true, retries = 0, caFile = made.ca })
    local answers = {}
    for number = 1, 300 do
      local id = "UR-" .. number
      local chunk, failure = client.usageRecords:close(id, "B-" .. id)
      answers[id] = chunk and chunk.id == id and chunk.status or failure.errorCode or failure.outcome
      raw:connections() -- whoever is asked now has sent everything
    end
    local account = raw:account()
    local unknown = 0
    for id, did in pairs(account.did) do
      assert.equal(1, account.posts[id])
      if answers[id] == "unknown" then unknown = unknown + 1 else assert.equal(did, answers[id], id) end
    end
    assert.is_true(unknown <= account.played.hidden + account.played.cut)
    assert.same({}, raw:problems())
  end)
end)
