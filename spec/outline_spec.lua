-- A chunk is decoded when somebody looks into it: what is read from its text is what decoding gives, and text that
-- does not decode is never taken for a chunk.

local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local cjson = require("cjson").new()
cjson.decode_max_depth(1000)
cjson.decode_invalid_numbers(false)

--- A service that answers the n-th call with the n-th of the texts.
local function answering(texts)
  local replies = {}
  for index, text in ipairs(texts) do replies[index] = rawserver.reply(200, text) end
  return service.answering(replies)
end

local PLAIN = {
  '{"id":"U","a":"text","b":true,"c":false,"d":null,"e":12,"f":-0.5,"g":{"h":[1,{"i":"j"}]},"k":[],"l":{},"m":""}',
  ' \n\t\r{ "id" : "U" , "a" : [ ] , "b" : { } , "c" : 999999999999999 }\r\n ',
  '{"id":"U","status":"first","status":"last","g":1,"g":null,"m":null,"m":"x"}',
  '{"x":{"id":"inner","status":"inner"},"id":"U","y":[{"status":"inner"}],"é":"日","a b":"c","a":"{\\"","b":"}]"}',
  '{"id":"U","a":"\\u0041","b":"x\\\\","c":1e5,"d":1234567890123456789,"e":0.12345678901234567890}',
  '{"id":"U","big":9007199254740993,"z":"1234567890123456789"}',
  '{"id":"U","data":"field","raw":"field","confirmed":true,"close":"field"}',
  '{"id":"U","deep":' .. ("["):rep(40) .. ("]"):rep(40) .. "}",
  '{"id":"U","a":"line\nbreak","":"empty name"}',
  '{"id":"U"' .. (',"x":1'):rep(47) .. ',"status":"forty-ninth"}',
  '{"id":"U"' .. (',"x":1'):rep(46) .. ',"status":"forty-eighth"}',
  '{"id":"U","pad":"' .. ("x"):rep(100000) .. '","status":"far"}',
}

local NAMES = {
  "id", "status", "a", "b", "c", "d", "e", "f", "g", "k", "l", "m", "x", "y", "é", "a b", "z", "big", "deep", "h", "i",
  "no such", "",
}

local function expected(table, name)
  local value = table[name]
  if value == cjson.null then return nil end
  return value
end

describe("a field of a chunk", function()
  for index, text in ipairs(PLAIN) do
    it(("is the same before and after decoding, in text %d"):format(index), function()
      local texts = {}
      for position = 1, #NAMES + 1 do texts[position] = text end
      local s <close> = answering(texts)
      local whole = assert(s.chunks:get("U"))
      local data = whole.data
      for _, name in ipairs(NAMES) do
        -- The first field that anybody asks a fresh chunk for is read from the text.
        local fresh = assert(s.chunks:get("U"))
        local value = fresh[name]
        assert.same(expected(data, name), value, name)
        assert.equal(math.type(expected(data, name)), math.type(value), name)
        assert.same(data, fresh.data)
      end
    end)
  end

  it("is the same however often and in whatever order fields are read", function()
    local s <close> = answering { PLAIN[1] }
    local chunk = assert(s.chunks:get("U"))
    for _ = 1, 3 do
      assert.equal("text", chunk.a)
      assert.is_true(chunk.b)
      assert.is_nil(chunk.d)
      assert.same({ h = { 1, { i = "j" } } }, chunk.g)
      assert.equal(12, chunk.e)
      assert.equal("UsageChunk U (?)", tostring(chunk))
    end
    assert.equal(chunk.g, chunk.g)
    assert.equal(chunk.data.g, chunk.g)
  end)
end)

