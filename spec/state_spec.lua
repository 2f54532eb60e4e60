-- What the module keeps once for each Lua state: its lua-cjson first of all.

local child = require "spec.support.child"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

describe("lua-cjson", function()
  it("is the one that is loaded already, without require", function()
    local output = child.run [[
      local cjson = require "cjson"
      local open = package.loadlib(assert(package.searchpath("cloudblue.connect.core", package.cpath)),
        "luaopen_cloudblue_connect_core")
      require = nil
      local core = open()
      print(core.null == cjson.null)
    ]]
    assert.equal("true\n", output)
  end)

  it("is asked for by name where it can't be found", function()
    local output = child.run [[
      local open = package.loadlib(assert(package.searchpath("cloudblue.connect.core", package.cpath)),
        "luaopen_cloudblue_connect_core")
      require = nil
      print(pcall(open))
    ]]
    assert.matches("^false\t.*needs lua%-cjson: load it as 'cjson' before", output)
  end)

  it("is refused where it is too old to give an instance of its own", function()
    local output = child.run [[
      package.loaded.cjson = { decode = print, encode = print }
      print(pcall(require, "cloudblue.connect.core"))
    ]]
    assert.matches("needs lua-cjson 2.1.0 or later (no cjson.new)", output, 1, true)
  end)

  it("is asked to write as many digits as it can, and used as the branch is", function()
    -- A stand-in for the calls alone: which settings are made on the instance, and that one it lacks is no error.
    local output = child.run [[
      local real = require "cjson"
      local made = {}
      package.loaded.cjson = { null = real.null, new = function()
        local instance = real.new()
        local fake = { null = instance.null, decode = instance.decode, encode = instance.encode }
        for _, name in ipairs { "decode_invalid_numbers", "encode_invalid_numbers", "decode_max_depth",
            "encode_max_depth", "decode_array_with_array_mt" } do
          fake[name] = function(value) made[#made + 1] = name .. "=" .. tostring(value) end
        end
        fake.encode_number_precision = function(digits)
          if digits > 14 then error("from 1 to 14") end
          made[#made + 1] = "encode_number_precision=" .. digits
        end
        fake.encode_max_depth = nil
        return fake
      end }
      require "cloudblue.connect.core"
      table.sort(made)
      print(table.concat(made, " "))
    ]]
    assert.equal("decode_array_with_array_mt=true decode_invalid_numbers=false decode_max_depth=1000 "
      .. "encode_invalid_numbers=false encode_number_precision=14\n", output)
  end)
end)

describe("the module", function()
  it("opened a second time is of one piece with the first: types, null and filters", function()
    local s <close> = service.answering(rawserver.reply(200, "[]"))
    local output = child.run(([[
      local connect = require "cloudblue.connect"
      local first = require "cloudblue.connect.core"
      package.loaded["cloudblue.connect.core"] = nil
      local second = require "cloudblue.connect.core"
      assert(first ~= second and first.null == second.null)
      local client = first.ConnectClient("%s", "key", { retries = 0 })
      assert(second.UsageRecordResource(client) == client.usageRecords)
      assert(second.UsageRecordResource(client):search { a = "b" })
      print "fine"
    ]]):format(s.raw.url))
    assert.equal("fine\n", output)
    assert.equal("/usage/records?a=b", s:requests()[1].target)
  end)

  it("leaves no global behind", function()
    local output = child.run [[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      local connect = require "cloudblue.connect"
      local client = connect.ConnectClient("http://127.0.0.1:1", "key", { retries = 0 })
      client.usageRecords:close("UR-1")
      client:close()
      for name in pairs(_G) do if not before[name] then print(name) end end
      print(getmetatable("").__index == string, #package.loaded)
    ]]
    assert.equal("true\t0\n", output)
  end)
end)
