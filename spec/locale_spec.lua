-- Numbers in programs whose locale has another decimal point than JSON: they keep their value both ways.

local child = require "spec.support.child"
local jsontexts = require "spec.support.jsontexts"
local locales = require "spec.support.locales"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

describe("numbers in a program with a locale", function()
  -- The locale when lua-cjson is loaded, and that of the calls. lua-cjson asks for the decimal point once.
  local WAYS = {
    { load = "C", call = "comma", point = "," }, { load = "comma", call = "comma", point = "," },
    { load = "comma", call = "C", point = "." }, { load = "C", call = "wide", point = "\u{66B}" },
    { load = "wide", call = "wide", point = "\u{66B}" }, { load = "comma", call = "wide", point = "\u{66B}" },
    { load = "wide", call = "comma", point = "," },
  }

  --- Runs a script with a client of the service, after some Lua in locale C.
  local function run(way, s, before, script)
    return child.run(([==[
      local function set(name) assert(os.setlocale(name), name) end
      set "%s"
      local connect = require "cloudblue.connect"
      set "C"
      local client = connect.ConnectClient("%s", "key", { retries = 0 })
      %s
      set "%s"
      assert(tostring(5 / 10) == "0%s5", "the locale is not in effect")
      %s
      print "fine"
    ]==]):format(way.load, s.raw.url, before, way.call, way.point, script), locales.environment())
  end

  for _, way in ipairs(WAYS) do
    local title = ("loaded in locale %s, in locale %s"):format(way.load, way.call)

    it("go out as they are: " .. title, function()
      local s <close> = service.answering(rawserver.reply(200, "{}"))
      assert.equal("fine\n", run(way, s, "local body = { f = 0.5, l = { 1.5, -0.25, 1e100, 3, 7.0 }, s = '0,5' }", [[
        assert(client:request("POST", "/x", { body = body }))
        local sum = 0
        for _ = 1, 3 do sum = sum + 1 / 10 end
        local done, problem = pcall(client.request, client, "POST", "/x", { body = { sum = sum } })
        assert(not done and problem:find "body.sum has more digits", problem)
        -- The program's own locale is what it was.
        assert(tostring(1.5) ~= "1.5" or os.setlocale(nil) == "C")
      ]]))
      local requests = s:requests()
      assert.equal(1, #requests)
      local body = require("cjson").decode(requests[1].body)
      assert.same({ f = 0.5, l = { 1.5, -0.25, 1e100, 3, 7 }, s = "0,5" }, body)
    end)

    it("come as they are: " .. title, function()
      local texts = {
        '{"id":"U","amount":12.5,"l":[1,5],"m":[1,[2,25],[1.0,5]],"e":1.5e3,'
          .. '"long":[9007199254740993,0.30000000000000004],'
          .. '"s":"\\u00010.5","0,5":"1,5"}',
        "[1,5]", "[-1,2,3.25,-4,1e2,1E-2,-0.0]", "0.5", "[1e400]", "[1.5,1e400]", "[-,5]", "[1.,5]", "[01,5]", "[1,5",
        '{1,5:"x"}', "[1.5.5]", "[.5]", "[,5]", "[-.5,]", "[1.5e]",
      }
      local replies = {}
      for index, text in ipairs(texts) do replies[index] = rawserver.reply(200, text) end
      local s <close> = service.answering(replies)
      assert.equal("fine\n", run(way, s, [[
        local function same(a, b)
          if type(a) ~= "table" then return a == b and math.type(a) == math.type(b) end
          for key, value in pairs(a) do if not same(value, b[key]) then return false end end
          return #a == #b
        end
        local first = { l = { 1, 5 }, m = { 1, { 2, 25 }, { 1, 5 } }, e = 1500, s = "\0010.5", ["0,5"] = "1,5",
          long = { 9007199254740993, 0.30000000000000004 } }
        local amount, third, fourth = 12.5, { -1, 2, 3.25, -4, 100, 0.01, 0 }, 0.5
      ]], [[
        local chunk = assert(client.usageChunks:get("U"))
        assert(chunk.amount == amount and same(first, chunk.data))
        assert(same({ 1, 5 }, client:request("GET", "/x")))
        assert(same(third, client:request("GET", "/x")))
        assert(client:request("GET", "/x") == fourth)
        for index = 5, ]] .. #texts .. [[ do
          local value, failure = client:request("GET", "/x")
          assert(value == nil and failure.kind == "decode", index)
        end
      ]]))
    end)

    it("come as they are in random texts: " .. title, function()
      math.randomseed(7)
      local replies = {}
      for index = 1, 150 do replies[index] = rawserver.reply(200, (jsontexts.any())) end
      local s <close> = service.answering(replies)
      assert.equal("fine\n", run(way, s, [[
        local jsontexts = require "spec.support.jsontexts"
        math.randomseed(7)
        local texts, meant = {}, {}
        for index = 1, 150 do texts[index], meant[index] = jsontexts.any() end
      ]], [[
        for index = 1, #texts do assert(jsontexts.same(meant[index], (client:request("GET", "/x"))), texts[index]) end
      ]]))
    end)
  end

  it("have a point of their own in no other call of the program", function()
    local s <close> = service.answering(rawserver.reply(200, "[0.5]"))
    assert.equal("fine\n", run(WAYS[1], s, "local body, written = { 1.5 }", [[
      assert(client:request("POST", "/x", { body = body }))
      assert(tostring(5 / 10) == "0,5" and os.setlocale(nil, "numeric") == "comma")
    ]]))
  end)
end)
