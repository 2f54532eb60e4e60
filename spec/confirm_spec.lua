-- A close is carried out once: after a failure that leaves doubt the record is read before anything is sent again.

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"
local rawserver = require "spec.support.rawserver"
local scene = require "spec.support.scene"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

local BILL, RECORD = scene.BILL, scene.RECORD

local function tells(failure, kind, outcome, attempts)
  assert.same({ kind, outcome, attempts }, { failure.kind, failure.outcome, failure.attempts }, tostring(failure))
end

--- The requests of a call: P its own, G the one that confirms.
local function shape(s, call)
  local letters = {}
  for i, request in ipairs(s:requests()) do
    letters[i] = request == call.request and "P" or request == call.probe and "G" or " " .. request .. " "
  end
  return table.concat(letters)
end

--- Under which billing ids the call's object was closed, in order.
local function closedUnder(s, call)
  local ids = {}
  for i, entry in ipairs(scene.applied(s.sandbox, "close", call.id)) do ids[i] = entry.external_billing_id end
  return table.concat(ids, " ")
end

--- The fault that costs a call its reply, after it took effect or before.
local function lost(call, applied, more)
  return scene.rule({ fault = applied and "reset-after" or "reset-before" }, call, more)
end

local function onProbe(call, fault)
  local rule = { on = call.probe:gsub(call.id, "*"), count = "all" }
  for name, value in pairs(fault) do rule[name] = value end
  return rule
end

