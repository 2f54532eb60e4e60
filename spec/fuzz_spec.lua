local luafuzz = require "spec.support.luafuzz"

local SEED = tonumber(os.getenv "FUZZ_SEED") or os.time()
local TEXTS = tonumber(os.getenv "FUZZ_TEXTS") or 20000

describe("random texts", function()
  for name in pairs(luafuzz.readers) do
    it(("are read as %s, or refused, as somebody else reads them"):format(name), function()
      math.randomseed(SEED)
      local ok, texts, taken = pcall(luafuzz.try, name, function(count) return count < TEXTS end)
      assert(ok, ("FUZZ_SEED=%d: %s"):format(SEED, tostring(texts)))
      print(("%s: %d texts, %d taken (FUZZ_SEED=%d)"):format(name, texts, taken, SEED))
      assert.is_true(taken > TEXTS // 50 and taken < texts)
    end)
  end
end)
