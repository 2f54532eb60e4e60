-- Random calls under random faults, many of them, in tasks (see spec/faults_spec.lua). Every time others: the seed is
-- printed. FAULT_SEED and FAULT_RUNS choose those of another time.

local faultcrowds = require "spec.support.faultcrowds"
local faultseries = require "spec.support.faultseries"

local RUNS = math.tointeger(tonumber(os.getenv "FAULT_RUNS")) or 10000
local SEED = math.tointeger(tonumber(os.getenv "FAULT_SEED")) or os.time()

describe("many random calls under random faults", function()
  it("are answered as they were carried out when several are made at once, in tasks", function()
    faultseries.check(faultcrowds.of "tasks", RUNS, SEED)
  end)
end)
