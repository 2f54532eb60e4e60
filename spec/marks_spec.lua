-- How numbers get past lua-cjson: integers are exact and strings are strings, whatever the text holds.

local jsontexts = require "spec.support.jsontexts"
local service = require "spec.support.service"

describe("strings of a reply", function()
  it("stay strings, whatever they say, next to long numbers", function()
    local text = [[{"n":1234567890123456789,"a":"\u0001cloudblue.connect integer:5","b":"1234567890123456789"}]]
    local value = service.readEach({ text })[1].value
    assert.equal("\1cloudblue.connect integer:5", value.a)
    assert.equal("1234567890123456789", value.b)
  end)

  --- How strings begin, and what that means.
  local BEGINNINGS = {
    { "\\b", "\8" }, { "\1", "\1" }, { "\2", "\2" }, { "\8", "\8" }, { "\\u0001\\u0001", "\1\1" },
    { "\\u0001\1", "\1\1" }, { "\1\\u0001", "\1\1" }, { "\1\1", "\1\1" }, { "\\u0001\\u0001\\u0001", "\1\1\1" },
  }
  for code = 1, 8 do BEGINNINGS[#BEGINNINGS + 1] = { ("\\u%04x"):format(code), string.char(code) } end
  -- The first eight, as they are written and what they mean.
  local ALL = { "\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007\\u0008", "\1\2\3\4\5\6\7\8" }

  it("stay strings where they begin with a control character and go on as a number", function()
    local texts = {}
    for index, beginning in ipairs(BEGINNINGS) do
      texts[index] = ('{"s":"?42","?42":1,"?43" : "?","l":["?9007199254740995" ],'
        .. '"n":9007199254740993,"seven":"' .. ALL[1]:sub(1, -7) .. '"}')
        :gsub("%?", beginning[1])
    end
    for index, got in ipairs(service.readEach(texts)) do
      local plain = BEGINNINGS[index][2]
      assert.same({
        s = plain .. "42", [plain .. "42"] = 1, [plain .. "43"] = plain, l = { plain .. "9007199254740995" },
        n = 9007199254740993, seven = ALL[2]:sub(1, 7),
      }, got.value, texts[index])
    end
  end)

  it("leave integers exact, whichever control characters they use up", function()
    local texts = { '["' .. ALL[1] .. '",9007199254740993]', '["' .. ALL[2] .. '",9007199254740993]' }
    for index, got in ipairs(service.readEach(texts)) do
      assert.same({ ALL[2], 9007199254740993 }, got.value, texts[index])
      assert.equal("integer", math.type(got.value[2]))
    end
  end)
end)

-- The same texts each time; spec/torture/json_torture.lua tries others. JSON_RUNS and JSON_SEED choose.
describe("random texts", function()
  it("are read as what they mean", function()
    math.randomseed(math.tointeger(tonumber(os.getenv "JSON_SEED")) or 20260301)
    jsontexts.read(math.tointeger(tonumber(os.getenv "JSON_RUNS")) or 1000)
  end)
end)
