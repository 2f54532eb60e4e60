-- JSON both ways: numbers keep their value and their type, null is null, and what is no JSON is a failure.

local core = require "cloudblue.connect.core"
local connect = require "cloudblue.connect"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local codec = require("cjson").new()

--- What a reply with that text is read as.
local function read(text)
  local s <close> = service.answering(rawserver.reply(200, text))
  return s.client:request("GET", "/x")
end

--- Asserts that each text reads as its value, of that type.
local function assertNumbers(cases)
  local texts = {}
  for index, case in ipairs(cases) do texts[index] = '{"n":' .. case[1] .. "}" end
  for index, got in ipairs(service.readEach(texts)) do
    local text, expected = cases[index][1], cases[index][2]
    local number = got.value and got.value.n
    assert.equal(math.type(expected), math.type(number), text)
    assert.equal(expected, number, text)
  end
end

describe("a number of a reply", function()
  it("is a Lua integer where JSON has an integer", function()
    assertNumbers {
      { "0", 0 }, { "1", 1 }, { "-1", -1 }, { "42", 42 },
      { "999999999999999", 999999999999999 },
      { "1234567890123456", 1234567890123456 },
      { "9007199254740993", 9007199254740993 },
      { "-9007199254740993", -9007199254740993 },
      { "1234567890123456789", 1234567890123456789 },
      { "9223372036854775807", math.maxinteger },
      { "-9223372036854775808", math.mininteger },
    }
  end)

  it("is a float where an integer is beyond 64 bits", function()
    assertNumbers {
      { "9223372036854775808", 2.0 ^ 63 },
      { "12345678901234567890", 12345678901234567890.0 },
      { "18446744073709551615", 2.0 ^ 64 },
      { "-9223372036854775809", -(2.0 ^ 63) },
      { "123456789012345678901234567890", 1.2345678901234568e29 },
    }
  end)

  it("is a float where it has a fraction, with all its digits", function()
    assertNumbers {
      { "0.1", 0.1 }, { "-12.5", -12.5 }, { "1234567890123.45", 1234567890123.45 }, { "1.5e3", 1500 },
      { "0.30000000000000004", 0.30000000000000004 }, { "1e-7", 1e-7 }, { "2.2250738585072014e-308", 2 ^ -1022 },
      { "1234567890123456.7", 1234567890123456.7 },
    }
  end)

  it("is an integer where its fraction is zero and a float holds it exactly", function()
    assertNumbers {
      { "7.0", 7 }, { "-0", 0 }, { "-0.0", 0 }, { "1E5", 100000 }, { "1e+2", 100 }, { "12.50e1", 125 },
      { "9007199254740991.0", 9007199254740991 }, { "-9007199254740991.0", -9007199254740991 },
    }
  end)

  it("is a float where it is whole, but a float may stand for another", function()
    assertNumbers {
      { "9007199254740992.0", 2.0 ^ 53 },
      { "9007199254740993.0", 2.0 ^ 53 }, { "9007199254740994.0", 2.0 ^ 53 + 2 },
      { "1e18", 1e18 }, { "-1e300", -1e300 },
    }
  end)

  it("keeps its value next to a long one, and in every place", function()
    local value = read [[{"long":1234567890123456789,"list":[9007199254740993,[9007199254740995],1,"x"],
      "1234567890123456789":"1234567890123456789","quote\"1234567890123456789":"a\\","t":true,"n":null,
      "f":0.1,"minus":-1234567890123456789}]]
    assert.same({
      long = 1234567890123456789,
      list = { 9007199254740993, { 9007199254740995 }, 1, "x" },
      ["1234567890123456789"] = "1234567890123456789",
      ['quote"1234567890123456789'] = "a\\",
      t = true,
      n = connect.null,
      f = 0.1,
      minus = -1234567890123456789,
    }, value)
    assert.equal("integer", math.type(value.list[1]))
    assert.equal("integer", math.type(value.list[2][1]))
    assert.equal("integer", math.type(value.list[3]))
    assert.equal("string", type(value["1234567890123456789"]))
  end)

  it("is exact where it is all that the reply has", function()
    local texts = {
      "9007199254740993", "-9007199254740993", " 9007199254740993", "  9007199254740993 ", "[9007199254740993]", "7",
      "7.5", "1234567890123456789",
    }
    local meant = {
      9007199254740993, -9007199254740993, 9007199254740993, 9007199254740993, { 9007199254740993 }, 7, 7.5,
      1234567890123456789,
    }
    for index, got in ipairs(service.readEach(texts)) do
      assert.same(meant[index], got.value, texts[index])
      assert.equal(math.type(meant[index]), math.type(got.value), texts[index])
    end
  end)

  it("is no number of a float's range: a failure", function()
    for _, got in ipairs(service.readEach {
      '{"n":1e400}', "[-1e999]", '{"a":[{"b":1e309}]}', "[1" .. ("0"):rep(400) .. "]", "[-1" .. ("9"):rep(309) .. "]",
      "[1234567890123456,1e400]",
    }) do
      assert.equal("decode", got.failure.kind)
      assert.equal("the reply is no JSON: it holds a number beyond the range of a float", got.failure.message)
    end
  end)
end)

