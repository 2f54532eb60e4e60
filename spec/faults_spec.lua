-- Random calls under random faults: the sandbox's journal and the client's answers agree. `make torture` does more of
-- them. FAULT_SEED and FAULT_RUNS choose others, or one again.

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
end)