describe("a close whose reply was lost", function()
  teardown(scene.finish)

  for _, call in ipairs(scene.closes) do
    describe("by " .. call.name, function()
      it("is confirmed where it had taken effect, and sent again where not", function()
        for _, group in ipairs { scene.doubtful, scene.unreadable } do
          for _, fault in ipairs(group) do
            local s <close> = scene.start { call = call, client = fault.client, faults = { scene.rule(fault, call) } }
            local chunk, failure = call.call(s, BILL)
            assert.is_truthy(chunk, fault.what .. ": " .. tostring(failure))
            assert.equal("closed", chunk.status)
            assert.equal(call.id, chunk.id)
            assert.equal(fault.applied and "PG" or "PGP", shape(s, call), fault.what)
            assert.equal(fault.applied, chunk.confirmed, fault.what)
            assert.equal(BILL, closedUnder(s, call), fault.what)
            assert.equal(1, #s.time.pauses())
          end
        end
      end)

      it("is a chunk with all fields and methods where it was confirmed", function()
        local s <close> = scene.start { call = call, faults = { lost(call, true) } }
        local chunk = assert(call.call(s, BILL))
        assert.is_true(chunk.confirmed)
        assert.equal(BILL, chunk.external_billing_id)
        assert.equal("UsageChunk " .. call.id .. " (closed)", tostring(chunk))
        assert.equal(call.id, chunk.data.id)
        assert.is_nil(chunk.data.confirmed)
      end)

      it("is not sent again unasked where a connection that was kept breaks", function()
        for _, applied in ipairs { true, false } do
          local s <close> = scene.start { call = call, faults = { lost(call, applied) } }
          assert(s.client.usageRecords:get("UR-2026-01-0000-0000-0000-0002"))
          s.start = s.start + 1
          assert(call.call(s, BILL))
          assert.equal(applied and "PG" or "PGP", shape(s, call))
          assert.equal(BILL, closedUnder(s, call))
        end
      end)

      it("is rejected where another billing id closed it", function()
        local s <close> = scene.start { call = call, faults = { lost(call, false) } }
        local other <close> = connect.ConnectClient(s.sandbox.endpoint, s.sandbox.apiKey, { retries = 0 })
        s.client:addBeforeRequestHook(function(request)
          if not request.confirming then return end
          assert(other:request("POST", call.probe:sub(5) .. "/close", { body = { external_billing_id = "THEIRS" } }))
        end)
        local chunk, failure = call.call(s, BILL)
        assert.is_nil(chunk)
        tells(failure, "record", "rejected", 1)
        assert.equal("it is closed under another billing id (THEIRS)", failure.message)
        assert.equal("THEIRS", closedUnder(s, call))
        assert.equal("G", shape(s, call):sub(-1))
      end)

      it("is unknown where it can't be confirmed, within the deadline", function()
        local s <close> = scene.start { call = call,
          faults = { lost(call, true), onProbe(call, { fault = "status", status = 500 }) } }
        local start = s.time.clock()
        local chunk, failure = call.call(s, BILL)
        assert.is_nil(chunk)
        tells(failure, "transport", "unknown", 1)
        assert.equal("PGGGG", shape(s, call))
        assert.is_true(s.time.clock() - start < 300)
      end)

      it("is unknown where the deadline comes first", function()
        local s <close> = scene.start { call = call, client = { deadline = 2 },
          faults = { lost(call, true), onProbe(call, { fault = "hang" }) } }
        local start = s.time.clock()
        s.client:addBeforeRequestHook(function(request)
          if request.confirming then s.time.pass(2 - (s.time.clock() - start) - scene.SHORT) end
        end)
        local chunk, failure = call.call(s, BILL)
        assert.is_nil(chunk)
        tells(failure, "cancelled", "unknown", 1)
        assert.equal("PG", shape(s, call))
        assert.is_true(s.time.clock() - start < 2.5)
      end)

      it("is unknown where it may not be read", function()
        for _, status in ipairs { 401, 403, 404 } do
          local s <close> = scene.start { call = call,
            faults = { lost(call, true), onProbe(call, { fault = "status", status = status }) } }
          local _, failure = call.call(s, BILL)
          tells(failure, "transport", "unknown", 1)
          assert.equal("PG", shape(s, call))
        end
      end)

      it("is confirmed in the end where reading fails at first", function()
        for _, fault in ipairs {
          { fault = "reset-before" }, { fault = "truncate" }, { fault = "garbage" }, { fault = "empty" },
          { fault = "status", status = 502 }, { fault = "oversized", bytes = 2 * scene.MOST },
        } do
          fault.count = 3
          local s <close> = scene.start { call = call, faults = { lost(call, true), onProbe(call, fault) } }
          local chunk = assert(call.call(s, BILL))
          assert.is_true(chunk.confirmed)
          assert.equal("PGGGG", shape(s, call), fault.fault)
          assert.equal(4, #s.time.pauses())
        end
      end)

      it("is read again when the service wants to be asked", function()
        local s <close> = scene.start { call = call, faults = { lost(call, true),
          onProbe(call, { fault = "status", status = 429, retryAfter = 40, count = 1 }) } }
        assert.is_true(assert(call.call(s, BILL)).confirmed)
        assert.equal("PGG", shape(s, call))
        local pause = s.time.pauses()[2]
        assert.is_true(pause >= 40 and pause < 41)
      end)

      it("is carried out once where the first one comes late, after all", function()
        local s <close> = scene.start { call = call, client = { timeout = scene.SHORT },
          faults = { scene.rule({ fault = "delay", seconds = 3 * scene.SHORT }, call) } }
        assert.is_nil(assert(call.call(s, BILL)).confirmed)
        assert.equal("PGP", shape(s, call))
        while not s.sandbox:requests(s.start)[1].status do cqueues.sleep(0.01) end
        assert.equal(BILL, closedUnder(s, call))
      end)

      it("is confirmed where the second one is refused because the first came late", function()
        local s <close> = scene.start { call = call, client = { timeout = scene.SHORT },
          faults = { scene.rule({ fault = "delay", seconds = 2 * scene.SHORT }, call) } }
        s.client:addBeforeRequestHook(function(request)
          if request.attempt ~= 2 then return end
          while not s.sandbox:requests(s.start)[1].status do cqueues.sleep(0.01) end
        end)
        assert.is_true(assert(call.call(s, BILL)).confirmed)
        assert.equal("PGPG", shape(s, call))
        assert.equal(BILL, closedUnder(s, call))
      end)

      it("is unknown where the second one is refused and the record still open", function()
        local s <close> = scene.start { call = call, faults = {
          lost(call, false), scene.rule({ nth = 2, fault = "status", status = 403 }, call),
        } }
        local _, failure = call.call(s, BILL)
        tells(failure, "api", "unknown", 2)
        assert.equal("PGPG", shape(s, call))
      end)

      it("is unknown where every attempt is lost, although the record is open", function()
        local s <close> = scene.start { call = call, faults = { lost(call, false, { count = "all" }) } }
        local _, failure = call.call(s, BILL)
        tells(failure, "transport", "unknown", 4)
        assert.equal("PGPGPGPG", shape(s, call))
        assert.equal("", closedUnder(s, call))
      end)

      it("counts attempts whatever became of them", function()
        local s <close> = scene.start { call = call, client = { retries = 4 }, faults = {
          scene.rule({ fault = "status", status = 429, retryAfter = 1 }, call),
          scene.rule({ nth = 2, fault = "status", status = 502 }, call),
          scene.rule({ nth = 3, fault = "reset-before" }, call),
          scene.rule({ nth = 4, fault = "status", status = 503, retryAfter = 2 }, call),
          scene.rule({ nth = 5, fault = "status", status = 403 }, call),
        } }
        local _, failure = call.call(s, BILL)
        tells(failure, "api", "unknown", 5)
        assert.equal("PPGPGPPG", shape(s, call))
      end)
    end)
  end

  it("is confirmed without a billing id where it was closed without one", function()
    for number = 1, 3 do
      local call = scene.closes[number]
      local s <close> = scene.start { call = call, faults = { lost(call, true) } }
      assert.is_true(assert(call.call(s, nil)).confirmed)
      assert.equal("PG", shape(s, call))
      assert.equal(1, call.applied(s.sandbox))
    end
  end)

  it("is rejected without a billing id where it was closed under one", function()
    local call = scene.closes[1]
    local s <close> = scene.start { faults = { lost(call, false, { closeAs = "THEIRS" }) } }
    local _, failure = call.call(s, nil)
    tells(failure, "record", "rejected", 1)
    assert.equal("THEIRS", closedUnder(s, call))
  end)

  it("is rejected where somebody was first and the refusal was lost", function()
    for _, number in ipairs { 1, 4 } do
      local call = scene.closes[number]
      local s <close> = scene.start { faults = { lost(call, true, { closeAs = "THEIRS" }) } }
      local _, failure = call.call(s, BILL)
      tells(failure, "record", "rejected", 1)
      assert.equal("THEIRS", closedUnder(s, call))
    end
  end)
end)

describe("what confirms a close", function()
  --- The answer where the reply to the close is lost and the record reads as text.
  local function confirmedBy(text, bill, note)
    local raw <close> = rawserver.start { connections = {
      { { read = "request" }, { reset = true } },
      { { read = "request" }, { send = rawserver.reply(200, text) }, { close = true } },
    } }
    local time <close> = testenv.start()
    local client <close> = connect.ConnectClient(raw.url, "key", { retries = 2 })
    local chunk, failure = client.usageRecords:close(RECORD, bill, note)
    local closes = 0
    for _, bytes in ipairs(raw:received()) do closes = closes + (bytes:find("^POST") and 1 or 0) end
    assert.is_true(#time.pauses() <= 3)
    return chunk, failure, closes
  end

  it("is a status of closed and our billing id", function()
    local text = ('{"id":"%s","status":"closed","external_billing_id":"B-1"}'):format(RECORD)
    local chunk, _, closes = confirmedBy(text, "B-1")
    assert.is_true(chunk.confirmed)
    assert.equal(1, closes)
  end)

  it("is no other billing id, however alike", function()
    for _, other in ipairs { '"B-10"', '"B-"', '"C-1"', '"B--1"', '"B-2é"', '""', "null" } do
      local text = ('{"id":"%s","status":"closed","external_billing_id":%s}'):format(RECORD, other)
      local chunk, failure, closes = confirmedBy(text, "B-1")
      assert.is_nil(chunk, other)
      tells(failure, "record", "rejected", 1)
      assert.equal(1, closes)
    end
  end)

  -- Something on the way may have rewritten our id: then it is our close.
  it("is no rejection where the ids differ in nothing but blanks, letter case or normalisation: unknown", function()
    for _, alike in ipairs { { '"b-1"', "B-1" }, { '" B-1"', "B-1" }, { '"B -1\\t"', "B-1" }, { '"B-1\\u0000"', "B-1" },
      { '"MU\u{308}LLER-1"', "M\u{dc}LLER-1" }, { '"m\u{fc}ller-1"', "M\u{dc}LLER-1" } } do
      local shown, sent = table.unpack(alike)
      local text = ('{"id":"%s","status":"closed","external_billing_id":%s}'):format(RECORD, shown)
      local chunk, failure, closes = confirmedBy(text, sent)
      assert.is_nil(chunk, shown)
      tells(failure, "record", "unknown", 1)
      assert.matches("which may be ours: it differs in no more than blanks", failure.message, 1, true)
      assert.equal(1, closes)
    end
  end)

  it("is no record that doesn't tell its billing id: unknown", function()
    for _, rest in ipairs { "", ',"external_billing_id":1', ',"external_billing_id":true',
      ',"external_billing_id":{}', ',"external_billing_id":["B-1"]' } do
      local chunk, failure, closes = confirmedBy(('{"id":"%s","status":"closed"%s}'):format(RECORD, rest), "1")
      assert.is_nil(chunk, rest)
      assert.equal("unknown", failure.outcome, rest)
      assert.equal(1, closes)
    end
  end)

  it("is nothing that is no record: unknown", function()
    for _, text in ipairs {
      "", "[]", "null", "{}", "5", '"closed"', '{"status":5}', '{"status":null}', "<html>",
      '{"status":"closed","external_billing_id":"B-1"}',
      '{"id":"UR-2","status":"closed","external_billing_id":"B-1"}',
    } do
      local chunk, failure, closes = confirmedBy(text, "B-1")
      assert.is_nil(chunk, text)
      assert.equal("unknown", failure.outcome, text)
      assert.equal(1, closes, text)
    end
  end)

  it("is, without a billing id, a record that has none", function()
    for _, none in ipairs { "", ',"external_billing_id":null', ',"external_billing_id":""' } do
      local chunk = confirmedBy(('{"id":"%s","status":"closed"%s}'):format(RECORD, none), nil)
      assert.is_true(chunk.confirmed)
    end
  end)

  -- CloudBlue's own extension closes with a note alone: only the note tells whose close it is.
  it("is, without a billing id, our note and no other", function()
    local function by(rest, note)
      return confirmedBy(('{"id":"%s","status":"closed"%s}'):format(RECORD, rest), nil, note)
    end
    assert.is_true(by(',"external_billing_note":"run 7"', "run 7").confirmed)
    assert.is_true(by(',"external_billing_id":null,"external_billing_note":"run 7"', "run 7").confirmed)
    for rest, outcome in pairs {
      [',"external_billing_note":"run 8"'] = "rejected", [',"external_billing_note":null'] = "rejected",
      [',"external_billing_id":"B-9","external_billing_note":"run 7"'] = "rejected",
      [',"external_billing_note":"RUN 7 "'] = "unknown", [""] = "unknown", [',"external_billing_note":7'] = "unknown",
    } do
      local chunk, failure = by(rest, "run 7")
      assert.is_nil(chunk, rest)
      assert.equal(outcome, failure.outcome, rest)
    end
    local _, failure = by(',"external_billing_note":"theirs"', nil)
    tells(failure, "record", "rejected", 1)
    assert.equal("it is closed with another note (theirs)", failure.message)
  end)
end)

-- Reading a record and saying whether it is closed as was meant, for whoever was left in doubt, or starts again.
describe("records:settle", function()
  teardown(scene.finish)

  --- The answer where the record reads as text.
  local function settled(text, ...)
    local s <close> = service.answering(rawserver.reply(200, text))
    local result, failure = s.records:settle("UR-1", ...)
    for _, request in ipairs(s:requests()) do
      assert.same({ "GET", "/public/v1/usage/records/UR-1", "" }, { request.method, request.target, request.body })
    end
    assert.equal(1, #s:requests())
    return result, failure
  end

  local function record(rest) return '{"id":"UR-1"' .. rest .. "}" end

  local function refuses(text, kind, outcome, ...)
    local result, failure = settled(text, ...)
    assert.is_nil(result, text)
    tells(failure, kind, outcome, 1)
    return failure
  end

  it("is a chunk of the record where it is closed under our billing id", function()
    for _, rest in ipairs { "", ',"external_billing_note":null', ',"external_billing_note":"another note"' } do
      local chunk = assert(settled(record(',"status":"closed","external_billing_id":"B-1"' .. rest), "B-1", "note"))
      assert.equal("UsageChunk UR-1 (closed)", tostring(chunk))
      assert.equal("B-1", chunk.external_billing_id)
      assert.is_nil(chunk.confirmed)
    end
  end)

  it("is false where it is not closed", function()
    for _, status in ipairs { "approved", "valid", "invalid", "rejected", "closing", "Closed" } do
      local result, failure = settled(record((',"status":"%s"'):format(status)), "B-1")
      assert.is_false(result)
      assert.is_nil(failure)
    end
    assert.is_false((settled(record ',"status":"approved","external_billing_id":"B-2"', "B-1")))
    assert.is_false((settled(record ',"status":"approved"')))
  end)

  it("is a failure of kind record where it is closed under another's", function()
    local failure = refuses(record ',"status":"closed","external_billing_id":"THEIRS"', "record", "rejected", "B-1")
    assert.equal("it is closed under another billing id (THEIRS)", failure.message)
    assert.equal("GET /usage/records/UR-1: it is closed under another billing id (THEIRS)",
      (tostring(failure):gsub(" 200", "")))
    for _, none in ipairs { '""', "null" } do
      failure = refuses(record(',"status":"closed","external_billing_id":' .. none), "record", "rejected", "B-1")
      assert.equal("it is closed without a billing id", failure.message)
    end
  end)

  -- A read changes nothing: its outcome is rejected where a close's would be unknown.
  it("is a failure of kind record, too, where the ids differ in no more than how they are written", function()
    local failure = refuses(record ',"status":"closed","external_billing_id":"b-1 "', "record", "rejected", "B-1")
    assert.matches("which may be ours", failure.message, 1, true)
  end)

  it("is a failure of kind decode where the reply does not tell", function()
    for text, says in pairs {
      ['{"id":"UR-2","status":"closed","external_billing_id":"B-1"}'] = "the reply is about another object (UR-2)",
      ['{"status":"closed","external_billing_id":"B-1"}'] = "the reply is no record or chunk: it has no id",
      [record ',"external_billing_id":"B-1"'] = "the reply shows no status",
      [record ',"status":"closed"'] = "it is closed, and under which billing id the reply does not show",
      [record ',"status":"closed","external_billing_id":1'] =
        "it is closed, and under which billing id the reply does not show",
      ["[]"] = "the reply is no record or chunk: it has no id",
      [""] = "the reply is empty where JSON was expected",
      ["null"] = "the reply is a null where an object or a list was expected",
      ["<html>"] = "the reply is no JSON: ",
    } do
      local failure = refuses(text, "decode", "rejected", "B-1")
      assert.equal(says, failure.message:sub(1, #says))
      assert.equal(200, failure.status)
    end
  end)

  it("is, without a billing id, decided by the note", function()
    local function closed(rest) return record(',"status":"closed"' .. rest) end
    assert(settled(closed ',"external_billing_note":"run 7"', nil, "run 7"))
    assert(settled(closed ',"external_billing_id":null,"external_billing_note":"run 7"', nil, "run 7"))
    assert(settled(closed "", nil, nil))
    assert(settled(closed ',"external_billing_note":null'))
    refuses(closed ',"external_billing_note":"run 8"', "record", "rejected", nil, "run 7")
    refuses(closed ',"external_billing_id":"B-9","external_billing_note":"run 7"', "record", "rejected", nil, "run 7")
    refuses(closed ',"external_billing_note":"run 7"', "record", "rejected")
    refuses(closed "", "decode", "rejected", nil, "run 7")
  end)

  it("is tried again as every read, within its limits, and sends nothing but reads", function()
    local GET <const> = "GET /usage/records/" .. RECORD
    for _, fault in ipairs {
      { fault = "reset-before" }, { fault = "reset-after" }, { fault = "truncate" }, { fault = "status", status = 502 },
      { fault = "status", status = 429, retryAfter = 3 }, { fault = "status", status = 408 },
    } do
      fault.on, fault.count = "GET /**", 3
      local s <close> = scene.start { faults = { fault } }
      assert.is_false((s.client.usageRecords:settle(RECORD, BILL)))
      assert.same({ GET, GET, GET, GET }, s:requests())
      assert.equal(3, #s.time.pauses())
      assert.same({}, s.sandbox:journal())
      s.sandbox:configure { faults = { fault } }
      local _, failure = s.client.usageRecords:settle(RECORD, BILL, nil, { retries = 1 })
      assert.same({ "rejected", 2 }, { failure.outcome, failure.attempts })
    end
    local s <close> = scene.start { faults = { { on = "GET /**", fault = "hang", count = "all" } } }
    local _, failure = s.client.usageRecords:settle(RECORD, BILL, "note", { deadline = scene.SHORT })
    tells(failure, "cancelled", "rejected", 1)
    s:deafen()
    _, failure = s.client.usageRecords:settle(RECORD, BILL, "note", { retries = 0 })
    tells(failure, "transport", "unsent", 1)
  end)

  it("is not tried again where the reply does not tell, nor where it is refused", function()
    for bytes, kind in pairs {
      [rawserver.reply(200, "<html>")] = "decode", [rawserver.reply(404, "{}")] = "http",
      [rawserver.reply(302, "", { Location = "/x" })] = "http",
      [rawserver.reply(403, '{"error_code":"X","errors":["no"]}')] = "api",
    } do
      local s <close> = service.answering(bytes, { retries = 3 })
      local _, failure = s.records:settle("UR-1", "B-1")
      tells(failure, kind, "rejected", 1)
      assert.is_nil(failure.confirmation)
      assert.equal(1, #s:requests())
    end
  end)

  it("tells of the sandbox's records what was done with them", function()
    local s <close> = scene.start()
    local records = s.client.usageRecords
    assert.is_false((records:settle(RECORD, BILL, "note")))
    assert(records:close(RECORD, BILL, "note"))
    assert.equal(BILL, assert(records:settle(RECORD, BILL)).external_billing_id)
    assert.equal("record", select(2, records:settle(RECORD, "OTHER")).kind)
    assert.equal("record", select(2, records:settle(RECORD, nil, "note")).kind)
    assert.equal(404, select(2, records:settle("UR-2026-01-0000-0000-9999-9999", BILL)).status)
    assert.equal(1, #s.sandbox:journal())
  end)

  it("takes what close takes, and refuses what close refuses", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    for message, arguments in pairs {
      ["bad argument #1 to 'settle' (id must be a string, got nil)"] = {},
      ["bad argument #1 to 'settle' (id is empty)"] = { "" },
      ["bad argument #2 to 'settle' (externalBillingId is empty; pass nil to close without one)"] = { "UR-1", "" },
      ["bad argument #2 to 'settle' (externalBillingId must be a string, got number)"] = { "UR-1", 5 },
      ["bad argument #3 to 'settle' (externalBillingNote is not UTF-8)"] = { "UR-1", "B", "\xff" },
    } do
      assert.equal(message, service.misuse(function() return (s.records:settle(table.unpack(arguments, 1, 4))) end))
    end
    assert.equal(0, #s:requests())
  end)
end)