describe("a chunk", function()
  --- Plain JSON in all its forms, up to what the scanner takes at most.
  local VALUES = {
    "0", "-0", "7", "-12", "10", "0.5", "-0.25", "0.0", "123456789012345", "-1.123456789012345", "true", "false",
    "null", '""', '"x"', '"1234567"', '"12345678"', '"text é 日, of more than eight bytes"', "[]", "{}", "[ ]", "{ }",
    "[1]", "[1,2]", "[ 1 , 2 ]", "[[],{}]", '{"a":1}', '{ "a" : 1 , "b" : [ true , null ] }',
    '{"a":[1,{"b":"c"}],"":""}', ("["):rep(31) .. ("]"):rep(31), ('{"a":'):rep(30) .. "{}" .. ("}"):rep(30),
    '0' .. (',"x":1'):rep(45),
  }

  it("is not decoded before somebody looks into it", function()
    -- A list of so many numbers takes far more memory than its text.
    local pad = ("1,"):rep(20000) .. "1"
    local replies = {}
    for index, value in ipairs(VALUES) do
      replies[index] = rawserver.reply(200, (' { "id" : "U" ,\n"v":%s\t, "pad":[%s]\r\n} '):format(value, pad))
    end
    local s <close> = service.answering(replies)
    finally(function() collectgarbage "restart" end)
    for _, value in ipairs(VALUES) do
      collectgarbage()
      collectgarbage "stop"
      local before = collectgarbage "count"
      local chunk = assert(s.chunks:get("U"))
      local taken = collectgarbage "count" - before
      assert.equal(20001, #chunk.pad)
      local decoded = collectgarbage "count" - before - taken
      collectgarbage "restart"
      assert.is_true(taken < 150 and decoded > 300, ("%s: %.0f KiB and %.0f KiB"):format(value, taken, decoded))
    end
  end)
end)

describe("text of a close", function()
  it("that is almost an object with an id is a failure", function()
    local texts = {
      '{"id":"U","a":01}', '{"id":"U","a":-}', '{"id":"U","a":.5}', '{"id":"U","a":+1}', '{"id":"U","a":1e}',
      '{"id":"U","a":tru}', '{"id":"U","a":nulll}', '{"id":"U","a":True}', '{"id":"U","a":}', '{"id":"U","a"}',
      '{"id":"U",}', '{"id":"U"', '{"id":"U}', '{"id":"U","a":"}', '{"id":"U"}}', '{"id":"U"},', '{"id":"U"} x',
      '{"id":"U" "a":1}', '{"id":"U";"a":1}', '{"id"="U"}', '{id:"U"}', "{'id':'U'}", '{"id":"U","a":[1,]}',
      '{"id":"U","a":[1 2]}', '{"id":"U","a":[1}', '{"id":"U","a":{1:2}}', '{"id":"U","a":[}]}', '{,"id":"U"}',
      '[{"id":"U"}]', '"id"', '{"id":["U"]}', '{"id":{}}', '{"id":"U","id":null}', '{"x":{"id":"U"}}', '{"ID":"U"}',
      '{"id":"U"\0}', '{"id":"U"}\0', '{"id":"U","a":1}//', "{", "", " ", '{"', '{"id":"U","a":"\\"}',
      '{"id":"U","a":\\}',
    }
    local s <close> = answering(texts)
    for _, text in ipairs(texts) do
      local chunk, failure = s.records:close("U", "B")
      assert.is_nil(chunk, text)
      assert.equal("decode", failure.kind, text)
      assert.equal("unknown", failure.outcome, text)
    end
  end)

  --- Pieces that JSON is made of, and some that it is not.
  local PIECES = {
    "{", "}", "[", "]", ",", ":", '"', '"a"', '"id"', '"id":"U"', "1", "-", "0", ".5", "1.5", "e5", "true", "false",
    "null", " ", "\n", "\\", "\0", "tru", "nan", "Infinity", "0x1", "01", "'", "/", "1234567890123456",
  }

  local function mutated(random)
    local text = PLAIN[random(#PLAIN)]
    for _ = 1, random(3) do
      local at = random(0, #text)
      local cut = random(3) == 1 and random(4) or 0
      text = text:sub(1, at) .. PIECES[random(#PIECES)] .. text:sub(at + cut + 1)
    end
    return text
  end

  --- True when some number in the value is infinite, which a reply must not hold.
  local function holdsInfinity(value)
    if type(value) ~= "table" then return value == math.huge or value == -math.huge end
    for _, inner in pairs(value) do
      if holdsInfinity(inner) then return true end
    end
    return false
  end

  it("is a chunk where lua-cjson reads an object with the id asked for, and a failure elsewhere", function()
    math.randomseed(20260701)
    local texts = {}
    for index = 1, 2000 do texts[index] = mutated(math.random) end
    local s <close> = answering(texts)
    local chunks = 0
    for index, text in ipairs(texts) do
      local readable, value = pcall(cjson.decode, text)
      local is_chunk = readable and type(value) == "table" and value.id == "U" and not holdsInfinity(value)
      local chunk, failure = s.chunks:get("U")
      if chunk then
        chunks = chunks + 1
        assert.is_true(is_chunk, ("text %d is no chunk: %q"):format(index, text))
        assert.equal(value.id, chunk.id)
        assert.equal("table", type(chunk.data))
        assert.equal(value.id, chunk.data.id)
      else
        assert.is_false(is_chunk, ("text %d: %s: %q"):format(index, failure, text))
        assert.equal("decode", failure.kind)
        assert.equal("rejected", failure.outcome)
      end
    end
    assert.is_true(chunks > 100 and chunks < 1900, "the mutations are worth something: " .. chunks)
  end)
end)
