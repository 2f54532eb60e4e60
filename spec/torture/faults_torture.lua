-- Random calls under random faults, many of them (see spec/faults_spec.lua). Every time others: the seed is
-- printed. FAULT_SEED and FAULT_RUNS choose those of another time.

local faultruns = require "spec.support.faultruns"
local faultseries = require "spec.support.faultseries"

local RUNS = math.tointeger(tonumber(os.getenv "FAULT_RUNS")) or 10000
local SEED = math.tointeger(tonumber(os.getenv "FAULT_SEED")) or os.time()

describe("many random calls under random faults", function()
  it("are answered as they were carried out", function()
    faultseries.check(faultruns, RUNS, SEED)
  end)
end)
