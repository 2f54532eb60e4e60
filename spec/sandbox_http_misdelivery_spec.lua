local cqueues = require "cqueues"
local json = require "cloudblue.connect.sandbox.json"
local rawclient = require "spec.support.rawclient"
local sandbox = require "cloudblue.connect.sandbox"

describe("a fault in the sandbox", function()
  local running
  local ID = "UR-2026-01-0000-0000-0000-0001"
  local ON = "POST /usage/records/*/close"

  setup(function()
    running = assert(sandbox.start { records = 5 })
  end)

  before_each(function()
    running:reset()
  end)

  after_each(function()
    assert.are.same({}, running:problems())
  end)

  teardown(function()
    running:stop()
  end)

  --- Closes a record under a fault: gives what came back, how it ended, when; and whether it was applied.
  local function close(rule, seconds)
    rule.on = rule.on or ON
    running:configure { faults = { rule } }
    local bytes = rawclient.request(running, "POST", "/usage/records/" .. ID .. "/close",
      "{\"external_billing_id\":\"B\"}", { "Connection: close" })
    local received, ending, times = rawclient.exchange(running.port, bytes, seconds)
    local journal = running:journal()
    local applied = #journal == 1 and journal[1].external_billing_id == "B"
    assert.are.equal(applied and "closed" or "approved", running:record(ID).status)
    assert.are.equal(1, running:faults()[1].fired)
    return received, ending, applied, times
  end

  --- What came back and how it ended.
  local function ends(bytes, seconds)
    local received, ending = rawclient.exchange(running.port, bytes, seconds)
    return { received, ending }
  end

  --- The same for a close, and whether it was applied.
  local function outcome(rule, seconds)
    local received, ending, applied = close(rule, seconds)
    return { received, ending, applied }
  end

  local function head(received)
    return received:match("^HTTP/1.1 (%d+)")
  end

  it("refuse: reset, nothing applied", function()
    assert.are.same({ "", "reset", false }, outcome { fault = "refuse" })
    assert.are.equal("refuse", running:requests()[1].fault)
    assert.is_nil(running:requests()[1].status)
  end)

  it("refuse with seconds: the port is closed so long", function()
    close { fault = "refuse", seconds = 0.15 }
    local get = rawclient.request(running, "GET", "/usage/records/" .. ID, nil, { "Connection: close" })
    assert.are.same({ "", "refused" }, ends(get))
    local finish, received = cqueues.monotime() + 5, ""
    while received == "" and cqueues.monotime() < finish do
      received = rawclient.exchange(running.port, get)
    end
    assert.are.equal("200", head(received))
  end)

  it("refuse at connect: nothing is read, the next connection is let in", function()
    running:configure { faults = { { on = "connect", fault = "refuse" } } }
    local get = rawclient.request(running, "GET", "/usage/records/" .. ID, nil, { "Connection: close" })
    assert.are.same({ "", "reset" }, ends(get))
    assert.are.same({}, running:requests())
    assert.are.equal("200", head((rawclient.exchange(running.port, get))))
    assert.are.equal(2, running:connections())
  end)

  it("hang: no reply, for as long as the client waits", function()
    assert.are.same({ "", "waiting", false }, outcome({ fault = "hang" }, 0.1))
  end)

  it("hang with seconds: no reply, then closed", function()
    local received, ending, applied = close { fault = "hang", seconds = 0.05, applied = true }
    assert.are.same({ "", "closed", true }, { received, ending, applied })
  end)

  it("hang at connect: nothing is read", function()
    running:configure { faults = { { on = "connect", fault = "hang", seconds = 0.05 } } }
    local received, ending = rawclient.exchange(running.port, "GET / HTTP/1.1\r\n\r\n")
    assert.are.equal("", received)
    assert.is_true(ending == "closed" or ending == "reset", ending)
    assert.are.same({}, running:requests())
  end)

  it("hang: ended by a reset of the sandbox", function()
    running:configure { faults = { { on = "GET /usage/files", fault = "hang" } } }
    local queue, ending = cqueues.new(), nil
    queue:wrap(function()
      local get = rawclient.request(running, "GET", "/usage/files")
      ending = select(2, rawclient.exchange(running.port, get))
    end)
    queue:wrap(function()
      while #running:requests() == 0 do
        cqueues.sleep(0.005)
      end
      running:reset()
    end)
    assert(queue:loop(5))
    assert.are.equal("closed", ending)
  end)

  it("delay: applied and answered, later", function()
    local received, ending, applied, times = close { fault = "delay", seconds = 0.1 }
    assert.are.same({ "200", "closed", true }, { head(received), ending, applied })
    assert.is_true(times[1] >= 0.099)
  end)

  it("delay: applied even when the client is gone, unless there was a reset", function()
    local bytes = rawclient.request(running, "POST", "/usage/records/" .. ID .. "/close", "{}")
    for _, resets in ipairs { true, false } do
      running:reset()
      running:configure { faults = { { on = ON, fault = "delay", seconds = 0.1 } } }
      assert.are.equal("waiting", select(2, rawclient.exchange(running.port, bytes, 0.03)))
      if resets then
        running:reset()
      end
      cqueues.sleep(0.2)
      assert.are.equal(resets and 0 or 1, #running:journal())
    end
  end)

  it("slow: the reply comes in pieces, whole", function()
    local received, ending, applied, times = close { fault = "slow", bytes = 100, seconds = 0.005 }
    local length, body = received:match("content%-length: (%d+).-\r\n\r\n(.*)$")
    assert.are.same({ tonumber(length), "closed", true }, { #body, ending, applied })
    assert.is_true(#times > 4)
  end)

  it("reset-before: reset, nothing applied", function()
    assert.are.same({ "", "reset", false }, outcome { fault = "reset-before" })
  end)

  it("reset-after: reset, applied", function()
    assert.are.same({ "", "reset", true }, outcome { fault = "reset-after" })
  end)

  it("reset-middle: a part of the reply, then reset, applied", function()
    local received, ending, applied = close { fault = "reset-middle", bytes = 7 }
    assert.are.same({ "200", 7, "reset", true }, { head(received), #received:match("\r\n\r\n(.*)$"), ending, applied })
  end)

  it("truncate: a part of the reply, then closed, applied", function()
    local received, ending, applied = close { fault = "truncate" }
    local length, body = received:match("content%-length: (%d+).-\r\n\r\n(.*)$")
    assert.are.same({ tonumber(length) // 2, "closed", true }, { #body, ending, applied })
  end)

  it("garbage: 200, no JSON, applied unless it is said otherwise", function()
    local received, _, applied = close { fault = "garbage" }
    assert.are.same({ "200", true }, { head(received), applied })
    assert.is_truthy(received:find("<html>", 1, true))
    running:reset()
    assert.is_false(select(3, close { fault = "garbage", applied = false }))
  end)

  it("empty: 200 without a body, applied", function()
    local received, _, applied = close { fault = "empty" }
    assert.are.same({ "200", "", true }, { head(received), received:match("\r\n\r\n(.*)$"), applied })
  end)

  it("status: not applied, with the error object", function()
    local received, ending, applied = close { fault = "status", status = 503 }
    assert.are.same({ "503", "closed", false }, { head(received), ending, applied })
    assert.is_truthy(received:find("\"error_code\":\"FAULT_503\"", 1, true))
    assert.is_nil(received:find("retry%-after"))
    assert.are.equal(503, running:requests()[1].status)
  end)

  it("status: applied when it is said, and plain", function()
    local received, _, applied = close { fault = "status", status = 502, applied = true, plain = true }
    assert.are.same({ "502", true }, { head(received), applied })
    assert.is_truthy(received:find("content%-type: text/html\r\n.*<h1>502</h1>"))
  end)

  it("status: every status, with a body and headers as they are given", function()
    for status = 300, 599 do
      running:reset()
      local received, ending, applied = close { fault = "status", status = status, applied = status % 2 == 0 }
      assert.are.same({ tostring(status), "closed", status % 2 == 0 }, { head(received), ending, applied })
    end
    running:reset()
    local received = close { fault = "status", status = 302, body = "[{}]", headers = { Location = "/elsewhere" } }
    assert.is_truthy(received:find("^HTTP/1.1 302 .-\r\nlocation: /elsewhere\r\n"))
    assert.are.equal("[{}]", received:match("\r\n\r\n(.*)$"))
  end)

  --- The value of a reply's body.
  local function valueOf(received)
    return json.decode((received:match("\r\n\r\n(.*)$")))
  end

  it("alter: the right reply with other members, applied or not", function()
    for _, applied in ipairs { true, false } do
      running:reset()
      local set = { id = "UR-OTHER", status = "closing", external_billing_note = json.null }
      local received, ending, wasApplied = close { fault = "alter", set = set, applied = applied }
      assert.are.same({ "200", "closed", applied }, { head(received), ending, wasApplied })
      local record = valueOf(received)
      assert.are.same({ "UR-OTHER", "closing", json.null, "B" },
        { record.id, record.status, record.external_billing_note, record.external_billing_id })
      assert.are.same({ 200, applied }, { running:requests()[1].status, running:requests()[1].applied })
    end
  end)

  it("alter: without some members, with another status", function()
    local received, _, applied = close { fault = "alter", without = { "status", "item" }, status = 202 }
    local record = valueOf(received)
    assert.are.same({ "202", true, ID }, { head(received), applied, record.id })
    assert.is_nil(record.status)
    assert.is_nil(record.item)
  end)

  it("alter: each entry of a bulk reply and of a list, and no refusal", function()
    local function reply(method, path, body, rule)
      running:configure { faults = { rule } }
      return (rawclient.exchange(running.port, rawclient.request(running, method, path, body, { "Connection: close" })))
    end
    local bulk = reply("POST", "/usage/records/close-records", json.encode { { id = ID }, { id = "UR-none" } },
      { on = "POST /usage/records/close-records", fault = "alter", set = { status = "closing" }, applied = false })
    assert.are.equal("206", head(bulk))
    assert.are.same({ { ID, "closing" }, { "UR-none", "closing" } },
      { { valueOf(bulk)[1].id, valueOf(bulk)[1].status }, { valueOf(bulk)[2].id, valueOf(bulk)[2].status } })
    assert.are.same({}, running:journal())
    local list = reply("GET", "/usage/records", nil, { on = "GET /usage/records", fault = "alter", set = { id = "X" } })
    assert.are.same({ 5, "X", "X" }, { #valueOf(list), valueOf(list)[1].id, valueOf(list)[5].id })
    assert.is_truthy(list:find("\r\ncontent%-range: items 0%-4/5\r\n"))
    local get = reply("GET", "/usage/records/UR-none", nil,
      { on = "GET /usage/records/*", fault = "alter", set = { error_code = "X" } })
    assert.are.same({ "404", "OBJ_001" }, { head(get), valueOf(get).error_code })
  end)

  it("trailers: the right reply in chunks, with lines behind it", function()
    local received, ending, applied = close {
      fault = "trailers", trailers = { ["Content-Length"] = "5" }, bytes = 2500,
    }
    assert.are.same({ "200", "closed", true }, { head(received), ending, applied })
    assert.is_truthy(received:find("\r\ntransfer%-encoding: chunked\r\n"))
    assert.is_nil(received:match("^(.-)\r\n\r\n"):find("content%-length"))
    local behind = received:match("}\r\n0\r\n(.*)$")
    local padding, count = behind:gsub("Content%-Length: 5\r\n\r\n$", ""):gsub("x%-padding%-%d: (x+)\r\n", "%1")
    assert.are.same({ ("x"):rep(2500), 3 }, { padding, count })
  end)

  it("trailers, cut: the last line is missing; applied or not", function()
    for _, applied in ipairs { true, false } do
      running:reset()
      local received, ending, wasApplied = close { fault = "trailers", cut = true, applied = applied }
      assert.are.same({ "200", "closed", applied }, { head(received), ending, wasApplied })
      assert.is_truthy(received:find("}\r\n0\r\nx%-trailer: of the sandbox\r\n$"))
    end
  end)

  it("trailers: the connection stays in use", function()
    running:configure { faults = { { on = ON, fault = "trailers" } } }
    local bytes = rawclient.request(running, "POST", "/usage/records/" .. ID .. "/close", "{}")
      .. rawclient.request(running, "GET", "/usage/records/" .. ID, nil, { "Connection: close" })
    local received, ending = rawclient.exchange(running.port, bytes)
    local _, replies = received:gsub("HTTP/1.1 200 ", "")
    assert.are.same({ 2, "closed", 1 }, { replies, ending, running:connections() })
  end)

  it("gzip: the right reply packed, whole or cut, applied or not", function()
    local received, ending, applied = close { fault = "gzip" }
    assert.are.same({ "200", "closed", true }, { head(received), ending, applied })
    local length, packed = received:match("content%-length: (%d+).-\r\n\r\n(.*)$")
    assert.is_truthy(received:find("\r\ncontent%-encoding: gzip\r\n"))
    assert.are.same({ tonumber(length), "\x1F\x8B" }, { #packed, packed:sub(1, 2) })
    for _, wanted in ipairs { true, false } do
      running:reset()
      received, _, applied = close { fault = "gzip", missing = 9, applied = wanted }
      local less, some = received:match("content%-length: (%d+).-\r\n\r\n(.*)$")
      assert.are.same({ wanted, tonumber(less), #packed - 9 }, { applied, #some, #some })
    end
  end)

  it("truncate and reset-middle without effect: a part of the reply that it would have got", function()
    for fault, ending in pairs { truncate = "closed", ["reset-middle"] = "reset" } do
      running:reset()
      local received, ended, applied = close { fault = fault, bytes = 90, applied = false }
      local body = received:match("\r\n\r\n(.*)$")
      assert.are.same({ "200", 90, ending, false }, { head(received), #body, ended, applied })
    end
  end)

  it("status with Retry-After: in seconds, as it is given, or as a date", function()
    local function retryAfter(rule)
      rule.fault, rule.status = "status", 429
      return close(rule):match("\r\nretry%-after: (.-)\r\n")
    end
    assert.are.equal("7", retryAfter { retryAfter = 7 })
    assert.are.equal("soon", retryAfter { retryAfter = "soon" })
    local date = retryAfter { retryAfterDate = 60 }
    assert.is_truthy(date:find("^%a%a%a, %d%d %a%a%a %d%d%d%d %d%d:%d%d:%d%d GMT$"))
    local hour, minute, second = date:match("(%d%d):(%d%d):(%d%d)")
    local now = os.date("!*t")
    local ahead = (hour * 3600 + minute * 60 + second - now.hour * 3600 - now.min * 60 - now.sec) % 86400
    assert.is_true(ahead >= 55 and ahead <= 61, tostring(ahead))
  end)

  it("oversized: valid JSON of so many bytes, applied", function()
    local received, _, applied = close { fault = "oversized", bytes = 200000 }
    local body = received:match("\r\n\r\n(.*)$")
    assert.are.same({ 200000, true }, { #body, applied })
    assert.is_truthy(body:find("^{\"padding\":\"x+\"}$"))
  end)

  it("closeAs: somebody else is quicker, and the journal says so", function()
    local rule = { on = ON, fault = "reset-before", closeAs = "THEIRS" }
    running:configure { faults = { rule } }
    local bytes = rawclient.request(running, "POST", "/usage/records/" .. ID .. "/close", "{}")
    assert.are.equal("reset", select(2, rawclient.exchange(running.port, bytes)))
    assert.are.equal("THEIRS", running:record(ID).external_billing_id)
    assert.are.same({ "THEIRS", "somebody else", nil },
      { running:journal()[1].external_billing_id, running:journal()[1].route, running:journal()[2] })
    running:configure { faults = { { on = "POST /usage/chunks/*/close", fault = "reset-before", closeAs = "THEIRS" } } }
    bytes = rawclient.request(running, "POST", "/usage/chunks/UFC-2026-01-0000-0000-001/close", "{}")
    rawclient.exchange(running.port, bytes)
    assert.are.equal("THEIRS", running:chunk("UFC-2026-01-0000-0000-001").external_billing_id)
  end)

  it("does not carry out what would be refused anyway", function()
    running:configure { faults = { { on = ON, fault = "reset-after" } } }
    local bytes = rawclient.request(running, "POST", "/usage/records/UR-none/close", "{}")
    assert.are.equal("reset", select(2, rawclient.exchange(running.port, bytes)))
    assert.are.same({ {}, false }, { running:journal(), running:requests()[1].applied })
  end)

  it("leaves the process's SIGPIPE as it was", function()
    local function ignored()
      local file <close> = assert(io.open("/proc/self/status"))
      return file:read("a"):match("SigIgn:%s*(%x+)")
    end
    local before = ignored()
    close { fault = "reset-after" }
    assert.are.equal(before, ignored())
  end)
end)
