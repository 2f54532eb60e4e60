-- A call in flight: its waiting, Ctrl-C and its end by closing.

local certs = require "spec.support.certs"
local connect = require "cloudblue.connect"
local child = require "spec.support.child"
local cqueues = require "cqueues"
local rawserver = require "spec.support.rawserver"
local scene = require "spec.support.scene"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

describe("closing the client", function()
  it("in a hook before the request ends the call as cancelled and unsent", function()
    local s <close> = service.answering(service.closed("UR-1"))
    local later = 0
    s.client:addBeforeRequestHook(function() s.client:close() end)
    s.client:addBeforeRequestHook(function() later = later + 1 end)
    local chunk, failure = s.records:close("UR-1", "B-1")
    assert.is_nil(chunk)
    assert.equal("cancelled", failure.kind)
    assert.equal("unsent", failure.outcome)
    assert.equal("the client was closed", failure.message)
    assert.equal("POST /usage/records/UR-1/close: the client was closed", tostring(failure))
    assert.equal(0, later)
    assert.equal(0, s.raw:connections())
  end)

  -- The reply is there: what happened is known, and is said.
  it("in a hook after the response takes nothing back of what the reply says", function()
    local s <close> = service.answering(service.closed("UR-1"))
    s.client:addAfterResponseHook(function() s.client:close() end)
    local chunk = assert(s.records:close("UR-1", "B-1"))
    assert.equal("closed", chunk.status)
    assert.equal(1, #s:requests())
  end)

  it("in a hook after a response that settles nothing ends the call as cancelled and unknown", function()
    local s <close> = service.answering(rawserver.reply(502, ""), { retries = 3 })
    s.client:addAfterResponseHook(function() s.client:close() end)
    local chunk, failure = s.records:close("UR-1", "B-1")
    assert.is_nil(chunk)
    assert.equal("cancelled", failure.kind)
    assert.equal("unknown", failure.outcome)
    assert.equal(1, #s:requests())
  end)

  -- There is no reply of a confirming GET then that a failure could tell of.
  it("in a hook before the confirming read ends the call as cancelled and unknown", function()
    local lost = { { on = "POST /usage/records/*/close", fault = "reset-after" } }
    for _, sent in ipairs { false, true } do
      local s <close> = scene.start { faults = lost }
      s.client[sent and "addAfterResponseHook" or "addBeforeRequestHook"](s.client, function(seen)
        if seen.confirming then s.client:close() end
      end)
      local chunk, failure = s.client.usageRecords:close(scene.RECORD, scene.BILL)
      if sent then
        assert.is_true(chunk.confirmed)
      else
        assert.same({ "cancelled", "unknown", 1 }, { failure.kind, failure.outcome, failure.attempts })
        assert.is_nil(failure.confirmation)
      end
      assert.equal(sent and 2 or 1, #s:requests())
    end
    scene.finish()
  end)

  it("in a hook of a call inside a hook ends both", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    local depth, inner = 0, nil
    s.client:addBeforeRequestHook(function()
      depth = depth + 1
      if depth == 1 then
        inner = select(2, s.records:get("UR-inner"))
      else
        s.client:close()
      end
    end)
    local _, outer = s.records:get("UR-outer")
    assert.equal("cancelled", inner.kind)
    assert.equal("cancelled", outer.kind)
    assert.equal(0, s.raw:connections())
  end)
end)

describe("Ctrl-C", function()
  --- Runs a script that is stuck in a call, interrupts it there and gives its output and how long its end took.
  local function interrupted(script)
    local s <close> = service.scripted { { { read = "request" }, { hang = true } } }
    local process <close> = child.start(('local endpoint = "%s"\n'):format(s.client.endpoint) .. script)
    local patience = cqueues.monotime() + 20
    repeat assert.is_true(cqueues.monotime() < patience, "the script has sent nothing") until #s:requests() == 1
    process:interrupt()
    return process:rest()
  end

  local PRELUDE = [[
    local client = require("cloudblue.connect").ConnectClient(endpoint, "key", { retries = 0, timeout = 30 })
    local function stuck() return client.usageRecords:close("UR-1", "B-1") end
  ]]

  it("ends a call that waits, well under a second", function()
    local output, seconds = interrupted(PRELUDE .. "print(stuck())")
    assert.matches("interrupted!", output, 1, true)
    assert.not_matches("UR%-1/close", output)
    assert.is_true(seconds < 1, tostring(seconds))
  end)

  it("ends a call that waits in a coroutine", function()
    local output, seconds = interrupted(PRELUDE .. [[
      local thread = coroutine.create(stuck)
      print("resumed", coroutine.resume(thread))
    ]])
    assert.matches("interrupted!", output, 1, true)
    assert.is_true(seconds < 1, tostring(seconds))
  end)

  it("ends a call that waits in a coroutine in a coroutine", function()
    local output, seconds = interrupted(PRELUDE .. [[
      local outer = coroutine.wrap(function() return coroutine.wrap(stuck)() end)
      print(outer())
    ]])
    assert.matches("interrupted!", output, 1, true)
    assert.is_true(seconds < 1, tostring(seconds))
  end)

  it("ends a call that drips, byte by byte", function()
    local s <close> = service.scripted { {
      { read = "request" }, { send = "HTTP/1.1 200 OK\r\nX: ", times = 100000, piece = 1, pause = 0.001 },
    } }
    local script = ('local endpoint = "%s"\n'):format(s.client.endpoint) .. PRELUDE .. "print(stuck())"
    local process <close> = child.start(script)
    local patience = cqueues.monotime() + 20
    repeat assert.is_true(cqueues.monotime() < patience, "the script has sent nothing") until #s:requests() == 1
    process:interrupt()
    local output, seconds = process:rest()
    assert.matches("interrupted!", output, 1, true)
    assert.is_true(seconds < 1, tostring(seconds))
  end)

  it("comes once: a coroutine that catches it goes on, and so does the main thread, without the hook", function()
    local output, seconds = interrupted(PRELUDE .. [[
      local thread = coroutine.create(function()
        print("caught", pcall(stuck))
        print(select("#", debug.gethook()), (debug.gethook()))
        return client:request("GET", "/x", { timeout = 0.05 })
      end)
      print(select(3, coroutine.resume(thread)).kind)
      print(select("#", debug.gethook(thread)), debug.gethook(thread), debug.gethook())
    ]])
    assert.matches("^caught\tfalse\t.*interrupted!\n1\tnil\ntransport\n1\tnil\tnil\n$", output)
    assert.is_true(seconds < 1, tostring(seconds))
  end)

  it("leaves a client that can go on, where a script catches it", function()
    local output, seconds = interrupted(PRELUDE .. [[
      print("caught", pcall(stuck))
      print("again", select(2, client:request("GET", "/x", { timeout = 0.05 })).kind)
      client:close()
      print("closed")
    ]])
    assert.matches("^caught\tfalse\t.*interrupted!\nagain\ttransport\nclosed\n$", output)
    assert.is_true(seconds < 1, tostring(seconds))
  end)
end)

describe("a debug hook of the host", function()
  local PRELUDE = [[
    local client = require("cloudblue.connect").ConnectClient(endpoint, "key", { retries = 0, timeout = 30 })
    local function call() return (client:request("GET", "/x")) end
    local function show(...) print(select("#", ...), ...) end
  ]]

  local function output(script)
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    return (child.run(('local endpoint = "%s"\n'):format(s.client.endpoint) .. PRELUDE .. script))
  end

  -- A hook that was left there made every coroutine that had ever waited slow, for good.
  it("of the main thread is not left in a coroutine that has waited", function()
    assert.equal("1\tnil\n1\tnil\ntrue\t\n", output [[
      local function hook() end
      local thread = coroutine.create(function()
        call()
        show(debug.gethook())
        coroutine.yield()
      end)
      debug.sethook(hook, "", 1000000) -- a coroutine made now would inherit it
      assert(coroutine.resume(thread))
      show(debug.gethook(thread))
      print(debug.gethook() == hook, (select(2, debug.gethook())))
    ]])
  end)

  it("of a coroutine stays there, and runs while it waits", function()
    assert.equal("true\tcr\ttrue\n1\tnil\n", output [[
      local count = 0
      local thread = coroutine.create(function()
        local function hook() count = count + 1 end
        debug.sethook(hook, "cr")
        call()
        local is, mask = debug.gethook()
        debug.sethook()
        print(is == hook, mask, count > 4)
      end)
      assert(coroutine.resume(thread))
      show(debug.gethook(thread))
    ]])
  end)

  it("stays in place over a call", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    local function hook() end
    local before, mask, count = debug.gethook()
    finally(function() debug.sethook(before, mask, count) end)
    debug.sethook(hook, "r")
    assert(s.records:get("UR-1"))
    assert.equal(hook, (debug.gethook()))
    debug.sethook(before, mask, count)
  end)
end)

describe("a wait that fails", function()
  teardown(scene.finish)

  local lost = { on = "POST /usage/records/*/close", fault = "reset-after" }
  local later = { on = "* /**", fault = "status", status = 429, retryAfter = 2 }
  local CASES = {
    { what = "a close", call = scene.closes[1] },
    { what = "a close that is put off", call = scene.closes[1], fault = later },
    { what = "a close that is confirmed", call = scene.closes[1], fault = lost },
    { what = "a get", call = scene.safe[1] },
    { what = "a download", call = scene.safe[5] },
    { what = "another POST", call = scene.others[1], fault = later },
    { what = "an upload", call = scene.others[3] },
  }

  local function failed(call, s, failure)
    assert.equal("transport", failure.kind)
    assert.matches("^poll failed: ", failure.message)
    local possible = call.method == "GET" and "unsent rejected" or "unsent unknown rejected"
    assert.is_truthy(possible:find(failure.outcome, 1, true))
    if failure.outcome == "unsent" then assert.equal(0, #s:requests()) end
    if failure.outcome == "rejected" then assert.equal(0, call.applied(s.sandbox)) end
  end

  for _, case in ipairs(CASES) do
    -- It was raised, so that a loop over records ended by an error, and one over its failures missed it.
    it("ends " .. case.what .. " by a failure that tells how far it had come, and the client goes on", function()
      local first, answers = 0, {}
      repeat
        first = first + 1
        local s <close> = scene.start { faults = { case.fault } }
        s.time.breakWaits(first, 1)
        local result, failure = case.call.call(s, scene.BILL)
        local waits = s.time.breakWaits(0, 0)
        assert.is_truthy(waits >= first or result, tostring(failure))
        if result == nil then
          failed(case.call, s, failure)
          answers[failure.outcome] = true
        end
        s.sandbox:configure { faults = {} }
        assert(s.client.usageRecords:get(scene.RECORD))
      until waits < first
      assert.is_true(first > 1 and next(answers) ~= nil)
    end)
  end

  it("before anything was sent leaves it unsent", function()
    local raw <close> = rawserver.start { tls = certs.make().good, accept = false }
    for _, first in ipairs { 1, 2 } do
      local time <close> = testenv.start()
      local client <close> = connect.ConnectClient(raw.url, "key", { caFile = certs.make().ca, connectTimeout = 1 })
      time.breakWaits(first, 1)
      local _, failure = client.usageRecords:close("UR-1", "B-1")
      assert.same({ "transport", "unsent" }, { failure.kind, failure.outcome })
      assert.matches("^poll failed: ", failure.message)
    end
  end)

  it("tells of a close what its reading had met by then", function()
    local met = {}
    for first = 1, 4 do
      local s <close> = scene.start { faults = { lost } }
      s.client:addBeforeRequestHook(function(request)
        if request.confirming then s.time.breakWaits(first, 1) end
      end)
      local chunk, failure = s.client.usageRecords:close(scene.RECORD, scene.BILL)
      if not chunk then
        assert.same({ "transport", "unknown" }, { failure.kind, failure.outcome })
        met[#met + 1] = failure.confirmation
      end
    end
    assert.same({ attempts = 1, message = "the call ended before its reply came" }, met[1])
  end)

  it("because of a signal is no failure at all", function()
    local s <close> = scene.start()
    s.time.breakWaits(1, 5, true)
    assert(s.client.usageRecords:close(scene.RECORD, scene.BILL))
    assert.is_true(s.time.breakWaits(0, 0) > 5)
  end)
end)

describe("waiting", function()
  it("costs no processor time to speak of", function()
    local s <close> = service.scripted({ { { read = "request" }, { hang = true } } }, { timeout = 0.5 })
    local cpu, start = os.clock(), cqueues.monotime()
    s.records:close("UR-1", "B-1")
    local used, took = os.clock() - cpu, cqueues.monotime() - start
    assert.is_true(took >= 0.49, tostring(took))
    assert.is_true(used < took * 0.6, ("%g s of %g s"):format(used, took))
  end)
end)
