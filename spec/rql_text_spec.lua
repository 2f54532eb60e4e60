-- How values are written in a query: in every locale the same, and so that the service reads what was meant.

local child = require "spec.support.child"
local locales = require "spec.support.locales"
local queries = require "spec.support.queries"
local reader = require "spec.support.rqlreader"
local rql = require "cloudblue.connect.rql"

local R = rql.R
local query, refusal = queries.of, queries.refusal

describe("a value", function()
  it("stands bare where it is a plain word", function()
    local words = { "approved", "UR-1", "2024-01-31T10:00:00+03:00", "a@b.com", "x*y", "a\\b", "-1", "+2", "_" }
    for _, value in ipairs(words) do
      assert.equal("a=" .. value, query { a = value })
    end
  end)

  it("is quoted where it is not", function()
    local texts = { "two words", "a,b", "(a)", "a=b", "a&b", "a|b", "a;b", "it's", "a#b", "50%", "текст", "~", "%22",
      ":a", "t", "?" }
    for _, value in ipairs(texts) do
      assert.equal('a="' .. value .. '"', query { a = value })
    end
    assert.equal("a='say \"hi\"'", query { a = 'say "hi"' })
  end)

  it("is percent-encoded but for what a URL may carry", function()
    assert.equal("a=%22x%26b%3D1%23%25%2B%7C%28%29%2C%22", queries.encode { a = "x&b=1#%+|()," })
    assert.equal("a=%22%C3%A9%22", queries.encode { a = "é" })
    assert.equal("a=2024-01-31T10:00:00%2B03:00", queries.encode { a = "2024-01-31T10:00:00+03:00" })
    assert.equal("((a=1)%7C(b=2))", queries.encode { ["$or"] = { { a = 1 }, { b = 2 } } })
    assert.equal("ordering(%2Ba,-b)", queries.encode { ["$ordering"] = { "+a", "-b" } })
  end)

  it("is refused where it holds both kinds of quotation marks", function()
    assert.matches("a: the text holds both kinds of quotation marks", refusal { a = [["it's"]] }, 1, true)
  end)

  it("is refused where it holds a control character", function()
    for _, character in ipairs { "\0", "\t", "\r", "\n", "\31", "\127" } do
      assert.matches("a: the text holds a control character", refusal { a = "x" .. character }, 1, true)
    end
  end)

  it("is refused where it is not UTF-8", function()
    local bad = { "\xFF", "\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\x80", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
      "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xC3", "\xF0\x9F\x98", "\xE2\x28\xA1", "\xE2\x82\x28",
      "\xE2\x82\xC2", "\xF0\x9F\x98\x28", "\xF0\x9F\x98\xC2", "\xF0\x9F\x28\x80", "\xC3\xC3" }
    for _, bytes in ipairs(bad) do
      assert.matches("a: the text is not UTF-8 (byte 3)", refusal { a = "xy" .. bytes }, 1, true)
    end
    local good = { "\xC2\x80", "\xDF\xBF", "\xEF\xBF\xBD",
      "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF0\x90\x80\x80",
      "\xF4\x8F\xBF\xBF" }
    for _, bytes in ipairs(good) do
      assert.equal('a="' .. bytes .. '"', query { a = bytes })
    end
  end)

  it("is a number that reads back as the same", function()
    local written = { [0.5] = "0.5", [1e20] = "100000000000000000000", [-3] = "-3", [0.1] = "0.1",
      [1 / 3] = "0.3333333333333333", [2.0] = "2", [1234567890123.45] = "1234567890123.45", [-12.75] = "-12.75",
      [2 ^ 51 + 0.5] = "2251799813685248.5", [2 ^ 53] = "9007199254740992", [2 ^ 53 + 2] = "9007199254740994",
      [math.maxinteger] = "9223372036854775807", [math.mininteger] = "-9223372036854775808", [-0.0] = "0" }
    for number, text in pairs(written) do
      assert.equal("a=" .. text, query { a = number })
      assert.equal(number, tonumber(text))
    end
    assert.equal("a=9007199254740993", query { a = 2 ^ 53 | 1 })
    assert.equal("like(a,*1.5*)", query { a = { ["$like"] = 1.5 } })
  end)

  it("is a number without an exponent, which the service would cut off a decimal", function()
    local written = { [1e-7] = "0.0000001", [-1.2345e-07] = "-0.00000012345", [1.5e-10] = "0.00000000015",
      [0.05] = "0.05", [1e300] = ("%.0f"):format(1e300), [5e-324] = "0." .. ("0"):rep(323) .. "494065645841247" }
    for number, text in pairs(written) do
      assert.equal("a=" .. text, query { a = number })
      assert.equal(number, tonumber(text))
      assert.equal("eq(a," .. text .. ")", tostring(R.a:eq(number)))
    end
  end)

  it("is no NaN and no infinity", function()
    for _, number in ipairs { 0 / 0, 1 / 0, -1 / 0 } do
      assert.matches("a: NaN and infinity have no place in a query", refusal { a = number }, 1, true)
      assert.matches("a.$like: NaN and infinity", refusal { a = { ["$like"] = number } }, 1, true)
    end
  end)

  it("to look for anywhere keeps its stars and backslashes", function()
    assert.equal("like(a,*x\\*\\\\*)", query { a = { ["$like"] = "x*\\" } })
    local tree = assert(reader.read(queries.encode { a = { ["$like"] = "\\*" } }))
    assert.equal(reader.ANY .. "\\*" .. reader.ANY, tree[3])
  end)
end)

describe("numbers of a query", function()
  it("are the same in every locale", function()
    local script = [[
      local rql = require "cloudblue.connect.rql"
      local filter = { a = 0.5, b = 0.1, c = -1.25e-7, d = 1e300, e = 7.0 }
      local plain = rql.encode(filter)
      math.randomseed(20260101)
      local numbers = {}
      for index = 1, 2000 do numbers[index] = (math.random() - 0.5) * 10.0 ^ math.random(-30, 30) end
      local more = rql.encode { x = { ["$in"] = numbers } }
      local at = 0
      for written in more:gmatch "[-0-9.]+" do
        at = at + 1
        assert(tonumber(written) == numbers[at], written)
      end
      assert(at == #numbers)
      assert(os.setlocale "%s")
      assert(tostring(5 / 10) ~= "0.5", "the locale is not in effect")
      assert(more == rql.encode { x = { ["$in"] = numbers } })
      print(plain)
      print(rql.encode(filter))
    ]]
    for _, name in ipairs { "comma", "wide" } do
      local plain, other = child.run(script:format(name), locales.environment()):match "^([^\n]*)\n([^\n]*)\n$"
      assert.matches("a=0.5&b=0.1&c=-0.000000125&d=1000000", plain, 1, true)
      assert.equal(plain, other)
    end
  end)
end)
