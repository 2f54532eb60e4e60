-- Random filters with hostile values, many of them (see spec/rql_random_spec.lua). Every time others: the seed is
-- printed. RQL_SEED and RQL_RUNS choose those of another time.

local hostile = require "spec.support.rql_hostile"

local RUNS = math.tointeger(tonumber(os.getenv "RQL_RUNS")) or 500000
local SEED = math.tointeger(tonumber(os.getenv "RQL_SEED")) or os.time()

describe("many random filters with hostile values", function()
  it("read back as the same filter, or are refused", function()
    print(("# %d random filters from RQL_SEED=%d"):format(RUNS, SEED))
    local written = hostile.many(RUNS, SEED)
    assert.is_true(RUNS < 1000 or written > RUNS // 4 and RUNS - written > RUNS // 20)
  end)
end)
