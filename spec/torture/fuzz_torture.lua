local luafuzz = require "spec.support.luafuzz"

local SEED = tonumber(os.getenv "FUZZ_SEED") or os.time()
local SECONDS = tonumber(os.getenv "FUZZ_SECONDS") or 60

describe("random texts, for a minute", function()
  for name in pairs(luafuzz.readers) do
    it(("are read as %s, or refused, as somebody else reads them"):format(name), function()
      math.randomseed(SEED)
      local stop = os.time() + SECONDS
      local function more(count) return count % 1000 ~= 0 or os.time() < stop end
      local ok, texts, taken = pcall(luafuzz.try, name, more)
      assert(ok, ("FUZZ_SEED=%d: %s"):format(SEED, tostring(texts)))
      print(("%s: %d texts, %d taken (FUZZ_SEED=%d)"):format(name, texts, taken, SEED))
      assert.is_true(taken > texts // 50 and taken < texts)
    end)
  end
end)
