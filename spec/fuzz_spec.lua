-- Random texts, the same ones each time; `make torture` tries others. FUZZ_SEED and FUZZ_TEXTS choose.

local luafuzz = require "spec.support.luafuzz"

local SEED = math.tointeger(tonumber(os.getenv "FUZZ_SEED")) or 20260101
local TEXTS = math.tointeger(tonumber(os.getenv "FUZZ_TEXTS")) or 20000

describe("random texts", function()
  for name in pairs(luafuzz.readers) do
    it(("are read as %s, or refused, as somebody else reads them"):format(name), function()
      math.randomseed(SEED)
      local ok, texts, taken = pcall(luafuzz.try, name, function(count) return count < TEXTS end)
      assert(ok, ("%s\n  again: FUZZ_SEED=%d"):format(tostring(texts), SEED))
      assert.is_true(taken > TEXTS // 50 and taken < texts)
    end)
  end

  it("that once were read in two ways are read in one", function()
    -- A letter beyond ASCII in a field's name, which the service's \w takes.
    for _, text in ipairs { "nam22a%ee=5332,like(x,*y*)", "na\xC3\xA9=1", "eq(\xC3\xA9,1)", "a\xC3\xA9.b=\xC3\xA9" } do
      luafuzz.readers.RQL.check(text)
    end
  end)
end)
