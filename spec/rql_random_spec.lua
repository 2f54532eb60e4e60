-- Random filters, the same ones each time; `make torture` tries others. RQL_SEED and RQL_RUNS choose.

local hostile = require "spec.support.rql_hostile"

local RUNS = math.tointeger(tonumber(os.getenv "RQL_RUNS")) or 10000
local SEED = math.tointeger(tonumber(os.getenv "RQL_SEED")) or 20260101

describe("random filters with hostile values", function()
  it("read back as the same filter, or are refused", function()
    local written = hostile.many(RUNS, SEED)
    assert.is_true(RUNS < 1000 or written > RUNS // 4 and RUNS - written > RUNS // 20)
  end)
end)
