-- Random calls under random faults: the sandbox's journal and the client's answers agree. `make torture` does more of
-- them. FAULT_SEED and FAULT_RUNS choose others, or one again.

local faultjudge = require "spec.support.faultjudge"
local faultruns = require "spec.support.faultruns"
local sandbox = require "cloudblue.connect.sandbox"

local SEED = math.tointeger(tonumber(os.getenv "FAULT_SEED")) or 20260101
local RUNS = math.tointeger(tonumber(os.getenv "FAULT_RUNS")) or 300

describe("random calls under random faults", function()
  it("are answered as they were carried out", function()
    local sb <close> = assert(sandbox.start(faultruns.SANDBOX))
    local summary = faultruns.many(sb, RUNS, SEED)
    print("# " .. faultruns.line(summary))
    assert.equal(RUNS, summary.runs)
    assert.equal("", table.concat(summary.problems, "\n"))
  end)

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
      probe = "/usage/records/" .. RECORD, first = 1, last = #requests, connectFaults = 0 }
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
    return table.concat(faultjudge.judge(run, journal, requests), "; ")
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
end)
