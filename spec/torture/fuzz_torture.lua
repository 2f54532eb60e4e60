-- Random texts, for a minute each reader (see spec/fuzz_spec.lua). Every time others: the seed is printed.
-- FUZZ_SEED and FUZZ_SECONDS choose those of another time.

local luafuzz = require "spec.support.luafuzz"

local SEED = math.tointeger(tonumber(os.getenv "FUZZ_SEED")) or os.time()
local SECONDS = tonumber(os.getenv "FUZZ_SECONDS") or 60

describe("random texts, for a minute", function()
  for name in pairs(luafuzz.readers) do
    it(("are read as %s, or refused, as somebody else reads them"):format(name), function()
      print(("# random texts as %s from FUZZ_SEED=%d"):format(name, SEED))
      math.randomseed(SEED)
      local stop = os.time() + SECONDS
      local function more(count) return count % 1000 ~= 0 or os.time() < stop end
      local ok, texts, taken = pcall(luafuzz.try, name, more)
      assert(ok, ("%s\n  again: FUZZ_SEED=%d"):format(tostring(texts), SEED))
      print(("# %d texts, %d taken"):format(texts, taken))
      assert.is_true(taken > texts // 50 and taken < texts)
    end)
  end
end)
