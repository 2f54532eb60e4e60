-- What a JSON body may hold: all else is refused with its place, and nothing is sent.

local child = require "spec.support.child"
local connect = require "cloudblue.connect"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

-- An instance like the module's own: with as many digits as the branch of lua-cjson writes.
local cjson = require("cjson").new()
if not pcall(cjson.encode_number_precision, 16) then cjson.encode_number_precision(14) end

-- Numbers of more than 14 digits, and some near them: which of them lua-cjson writes exactly depends on its branch.
local MANY_DIGITS = {
  1234567890123.45, 0.1 + 0.2, 2 ^ 53 + 0.0, 1 / 3, 1e15 + 0.3, 1234567890123456789, math.maxinteger, math.mininteger,
  2 ^ 53 | 1, 99999999999999, -99999999999999, 100000000000000, 100000000000001, -100000000000001, 1 << 53, 1 << 60,
  1000000000000000000, 1234567890123500032, 1e18, 1.7976931348623157e308,
}

local misuse = service.misuse

describe("a body", function()
  local s

  setup(function()
    s = service.answering(rawserver.reply(200, "[1]"))
  end)

  teardown(function()
    s:stop()
  end)

  --- What is said about the body.
  local function refused(body)
    local before = #s:requests()
    local message = misuse(function() return (s.client:request("POST", "/x", { body = body })) end)
    assert.equal(before, #s:requests())
    return message:match("^bad argument #3 to 'request' %((.*)%)$") or message
  end

  --- What the service got.
  local function sent(body)
    assert(s.client:request("POST", "/x", { body = body }))
    local requests = s:requests()
    return requests[#requests].body
  end

  describe("is refused", function()
    it("where it holds a table that it stands in", function()
      local body = { a = { b = {} } }
      body.a.b.c = body
      assert.equal("body.a.b.c refers back to a table it stands in (a cycle)", refused(body))
      local list = {}
      list[1] = list
      assert.equal("body[1] refers back to a table it stands in (a cycle)", refused(list))
    end)

    it("where it holds NaN or infinity", function()
      assert.equal("body.price is NaN, which JSON can't carry", refused { price = 0 / 0 })
      assert.equal("body.price is infinite, which JSON can't carry", refused { price = 1 / 0 })
      assert.equal("body[2] is infinite, which JSON can't carry", refused { 1, -1 / 0 })
    end)

    it("where it holds a number that lua-cjson would change, and sent where it would not", function()
      local more = "has more digits than lua-cjson writes exactly; pass it as a string"
      local kept = 0
      for _, number in ipairs(MANY_DIGITS) do
        local text = cjson.encode(number)
        local back = tonumber(text)
        -- A float's text tells an integer only where no other integer is the same float.
        local small = number > -2 ^ 53 and number < 2 ^ 53
        local told = small or math.type(back) == "integer" or math.type(number) == "float"
        if told and back == number then
          kept = kept + 1
          assert.equal('{"n":' .. text .. "}", sent { n = number })
        else
          assert.equal("body.n " .. more, refused { n = number })
        end
      end
      assert.is_true(kept < #MANY_DIGITS)
    end)

    it("where it holds a function, a userdata or a thread", function()
      assert.equal("body.f is a function, which JSON can't carry", refused { f = print })
      assert.equal("body.u is a userdata, which JSON can't carry", refused { u = io.stdout })
      assert.equal("body.c is a userdata, which JSON can't carry", refused { c = s.client })
      assert.equal("body.t is a thread, which JSON can't carry", refused { t = coroutine.create(print) })
    end)

    it("where a table has a length of its own, which one branch of lua-cjson goes by", function()
      local odd = setmetatable({}, { __len = function() return 3 end })
      assert.equal("body.l has a length of its own (__len), which lua-cjson may go by", refused { l = odd })
    end)

    it("where a list of lua-cjson's was given names, which one branch would leave out", function()
      local list = assert(s.client:request("GET", "/list"))
      assert.same({ 1 }, list)
      assert.equal("[1]", sent(list))
      list[1] = nil
      list.name = "x"
      if cjson.array_mt then
        assert.equal("body has names, but the metatable of lua-cjson's lists: it would be sent as []", refused(list))
      else
        assert.equal('{"name":"x"}', sent(list))
      end
    end)

    it("where it has names under a metatable that stands for a list, on the branch that has such", function()
      -- An instance with the metatables of that branch, whichever is installed: what it encodes does not matter.
      local output = child.run [[
        local real = require "cjson"
        local marks = { array_mt = real.array_mt or {}, empty_array_mt = real.empty_array_mt or {} }
        package.loaded.cjson = { null = real.null, new = function()
          local instance = real.new()
          for name, mark in pairs(marks) do instance[name] = mark end
          return instance
        end }
        local connect = require "cloudblue.connect"
        local client = connect.ConnectClient("http://127.0.0.1:1", "key", { retries = 0 })
        local function try(inner)
          local done, message = pcall(client.request, client, "POST", "/x", { body = { l = inner } })
          print(done and "sent" or message:match "%((.*)%)$")
        end
        try(setmetatable({ a = 1 }, marks.array_mt))
        try(setmetatable({ a = 1 }, marks.empty_array_mt))
        try(setmetatable({ 1 }, marks.array_mt))
        try(setmetatable({}, marks.empty_array_mt))
        try(setmetatable({ a = 1 }, {}))
      ]]
      local names = "body.l has names, but the metatable of lua-cjson's lists: it would be sent as []\n"
      assert.equal(names .. names .. "sent\nsent\nsent\n", output)
    end)

    it("where a list has holes", function()
      local holes = "is a list with holes; use connect.null for an absent value"
      assert.equal("body.l " .. holes, refused { l = { 1, nil, 3 } })
      assert.equal("body.l " .. holes, refused { l = { [2] = 1 } })
      assert.equal("body.l " .. holes, refused { l = { [1] = 1, [1000000] = 2 } })
    end)

    it("where a table mixes positions and names", function()
      assert.equal("body.m mixes list positions and names", refused { m = { 1, 2, name = 3 } })
    end)

    it("where a key is neither a name nor a position", function()
      local neither = "has a key that is neither a string nor a position in a list"
      assert.equal("body " .. neither, refused { [true] = 1 })
      assert.equal("body " .. neither, refused { [0] = 1 })
      assert.equal("body " .. neither, refused { [-1] = 1 })
      assert.equal("body " .. neither, refused { [1.5] = 1 })
      assert.equal("body.a " .. neither, refused { a = { [{}] = 1 } })
    end)

    it("where a string or a key is not UTF-8", function()
      for _, bad in ipairs {
        "\x80", "a\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF8\x88",
        "\xFF", "ok \xE2\x82", "\xC3(", "\xE2(\x82", "\xE2\x82(", "\xF0\x9F(\x80", "\xC3\xC3", "\xE2\x82\xC2",
      } do
        assert.equal("body.s is not UTF-8", refused { s = bad })
        assert.equal("body has a key that is not UTF-8", refused { [bad] = 1 })
      end
    end)

    it("where it is nested deeper than 100 levels", function()
      local function nested(levels)
        local body = {}
        for _ = 2, levels do body = { body } end
        return body
      end
      assert.matches("is nested deeper than 100 levels$", refused(nested(101)))
      assert.matches("is nested deeper than 100 levels$", refused(nested(10000)))
      assert.equal(("["):rep(99) .. "{}" .. ("]"):rep(99), sent(nested(100)))
    end)

    it("where it is no table", function()
      assert.equal("option 'body' must be a table, got string", refused("{}"))
      assert.equal("option 'body' must be a table, got boolean", refused(true))
      assert.equal("option 'body' must be a table, got userdata", refused(connect.null))
    end)

    it("with a place that names every step to it", function()
      assert.equal("body.items[2].params.price is NaN, which JSON can't carry",
        refused { items = { { params = {} }, { params = { price = 0 / 0 } } } })
    end)
  end)

  describe("reaches the service as it was meant", function()
    it("with strings of every UTF-8 length", function()
      local text = "a\0\127 ß \u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\u{E000}\"\\/\r\n"
      assert.equal(text, cjson.decode(sent { s = text }).s)
      assert.equal(1, cjson.decode(sent { [text] = 1 })[text])
    end)

    it("with numbers that lua-cjson writes exactly", function()
      for _, number in ipairs {
        0, -0.5, 1, -1, 0.1, 12.34, 1e15, 1e100, 5e-324, 99999999999999, -99999999999999, 2 ^ 40,
      } do
        assert.equal(number, tonumber(sent({ n = number }):match('^{"n":(.*)}$')))
      end
    end)

    it("with booleans, null, lists and an empty table", function()
      assert.equal("[true,false,null,[1,2],{}]", sent { true, false, connect.null, { 1, 2 }, {} })
    end)

    it("with a table that stands in it twice", function()
      local twice = { a = 1 }
      assert.equal('[{"a":1},{"a":1}]', sent { twice, twice })
    end)

    it("with a table's own entries, whatever its metatable says", function()
      local body = setmetatable({ a = 1 }, {
        __index = { b = 2 }, __pairs = error, __tostring = error,
      })
      assert.equal('{"a":1}', sent(body))
    end)
  end)
end)
