-- Random calls under random faults, many of them, in a loop (see spec/faults_spec.lua). Every time others: the seed is
-- printed. FAULT_SEED and FAULT_RUNS choose those of another time.

local faultcrowds = require "spec.support.faultcrowds"
local faultseries = require "spec.support.faultseries"

local RUNS = math.tointeger(tonumber(os.getenv "FAULT_RUNS")) or 10000
local SEED = math.tointeger(tonumber(os.getenv "FAULT_SEED")) or os.time()

describe("many random calls under random faults", function()
  it("are answered as they were carried out when several are made at once, in a loop", function()
    faultseries.check(faultcrowds.of "plainloop", RUNS // 2, SEED)
    faultseries.check(faultcrowds.of "cqueues", RUNS - RUNS // 2, SEED + RUNS // 2)
  end)
end)
