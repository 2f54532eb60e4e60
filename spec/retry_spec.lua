-- What is sent again, after which pause, and what is not: the table of retries, row by row. The sandbox says what it
-- received and what it carried out. Closes are confirmed before they are sent again: see confirm_spec.lua.

local certs = require "spec.support.certs"
local child = require "spec.support.child"
local connect = require "cloudblue.connect"
local cqueues = require "cqueues"
local rawserver = require "spec.support.rawserver"
local scene = require "spec.support.scene"
local testenv = require "spec.support.testenv"

--- The same request so many times.
local function times(count, request)
  local list = {}
  for i = 1, count do list[i] = request end
  return list
end

--- Asserts pauses: each as long as asked, and not much longer (a busy machine takes its time).
local function assertPauses(expected, actual)
  assert.equal(#expected, #actual, "number of pauses")
  for i, seconds in ipairs(expected) do
    assert.is_true(actual[i] >= seconds - 1e-9 and actual[i] < seconds + 0.15,
      ("pause %d is %s s, not %s s"):format(i, actual[i], seconds))
  end
end

local function tells(failure, kind, outcome, attempts)
  assert.same({ kind, outcome, attempts }, { failure.kind, failure.outcome, failure.attempts }, tostring(failure))
end

describe("a call", function()
  teardown(scene.finish)

  describe("that was never sent", function()
    for _, call in ipairs(scene.calls) do
      it("is sent again until the service is back: " .. call.name, function()
        local s <close> = scene.start { call = call }
        s:deafen()
        s.client:addBeforeRequestHook(function(request)
          if request.attempt == 3 then s.sandbox:configure { listening = true } end
        end)
        local pauses = #s.time.pauses()
        assert(call.call(s, scene.BILL))
        assert.same({ call.request }, s:requests())
        assert.equal(pauses + 2, #s.time.pauses())
      end)

      it("is unsent in the end where nobody listens: " .. call.name, function()
        local s <close> = scene.start { call = call }
        s:deafen()
        local before = #s.sandbox:journal()
        local result, failure = call.call(s, scene.BILL)
        assert.is_nil(result)
        tells(failure, "transport", "unsent", 4)
        s.sandbox:configure { listening = true }
        assert.same({}, s:requests())
        assert.equal(before, #s.sandbox:journal())
      end)
    end

    it("is unsent where the name is unknown", function()
      local time <close> = testenv.start()
      local client <close> = connect.ConnectClient("https://connect.invalid/public/v1", "key", { timeout = 5 })
      local _, failure = client.usageRecords:close("UR-1", "B-1")
      tells(failure, "transport", "unsent", 4)
      assert.equal(3, #time.pauses())
    end)

    it("is unsent where the service's certificate is signed by nobody known", function()
      local raw <close> = rawserver.start { tls = certs.make().selfSigned, replies = { rawserver.reply(200, "{}") } }
      local time <close> = testenv.start()
      local client <close> = connect.ConnectClient(raw.url .. "/public/v1", "key")
      local _, failure = client.usageRecords:close("UR-1", "B-1")
      tells(failure, "transport", "unsent", 4)
      assert.equal(3, #time.pauses())
      assert.equal(4, raw:connections())
      assert.equal("", table.concat(raw:received()))
    end)
  end)

  describe("that is asked to come later", function()
    local LATER = {
      { what = "429", rule = { fault = "status", status = 429 }, least = 0.375 },
      { what = "429 with seconds", rule = { fault = "status", status = 429, retryAfter = 7 }, least = 7 },
      { what = "429 with a date", rule = { fault = "status", status = 429, retryAfterDate = 9 }, least = 7.9 },
      { what = "429 with an unreadable wish", rule = { fault = "status", status = 429, retryAfter = "soon" },
        least = 0.375 },
      { what = "503 with seconds", rule = { fault = "status", status = 503, retryAfter = 7 }, least = 7 },
      { what = "503 with a date", rule = { fault = "status", status = 503, retryAfterDate = 9 }, least = 7.9 },
      { what = "503 with 0 seconds", rule = { fault = "status", status = 503, retryAfter = 0 }, least = 0.375 },
    }
    for _, call in ipairs(scene.calls) do
      it("comes again, not before its time: " .. call.name, function()
        for _, later in ipairs(LATER) do
          local s <close> = scene.start { call = call, faults = { scene.rule(later, call) } }
          local before = call.applied(s.sandbox)
          assert(call.call(s, scene.BILL))
          assert.same(times(2, call.request), s:requests(), later.what)
          local pauses = s.time.pauses()
          assert.equal(1, #pauses, later.what)
          assert.is_true(pauses[1] >= later.least and pauses[1] < later.least + 1.2, later.what .. " " .. pauses[1])
          assert.is_true(call.applied(s.sandbox) <= before + 1)
        end
      end)

      it("is rejected where that never ends: " .. call.name, function()
        local s <close> = scene.start { call = call,
          faults = { scene.rule({ fault = "status", status = 429, retryAfter = 2, count = "all" }, call) } }
        local result, failure = call.call(s, scene.BILL)
        assert.is_nil(result)
        tells(failure, "api", "rejected", 4)
        assert.equal(429, failure.status)
        assert.equal(2, failure.retryAfter)
        assert.same(times(4, call.request), s:requests())
        assertPauses({ 2, 2, 2 }, s.time.pauses())
        assert.equal(0, call.applied(s.sandbox))
      end)
    end

    it("reckons a date from the time of the reply", function()
      local raw <close> = rawserver.start { replies = {
        rawserver.reply(429, "{}", { ["Retry-After"] = "Sun, 06 Nov 1994 08:49:37 GMT" }),
        rawserver.reply(429, "{}", { ["Retry-After"] = "Sun, 06 Nov 1994 08:49:00 GMT" }),
        rawserver.reply(200, "{}"),
      } }
      local time <close> = testenv.start { wall = 784111770 }
      local client <close> = connect.ConnectClient(raw.url, "key")
      assert(client:request("GET", "/x"))
      assertPauses({ 7, 0.75 }, time.pauses())
    end)

    it("carries out 200 closes where every other request is put off by a second", function()
      local s <close> = scene.start { client = { retries = 1 }, faults = { {
        on = "POST /usage/records/*/close", every = 2, fault = "status", status = 429, retryAfter = 1,
      } } }
      for i = 1, 200 do
        local chunk = assert(s.client.usageRecords:close(("UR-2026-01-0000-0000-0000-%04d"):format(i), "BILL-" .. i))
        assert.equal("closed", chunk.status)
        assert.is_nil(chunk.confirmed)
      end
      assert.equal(400, #s:requests())
      assertPauses(times(200, 1), s.time.pauses())
      local journal = s.sandbox:journal()
      assert.equal(200, #journal)
      for i, entry in ipairs(journal) do
        assert.equal(("UR-2026-01-0000-0000-0000-%04d"):format(i), entry.id)
        assert.equal("BILL-" .. i, entry.external_billing_id)
      end
    end)
  end)

  describe("that may have taken effect", function()
    for _, call in ipairs(scene.safe) do
      it("is sent again where that does no harm: " .. call.name, function()
        for _, fault in ipairs(scene.doubtful) do
          local s <close> = scene.start { call = call, client = fault.client, faults = { scene.rule(fault, call) } }
          local result, failure = call.call(s)
          local bare = fault.bodyOnly and call.name == "delete"
          assert.same(times(bare and 1 or 2, call.request), s:requests(), fault.what)
          assert.equal(bare and 0 or 1, #s.time.pauses(), fault.what)
          if fault.applied and call.gone and not bare then
            tells(failure, "api", "unknown", 2)
            assert.equal(call.gone, failure.status)
          else
            assert.is_truthy(result, fault.what)
          end
        end
      end)

      it("is unknown where that never ends, but for a read: " .. call.name, function()
        local s <close> = scene.start { call = call,
          faults = { scene.rule({ fault = "reset-before", count = "all" }, call) } }
        local result, failure = call.call(s)
        assert.is_nil(result)
        tells(failure, "transport", call.reads and "rejected" or "unknown", 4)
        assert.equal(3, #s.time.pauses())
      end)
    end

    for _, call in ipairs(scene.others) do
      it("is never sent again where that could do it twice: " .. call.name, function()
        for _, fault in ipairs(scene.doubtful) do
          local s <close> = scene.start { call = call, client = fault.client, faults = { scene.rule(fault, call) } }
          local result, failure = call.call(s)
          assert.is_nil(result, fault.what)
          tells(failure, fault.rule.status and (fault.rule.plain and "http" or "api") or "transport", "unknown", 1)
          assert.same({ call.request }, s:requests(), fault.what)
          assert.same({}, s.time.pauses(), fault.what)
          assert.equal(fault.applied and 1 or 0, call.applied(s.sandbox), fault.what)
        end
      end)
    end

    it("is unknown where a connection that was kept broke and it is gone already", function()
      local call = scene.safe[4]
      local s <close> = scene.start { faults = { scene.rule({ fault = "reset-after" }, call) } }
      assert(s.client.usageRecords:get(scene.RECORD))
      local result, failure = call.call(s)
      assert.is_nil(result)
      tells(failure, "api", "unknown", 2)
      assert.equal(1, call.applied(s.sandbox))
    end)

    for _, call in ipairs(scene.others) do
      it("is not sent again either where a connection that was kept breaks: " .. call.name, function()
        local s <close> = scene.start { call = call, faults = { scene.rule({ fault = "reset-before" }, call) } }
        assert(s.client.usageRecords:get("UR-2026-01-0000-0000-0000-0002"))
        local result, failure = call.call(s)
        assert.is_nil(result)
        tells(failure, "transport", "unknown", 1)
        assert.same({ "GET /usage/records/UR-2026-01-0000-0000-0000-0002", call.request }, s:requests())
      end)
    end
  end)

  describe("that carries a file", function()
    local DOWNLOAD = "GET /usage/chunks/" .. scene.CHUNK .. "/download"

    local function download(to, faults)
      local s <close> = scene.start { faults = faults }
      local whole = s.sandbox:download(scene.CHUNK).size
      local size, failure = s.client.usageChunks:download(scene.CHUNK, to)
      return size, failure, whole, s:requests()
    end

    it("begins the local file anew with each attempt", function()
      local path = os.tmpname()
      local size, _, whole, requests = download(path, {
        { on = "GET /**", fault = "truncate", bytes = 1000 },
        { on = "GET /**", nth = 2, fault = "reset-middle", bytes = 10000 },
      })
      local file <close> = assert(io.open(path, "rb"))
      local bytes = file:read("a")
      os.remove(path)
      assert.same({ whole, whole }, { size, #bytes })
      assert.equal("PK\3\4", bytes:sub(1, 4))
      assert.same(times(3, DOWNLOAD), requests)
    end)

    it("hands no byte over twice: it fails once the receiver has got some", function()
      local got = {}
      local size, failure, _, requests = download(function(piece) got[#got + 1] = piece end,
        { { on = "GET /**", fault = "truncate", bytes = 1000 } })
      assert.is_nil(size)
      tells(failure, "transport", "rejected", 1)
      assert.equal(1000, #table.concat(got))
      assert.same({ DOWNLOAD }, requests)
    end)

    it("is tried again while the receiver has got nothing", function()
      local got = {}
      local size, _, whole, requests = download(function(piece) got[#got + 1] = piece end, {
        { on = "GET /**", fault = "reset-before" }, { on = "GET /**", nth = 2, fault = "status", status = 502 },
      })
      assert.same({ whole, whole }, { size, #table.concat(got) })
      assert.same(times(3, DOWNLOAD), requests)
    end)

    it("is not tried again where its bytes were read from a function, which gives them once", function()
      local s <close> = scene.start { faults = { { on = "POST /**", fault = "status", status = 429 } } }
      local left = 2
      local result, failure = s.client.usageReconciliations:create(function()
        left = left - 1
        return left >= 0 and "PK" or nil
      end, "note")
      assert.is_nil(result)
      tells(failure, "api", "rejected", 1)
      assert.same({ "POST /usage/reconciliations" }, s:requests())
    end)
  end)

  describe("that is refused", function()
    for _, call in ipairs(scene.calls) do
      it("fails at once: " .. call.name, function()
        for _, status in ipairs { 400, 401, 403, 404, 405, 409, 410, 422, 428, 451, 499 } do
          -- Where the service doesn't have the bulk route, closeRecords takes the other: see endpoints_spec.lua.
          local elsewhere = call.name == "closeRecords" and (status == 404 or status == 405)
          local s <close> = scene.start { call = call,
            faults = { scene.rule({ fault = "status", status = status }, call) } }
          local before = call.applied(s.sandbox)
          local result, failure = call.call(s, scene.BILL)
          assert.is_nil(result)
          assert.equal("rejected", failure.outcome)
          assert.equal(1, failure.attempts)
          if not elsewhere then
            assert.equal(status, failure.status)
            assert.same({ call.request }, s:requests())
          end
          assert.same({}, s.time.pauses())
          assert.equal(before, call.applied(s.sandbox))
        end
      end)
    end

    -- A redirect may come from something before the service, after the service behind it acted.
    for _, group in ipairs { scene.safe, scene.others } do
      for _, call in ipairs(group) do
        it("fails at once with a redirect, and may have taken effect unless it reads: " .. call.name, function()
          for _, status in ipairs { 300, 301, 302, 303, 304, 307, 308 } do
            local s <close> = scene.start { call = call,
              faults = { scene.rule({ fault = "status", status = status, applied = true }, call) } }
            local result, failure = call.call(s)
            assert.is_nil(result)
            assert.equal(call.reads and "rejected" or "unknown", failure.outcome)
            assert.same({ status, 1 }, { failure.status, failure.attempts })
            assert.same({ call.request }, s:requests())
          end
        end)
      end
    end

    for _, call in ipairs(scene.closes) do
      it("is believed after it was told to come later only when the record was read: " .. call.name, function()
        for _, later in ipairs {
          { fault = "status", status = 429 }, { fault = "status", status = 503, retryAfter = 1 },
        } do
          local s <close> = scene.start { call = call, faults = {
            scene.rule(later, call), scene.rule({ fault = "status", status = 400, nth = 2, applied = true }, call),
          } }
          local chunk = assert(call.call(s, scene.BILL))
          assert.is_true(chunk.confirmed)
          assert.same({ call.request, call.request, call.probe }, s:requests())
          local again <close> = scene.start { call = call, faults = {
            scene.rule(later, call), scene.rule({ fault = "status", status = 400, nth = 2 }, call),
          } }
          local _, failure = call.call(again, scene.BILL)
          tells(failure, "api", "rejected", 2)
          assert.equal(1, failure.confirmation.attempts)
          assert.matches("it is not closed", failure.confirmation.message, 1, true)
        end
      end)
    end

    it("fails at once also with a wish to come later, which is told", function()
      local s <close> = scene.start { faults = { {
        on = "GET /**", fault = "status", status = 403, retryAfter = 5,
      } } }
      local _, failure = s.client.usageRecords:get(scene.RECORD)
      tells(failure, "api", "rejected", 1)
      assert.equal(5, failure.retryAfter)
    end)
  end)

  describe("without retries", function()
    for _, call in ipairs(scene.calls) do
      it("is sent once, whatever happens: " .. call.name, function()
        local faults = {
          { rule = { fault = "status", status = 429, retryAfter = 1 }, outcome = "rejected" },
          { rule = { fault = "status", status = 503, retryAfter = 1 }, outcome = "rejected" },
          { rule = { fault = "status", status = 403 }, outcome = "rejected" },
          { rule = { fault = "status", status = 502 }, outcome = "unknown" },
          { rule = { fault = "reset-after" }, outcome = "unknown" },
          { rule = { fault = "hang" }, outcome = "unknown" },
          -- A delete's reply isn't read, and a download may hold anything.
          { rule = { fault = "garbage" }, outcome = "unknown",
            bytes = call.name == "delete" or call.name == "download" },
        }
        for _, fault in ipairs(faults) do
          local s <close> = scene.start { call = call, client = { retries = 0, timeout = scene.SHORT },
            faults = { scene.rule(fault, call) } }
          local result, failure = call.call(s, scene.BILL)
          if fault.bytes then
            assert.is_truthy(result)
          else
            assert.is_nil(result)
            local outcome = call.reads and "rejected" or fault.outcome -- a read changes nothing
            assert.same({ outcome, 1 }, { failure.outcome, failure.attempts })
          end
          assert.same({ call.request }, s:requests())
          assert.same({}, s.time.pauses())
        end
      end)
    end

    it("is unsent after one try where nobody listens", function()
      local s <close> = scene.start { client = { retries = 0 } }
      s:deafen()
      local _, failure = s.client.usageRecords:close(scene.RECORD, "B-1")
      tells(failure, "transport", "unsent", 1)
    end)
  end)

  describe("pauses", function()
    local function pausesOf(retries, random, rule)
      local s <close> = scene.start { client = { retries = retries }, random = random, faults = { rule } }
      s.client.usageRecords:get(scene.RECORD)
      return s.time.pauses()
    end

    it("that double from 0.5 s to 20 s, each shortened by up to a half", function()
      local rule = { on = "GET /**", fault = "status", status = 502, count = "all" }
      assertPauses({ 0.25, 0.5, 1, 2, 4, 8, 10, 10 }, pausesOf(8, { 0 }, rule))
      assertPauses({ 0.5, 1, 2, 4, 8, 16, 20, 20 }, pausesOf(8, { 0.9999999 }, rule))
      assertPauses({ 0.25, 0.75, 1.75 }, pausesOf(3, { 0, 0.5, 0.75 }, rule))
    end)

    it("that are as long as the service asks, where that is longer", function()
      local rule = { on = "GET /**", fault = "status", status = 429, retryAfter = 3, count = "all" }
      assertPauses({ 3, 3, 3, 3.5, 7, 14, 17.5 }, pausesOf(7, { 0.75 }, rule))
    end)

    it("that are as long as asked also after a status that leaves doubt", function()
      assertPauses({ 30 }, pausesOf(3, { 0.5 }, { on = "GET /**", fault = "status", status = 502, retryAfter = 30 }))
    end)
  end)

  describe("takes its timeout", function()
    it("for each attempt", function()
      local s <close> = scene.start { client = { timeout = scene.SHORT, retries = 2 },
        faults = { { on = "GET /**", fault = "hang", count = "all" } } }
      local start = cqueues.monotime()
      local _, failure = s.client.usageRecords:get(scene.RECORD)
      local seconds = cqueues.monotime() - start
      tells(failure, "transport", "rejected", 3)
      assert.matches("timeout", failure.message, 1, true)
      assert.is_true(seconds >= 3 * scene.SHORT and seconds < 3 * scene.SHORT + 1, tostring(seconds))
    end)

    it("and connectTimeout for the connection alone: nothing was sent then", function()
      local raw <close> = rawserver.start { tls = certs.make().good, accept = false }
      local client <close> = connect.ConnectClient(raw.url, "key",
        { connectTimeout = scene.SHORT, timeout = 30, retries = 0, caFile = certs.make().ca })
      local start = cqueues.monotime()
      local _, failure = client.usageRecords:close("UR-1", "B-1")
      tells(failure, "transport", "unsent", 1)
      assert.is_true(cqueues.monotime() - start < 2)
    end)

    it("the name lookup included", function()
      local core = assert(package.searchpath("cloudblue.connect.core", package.cpath))
      local slow = core:gsub("/lib/cloudblue/connect/core%.so$", "/spec/slowresolver.so")
      local before = os.getenv "LD_PRELOAD"
      local output = child.run([[
        local client = require "cloudblue.connect".ConnectClient("https://connect.invalid", "key",
          { timeout = 0.1, retries = 0 })
        local monotime = require "cqueues".monotime
        local start = monotime()
        local _, failure = client.usageRecords:close("UR-1", "B-1")
        print(failure.kind, failure.outcome, monotime() - start < 2)
        os.exit(true, false)
      ]], { LD_PRELOAD = before and before .. ":" .. slow or slow })
      assert.equal("transport\tunsent\ttrue\n", output)
    end)
  end)

  describe("keeps its deadline", function()
    it("where the service asks for more than is left: it fails at once", function()
      local s <close> = scene.start { faults = { {
        on = "POST /**", fault = "status", status = 429, retryAfter = 300, count = "all",
      } } }
      local _, failure = s.client.usageRecords:close(scene.RECORD, "B-1")
      tells(failure, "api", "rejected", 1)
      assert.equal(300, failure.retryAfter)
      assert.same({}, s.time.pauses())
    end)

    it("over all attempts and pauses", function()
      local s <close> = scene.start { client = { retries = 1000 }, faults = { {
        on = "POST /**", fault = "status", status = 429, retryAfter = 100, count = "all",
      } } }
      local start = s.time.clock()
      local _, failure = s.client.usageRecords:close(scene.RECORD, "B-1")
      tells(failure, "api", "rejected", 3)
      assertPauses({ 100, 100 }, s.time.pauses())
      assert.is_true(s.time.clock() - start <= 300)
    end)

    it("over both routes of closeRecords", function()
      local s <close> = scene.start { faults = {
        { on = "POST /usage/records/close-records", fault = "status", status = 429, retryAfter = 200 },
        { on = "POST /usage/records/*/close-records", fault = "status", status = 429, retryAfter = 200 },
      } }
      s.sandbox:configure { bulkRoute = false }
      local start = s.time.clock()
      s.client.usageRecords:closeRecords(scene.FILE, scene.RECORD, "B-1")
      assert.is_true(s.time.clock() - start <= 300, "it took " .. s.time.clock() - start)
    end)

    it("while nobody listens", function()
      local s <close> = scene.start { client = { retries = 1000, deadline = 60 } }
      s:deafen()
      local start = s.time.clock()
      local _, failure = s.client.usageRecords:close(scene.RECORD, "B-1")
      assert.equal("unsent", failure.outcome)
      assert.is_true(s.time.clock() - start <= 60)
      assert.equal(#s.time.pauses() + 1, failure.attempts)
    end)

    it("in an attempt, which it cuts off: the kind is cancelled", function()
      local s <close> = scene.start { client = { deadline = scene.SHORT },
        faults = { { on = "POST /**", fault = "hang" } } }
      local _, failure = s.client.usageRecords:close(scene.RECORD, "B-1")
      tells(failure, "cancelled", "unknown", 1)
      assert.same({ scene.closes[1].request }, s:requests())
      assert.matches("deadline", failure.message, 1, true)
    end)

    it("before anything was sent: then it is unsent", function()
      local raw <close> = rawserver.start { tls = certs.make().good, accept = false }
      local client <close> = connect.ConnectClient(raw.url, "key", { deadline = scene.SHORT, caFile = certs.make().ca })
      local _, failure = client.usageRecords:close("UR-1", "B-1")
      tells(failure, "cancelled", "unsent", 1)
    end)

    it("in a later attempt, for which little is left", function()
      local s <close> = scene.start { client = { timeout = 30, deadline = 10 }, faults = {
        { on = "POST /**", fault = "status", status = 429, retryAfter = 9 },
        { on = "POST /**", nth = 2, fault = "hang" },
      } }
      s.client:addBeforeRequestHook(function(request)
        if request.attempt == 2 then s.time.pass(0.9) end
      end)
      local start = cqueues.monotime()
      local _, failure = s.client.usageRecords:close(scene.RECORD, "B-1")
      tells(failure, "cancelled", "unknown", 2)
      assert.is_true(cqueues.monotime() - start < 2)
    end)
  end)

  describe("of client:request", function()
    it("takes retries, timeout and deadline for itself alone", function()
      local s <close> = scene.start { client = { retries = 1 },
        faults = { { on = "GET /**", fault = "status", status = 502, count = "all" } } }
      local function attempts(options)
        local _, failure = s.client:request("GET", "/usage/records/" .. scene.RECORD, options)
        return failure.attempts
      end
      assert.equal(2, attempts())
      assert.equal(5, attempts { retries = 4 })
      assert.equal(1, attempts { retries = 0 })
      assert.equal(1, attempts { deadline = 0.1 })
      assert.equal(2, attempts())
      assert.equal(11, #s:requests())
    end)

    it("keeps a timeout of its own", function()
      local s <close> = scene.start { client = { retries = 0, timeout = 30 },
        faults = { { on = "GET /**", fault = "hang" } } }
      local start = cqueues.monotime()
      local _, failure = s.client:request("GET", "/usage/records", { timeout = scene.SHORT })
      tells(failure, "transport", "rejected", 1)
      assert.is_true(cqueues.monotime() - start < 2)
    end)

    it("keeps a deadline of its own", function()
      local s <close> = scene.start { faults = { { on = "GET /**", fault = "hang" } } }
      local _, failure = s.client:request("GET", "/usage/records", { deadline = scene.SHORT })
      tells(failure, "cancelled", "rejected", 1)
    end)
  end)
end)

-- The table of what settles a change, walked row by row: each situation with each kind of call.
describe("the table of retries holds for", function()
  teardown(scene.finish)

  -- The kinds of calls, each by one of them, with the letters of its requests: P its own, G the one that confirms.
  local KINDS = {
    read = { calls = { scene.safe[1], scene.safe[2] } },
    idempotent = { calls = { scene.safe[3], scene.safe[4] } },
    close = { calls = scene.closes },
    other = { calls = scene.others },
  }

  local function shape(s, call)
    local letters = {}
    for i, request in ipairs(s:requests()) do
      letters[i] = request == call.request and "P" or request == call.probe and "G" or " " .. request .. " "
    end
    return table.concat(letters)
  end

  --- What comes of a call under a fault: "P decode unknown" or "PGP success".
  local function cameOf(call, rule, options)
    local s <close> = scene.start { call = call, client = options, faults = { scene.rule(rule, call) } }
    local result, failure = call.call(s, scene.BILL)
    local answer = result ~= nil and "success" or failure.kind .. " " .. failure.outcome
    if rule.status == 304 then answer = answer:gsub("^http", "api") end -- it comes without a body
    return shape(s, call) .. " " .. answer, call.applied(s.sandbox), result, failure
  end

  --- The rows: the faults of a situation, and what each kind of call comes to.
  local ROWS = {
    { what = "429 and 503 with Retry-After: nothing was done, and it comes again",
      faults = { { fault = "status", status = 429 }, { fault = "status", status = 429, retryAfter = 2 },
        { fault = "status", status = 503, retryAfter = 0 } },
      read = "PP success", idempotent = "PP success", close = "PP success", other = "PP success" },
    { what = "a redirect: it may have been carried out before",
      faults = { { fault = "status", status = 301 }, { fault = "status", status = 304 } },
      read = "P api rejected", idempotent = "P api unknown", close = "PGP success", other = "P api unknown" },
    { what = "408 and 5xx, and beyond",
      faults = { { fault = "status", status = 408 }, { fault = "status", status = 500 },
        { fault = "status", status = 501 }, { fault = "status", status = 503 }, { fault = "status", status = 505 },
        { fault = "status", status = 522 }, { fault = "status", status = 600 }, { fault = "status", status = 999 } },
      read = "PP success", idempotent = "PP success", close = "PGP success", other = "P api unknown" },
    { what = "no whole reply, though it was sent",
      faults = { { fault = "reset-before" }, { fault = "refuse" }, { fault = "truncate", bytes = 1, applied = false } },
      read = "PP success", idempotent = "PP success", close = "PGP success", other = "P transport unknown" },
    { what = "a 2xx that can't be read", unread = true,
      faults = { { fault = "garbage", applied = false } },
      read = "P decode rejected", idempotent = "P decode unknown", close = "PGP success", other = "P decode unknown" },
    { what = "any other 4xx",
      faults = { { fault = "status", status = 400 }, { fault = "status", status = 403 },
        { fault = "status", status = 409 }, { fault = "status", status = 422 } },
      read = "P api rejected", idempotent = "P api rejected", close = "P api rejected", other = "P api rejected" },
  }

  for _, row in ipairs(ROWS) do
    for kind, group in pairs(KINDS) do
      it(("%s: %s"):format(row.what, kind), function()
        for _, call in ipairs(group.calls) do
          for _, rule in ipairs(row.faults) do
            local about = ("%s, %s %s"):format(call.name, rule.fault, rule.status or "")
            if not (row.unread and call.name == "delete") then -- its reply isn't read
              assert.equal(row[kind], (cameOf(call, rule)), about)
            end
          end
        end
      end)
    end
  end

  it("every status from 300 to 999", function()
    local calls = { read = scene.safe[1], idempotent = scene.safe[3], close = scene.closes[1], other = scene.others[1] }
    local function rowOf(status)
      if status == 429 then return ROWS[1] end
      if status < 400 then return ROWS[2] end
      return (status == 408 or status >= 500) and ROWS[3] or ROWS[6]
    end
    for status = 300, 999 do
      if status < 600 or status % 50 == 49 then
        for kind, call in pairs(calls) do
          assert.equal(rowOf(status)[kind], (cameOf(call, { fault = "status", status = status })), status)
        end
      end
    end
  end)

  it("a 2xx that is about another object", function()
    local rule = { fault = "alter", set = { id = "UR-OTHER" } }
    for _, call in ipairs { scene.safe[1] } do assert.equal("P decode rejected", (cameOf(call, rule)), call.name) end
    for _, call in ipairs { scene.safe[3] } do assert.equal("P decode unknown", (cameOf(call, rule)), call.name) end
    for _, call in ipairs { scene.others[2] } do assert.equal("P decode unknown", (cameOf(call, rule)), call.name) end
    for _, call in ipairs(scene.closes) do
      local answer, applied, chunk = cameOf(call, rule)
      assert.same({ "PG success", 1, true, call.id }, { answer, applied, chunk.confirmed, chunk.id }, call.name)
    end
  end)

  it("a 2xx that shows another status than closed", function()
    for _, set in ipairs { { status = "approved" }, { status = "closing" }, { status = 5 } } do
      for _, call in ipairs(scene.closes) do
        local answer, applied, chunk = cameOf(call, { fault = "alter", set = set })
        assert.same({ "PG success", 1, true }, { answer, applied, chunk.confirmed }, call.name)
      end
    end
    for _, call in ipairs(scene.closes) do
      local answer, applied = cameOf(call, { fault = "alter", without = { "status" }, applied = false })
      assert.same({ "PGP success", 1 }, { answer, applied }, call.name)
    end
  end)

  it("a 2xx that tells another billing id than ours", function()
    for number, call in ipairs(scene.closes) do
      if number ~= 2 then -- an entry of the bulk route tells none
        local answer, _, _, failure = cameOf(call, { fault = "alter", set = { external_billing_id = "THEIRS" } })
        assert.equal("P record rejected", answer, call.name)
        assert.equal("it is closed under another billing id (THEIRS)", failure.message)
        answer = cameOf(call, { fault = "alter", set = { external_billing_id = scene.BILL:lower() } })
        assert.equal("P record unknown", answer, call.name)
      end
    end
  end)

  it("what was never sent", function()
    for kind, group in pairs(KINDS) do
      for _, call in ipairs(group.calls) do
        local s <close> = scene.start { call = call, client = { retries = 1 } }
        s:deafen()
        local _, failure = call.call(s, scene.BILL)
        tells(failure, "transport", "unsent", 2)
        s.sandbox:configure { listening = true }
        assert.same({}, s:requests(), kind)
      end
    end
  end)
end)