describe("null", function()
  it("in a table is connect.null", function()
    local value = read '{"a":null,"list":[null,1]}'
    assert.equal(connect.null, value.a)
    assert.equal(connect.null, value.list[1])
    assert.equal(2, #value.list)
  end)

  it("is what lua-cjson itself has", function()
    assert.equal(require("cjson").null, connect.null)
  end)

  it("goes out as null", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    assert(s.client:request("POST", "/x", { body = { connect.null } }))
    assert.equal("[null]", s:requests()[1].body)
  end)
end)

describe("strings of a reply", function()
  it("are UTF-8, escapes resolved", function()
    local value = read [[{"s":"\u00e9\ud83d\ude00\u0000\n\"\\\/ é日"}]]
    assert.equal("é😀\0\n\"\\/ é日", value.s)
  end)
end)

describe("a billing id and a note", function()
  it("are the strings that were given, with any character in any place", function()
    local texts = {}
    for code = 0, 127 do
      local character = string.char(code)
      for _, text in ipairs { character .. "ab", "a" .. character .. "b", "ab" .. character, character } do
        texts[#texts + 1] = text
      end
    end
    for _, text in ipairs { "é", "日本", "\u{10FFFF}", 'a","external_billing_id":"b', "\\u0041" } do
      texts[#texts + 1] = text
    end
    local replies = {}
    for index in ipairs(texts) do replies[index] = rawserver.reply(400, "{}") end
    local s <close> = service.answering(replies)
    for _, text in ipairs(texts) do assert.is_nil((s.records:close("UR-1", text, text))) end
    local requests = s:requests()
    assert.equal(#texts, #requests)
    for index, text in ipairs(texts) do
      local body = codec.decode(requests[index].body)
      assert.same({ external_billing_id = text, external_billing_note = text }, body, requests[index].body)
    end
  end)
end)

describe("a reply that is no JSON", function()
  it("is a failure of kind decode that says why", function()
    local texts = {
      "{", "[1,", "nul", "{]", '{"a" 1}', "{'a':1}", "<html></html>", "[1]x", "NaN", "[Infinity]", "[0x10]", "[01]",
      "\xEF\xBB\xBF{}", '["\\x"]', "[1234567890123456789", "{} {}", " ", "[--1]",
      "[0012345678901234567]", "[-]", "[12345678901234567-]",
    }
    for index, got in ipairs(service.readEach(texts)) do
      local text = texts[index]
      assert.is_nil(got.value, text)
      assert.equal("decode", got.failure.kind, text)
      assert.matches("^the reply is no JSON: Expected", got.failure.message, nil, text)
    end
  end)

  it("says so for UTF-16", function()
    local _, failure = read "\0{\0}"
    assert.equal("decode", failure.kind)
  end)
end)

describe("nesting", function()
  local function nested(levels)
    return ("["):rep(levels) .. ("]"):rep(levels)
  end

  it("of a reply is read up to 1000 levels", function()
    local value, depth = assert(read(nested(1000))), 0
    while value do
      value, depth = value[1], depth + 1
    end
    assert.equal(1000, depth)
  end)

  it("of a reply beyond that is a failure, however deep", function()
    local texts = {
      nested(1001), nested(10000), nested(1000000), ('{"a":'):rep(10000) .. "1" .. ("}"):rep(10000),
      "[1234567890123456789," .. nested(10000) .. "]",
    }
    for _, got in ipairs(service.readEach(texts)) do
      assert.equal("decode", got.failure.kind)
      assert.matches("^the reply is no JSON: .*nested", got.failure.message)
    end
  end)
end)

describe("the host's lua-cjson", function()
  it("stays as it was, and its settings change nothing here", function()
    local cjson = require "cjson"
    local precision, depth = cjson.encode_number_precision(), cjson.decode_max_depth()
    local s <close> = service.answering(rawserver.reply(200, "[[1]]"))
    cjson.encode_number_precision(3)
    cjson.decode_max_depth(1)
    finally(function()
      cjson.encode_number_precision(precision)
      cjson.decode_max_depth(depth)
    end)
    assert.same({ { 1 } }, (s.client:request("POST", "/x", { body = { n = 12.3456 } })))
    assert.equal('{"n":12.3456}', s:requests()[1].body)
    assert.equal(3, cjson.encode_number_precision())
    assert.equal(1, cjson.decode_max_depth())
  end)
end)

describe("encodeJson and decodeJson", function()
  it("write values and read them, as bodies and replies are", function()
    local list = { "UR-1", core.null, 'a "b"\\ /é', "" }
    assert.same(list, core.decodeJson(core.encodeJson(list)))
    assert.equal("integer", math.type(core.decodeJson("[7]")[1]))
  end)

  it("return nil and why where a text is no JSON, and raise for what JSON can't hold", function()
    local value, problem = core.decodeJson('["UR-1"')
    assert.is_nil(value)
    assert.matches("at character 8$", problem)
    assert.is_false((pcall(core.encodeJson, { print })))
    assert.is_false((pcall(core.decodeJson, 7)))
  end)
end)
