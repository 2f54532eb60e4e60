local jsontexts = require "spec.support.jsontexts"

local SEED = tonumber(os.getenv "FUZZ_SEED") or os.time()
local SECONDS = tonumber(os.getenv "FUZZ_SECONDS") or 60

describe("random JSON texts, for a minute", function()
  it("are read as what they mean", function()
    local stop, count = os.time() + SECONDS, 0
    math.randomseed(SEED)
    repeat
      local ok, problem = pcall(jsontexts.read, 1000)
      assert(ok, ("FUZZ_SEED=%d: %s"):format(SEED, tostring(problem)))
      count = count + 1000
    until os.time() >= stop
    print(("%d texts (FUZZ_SEED=%d)"):format(count, SEED))
  end)
end)
