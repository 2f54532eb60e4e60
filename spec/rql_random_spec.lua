local rql = require "cloudblue.connect.rql"
local hostile = require "spec.support.rql_hostile"
local reader = require "spec.support.rqlreader"

local RUNS = tonumber(os.getenv "RQL_RUNS") or 10000
local SEED = tonumber(os.getenv "RQL_SEED") or os.time()

local function meaning(tree) return reader.meaning(hostile.evenNumbers(tree)) end

describe("random filters with hostile values", function()
  it("read back as the same filter, or are refused", function()
    math.randomseed(SEED)
    local encoded, refused = 0, 0
    for run = 1, RUNS do
      local make, tree = hostile.filter(rql.R)
      local done, query = pcall(function() return (rql.encode(make())) end)
      local which = ("run %d of RQL_SEED=%d: %s"):format(run, SEED, tostring(query))
      assert.equal(tree ~= nil, done, which)
      if done then
        local back, problem = reader.read(query)
        assert.is_truthy(back, which .. "\n" .. tostring(problem))
        assert.equal(meaning(tree), meaning(back), which)
        encoded = encoded + 1
      else
        local isMisuse = query:find("bad argument #1 to '", 1, true) or query:find("is not a field's name", 1, true)
        assert.is_truthy(isMisuse, which)
        refused = refused + 1
      end
    end
    print(("%d random filters: %d read back, %d refused (RQL_SEED=%d)"):format(RUNS, encoded, refused, SEED))
    assert.is_true(encoded > RUNS // 4 and refused > RUNS // 20)
  end)
end)
