-- Random calls under random faults: the sandbox's journal and the client's answers agree. `make torture` does more of
-- them. FAULT_SEED and FAULT_RUNS choose others, or one again.

local faultcrowds = require "spec.support.faultcrowds"
local faultjudge = require "spec.support.faultjudge"
local faultruns = require "spec.support.faultruns"
local faultseries = require "spec.support.faultseries"

local SEED = math.tointeger(tonumber(os.getenv "FAULT_SEED")) or 20260101
local RUNS = math.tointeger(tonumber(os.getenv "FAULT_RUNS"))

-- Runs of calls one after the other, and at once in each way.
local ALONE, AT_ONCE = 300, { tasks = 70, plainloop = 50, cqueues = 30 }

describe("random calls under random faults", function()
  it("are answered as they were carried out", function()
    faultseries.check(faultruns, RUNS or ALONE, SEED)
  end)

  for way, runs in pairs(AT_ONCE) do
    it("are answered as they were carried out when several are made at once: " .. way, function()
      faultseries.check(faultcrowds.of(way), RUNS or runs, SEED)
    end)
  end

  it("are the same for the same seed, and others for another", function()
    local function calls(seed)
      local list = {}
      for i, call in ipairs(faultruns.make(seed).calls) do list[i] = call.kind .. " " .. call.path end
      return list
    end
    assert.same(calls(SEED), calls(SEED))
    local others = 0
    for seed = 1, 20 do others = others + (#calls(seed) == #calls(SEED) and 0 or 1) end
    assert.is_true(others > 0)
  end)
end)

describe("the judge of random calls", function()
  local RECORD, PATH = "UR-2026-01-0000-0000-0000-0001", "/usage/records/UR-2026-01-0000-0000-0000-0001/close"

  --- What the judge says of a close with this outcome (nil: a success), with this many entries in the journal under
  --- these billing ids, when these requests were received.
  local function judged(outcome, entries, requests)
    local call = { number = 1, kind = "close", id = RECORD, bill = "B", method = "POST", path = PATH,
      probe = "/usage/records/" .. RECORD, received = requests, connectFaults = 0 }
    if outcome then
      call.failure = { outcome = outcome, attempts = 1 }
    else
      call.result = { id = RECORD, status = "closed" }
    end
    local journal = {}
    for i, bill in ipairs(entries) do
      journal[i] = { action = "close", kind = "record", id = RECORD, external_billing_id = bill,
        route = bill == "THEIRS" and "somebody else" or "POST " .. PATH }
    end
    local run = { calls = { call }, options = { retries = 3 } }
    return table.concat(faultjudge.judge(run, journal), "; ")
  end

  local function post(fault, status)
    return { method = "POST", path = "/public/v1" .. PATH, fault = fault, status = status }
  end

  local GET = { method = "GET", path = "/public/v1/usage/records/" .. RECORD }

  it("lets pass what agrees", function()
    assert.equal("", judged(nil, { "B" }, { post() }))
    assert.equal("", judged(nil, { "B" }, { post "reset-before", GET, post() }))
    assert.equal("", judged(nil, { "B" }, { post("status", 429), post() }))
    assert.equal("", judged("rejected", { "THEIRS" }, { post() }))
    assert.equal("", judged("unknown", { "B" }, { post "reset-after" }))
    assert.equal("", judged("unknown", {}, { post("status", 502) }))
    assert.equal("", judged("unsent", {}, {}))
  end)

  it("sees an object that was closed twice, or by nobody's wish", function()
    assert.equal("call 1: " .. RECORD .. " was closed 2 times", judged(nil, { "B", "B" }, { post() }))
    assert.matches("closed under C, which nobody asked for", judged("rejected", { "C" }, { post() }), 1, true)
  end)

  it("sees a success that was not carried out", function()
    assert.equal("call 1: a success was not carried out", judged(nil, {}, { post() }))
    assert.equal("call 1: a success was not carried out", judged(nil, { "THEIRS" }, { post() }))
  end)

  it("sees a refusal that was carried out, or received", function()
    assert.equal("call 1: rejected, but it was carried out", judged("rejected", { "B" }, { post() }))
    assert.equal("call 1: rejected, but never received", judged("rejected", {}, {}))
    assert.matches("unsent, but it was carried out", judged("unsent", { "B" }, {}), 1, true)
    assert.equal("call 1: unsent, but it was received", judged("unsent", {}, { post "reset-before" }))
  end)

  it("sees doubt without a reason, and what was sent again unasked", function()
    assert.equal("call 1: unknown, but no fault left doubt", judged("unknown", {}, { post() }))
    assert.equal("call 1: unknown, but no fault left doubt", judged("unknown", {}, { post("status", 403) }))
    assert.equal("call 1: it was sent again unasked", judged(nil, { "B" }, { post "reset-before", post() }))
    assert.equal("call 1: it was sent again unasked", judged(nil, { "B" }, { GET, post "reset-before", post() }))
  end)

  it("holds a call that was given up to no answer, and one that was never made to silence", function()
    local function judgedAs(what, journal, requests)
      local call = { number = 1, kind = "close", id = RECORD, bill = "B", method = "POST", path = PATH,
        received = requests, connectFaults = 0, [what] = true }
      return table.concat(faultjudge.judge({ calls = { call }, options = { retries = 3 } }, journal), "; ")
    end
    local ours = { action = "close", kind = "record", id = RECORD, external_billing_id = "B", route = "POST " .. PATH }
    assert.equal("", judgedAs("givenUp", { ours }, { post() }))
    assert.equal("", judgedAs("givenUp", {}, {}))
    assert.equal("call 1: it was sent again unasked", judgedAs("givenUp", { ours }, { post(), post() }))
    assert.equal("", judgedAs("notMade", {}, {}))
    assert.equal("call 1: unsent, but it was carried out; call 1: unsent, but it was received",
      judgedAs("notMade", { ours }, { post() }))
  end)

  it("sees what was sent without a call's having begun it", function()
    local call = { number = 1, kind = "close", id = RECORD, bill = "B", method = "POST", path = PATH, begun = 1,
      probe = "/usage/records/" .. RECORD, received = { post "reset-before", GET, post() }, connectFaults = 0,
      givenUp = true }
    local problems = faultjudge.judge({ calls = { call }, options = { retries = 3 } }, {})
    assert.same({ "call 1: sent without having been begun" }, problems)
  end)

  it("hands out what was received to calls that ran at once", function()
    local function bulk(tag)
      local body = tag and "[" .. tag .. "1]" or ""
      return { method = "POST", path = "/public/v1/usage/records/close-records", body = body }
    end
    local function call(id, tag)
      return { method = "POST", path = "/usage/records/close-records", probe = "/usage/records/" .. id, tag = tag }
    end
    local one, other = call("UR-1", "B-1-"), call("UR-2", "B-2-")
    local reader = { method = "GET", path = "/usage/records/UR-2", tag = "B-3-" }
    local probe = { method = "GET", path = "/public/v1/usage/records/UR-2", body = "" }
    local own = { bulk "B-2-", bulk "B-1-" }
    faultjudge.attribute({ calls = { one, other } }, { own[1], own[2], probe })
    assert.same({ { own[2] }, { own[1], probe } }, { one.received, other.received })
    assert.is_nil(one.mixed or other.mixed)
    faultjudge.attribute({ calls = { one, other, reader } }, { bulk(), probe })
    assert.same({ {}, { probe }, {} }, { one.received, other.received, reader.received })
    assert.is_true(one.mixed and other.mixed and reader.mixed)
  end)
end)
