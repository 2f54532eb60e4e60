-- Random calls under random faults, many of them (see spec/faults_spec.lua). Every time others: the seed is printed.
-- FAULT_SEED and FAULT_RUNS choose those of another time.

local faultruns = require "spec.support.faultruns"
local sandbox = require "cloudblue.connect.sandbox"

local RUNS = math.tointeger(tonumber(os.getenv "FAULT_RUNS")) or 10000
local SEED = math.tointeger(tonumber(os.getenv "FAULT_SEED")) or os.time()

describe("many random calls under random faults", function()
  it("are answered as they were carried out", function()
    local sb <close> = assert(sandbox.start(faultruns.SANDBOX))
    local summary = faultruns.many(sb, RUNS, SEED)
    print("# " .. faultruns.line(summary))
    assert.equal(RUNS, summary.runs)
    assert.equal("", table.concat(summary.problems, "\n"))
  end)
end)
