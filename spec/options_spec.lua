-- Tables of options: every name is known and every value of its type, or the call raises.

local child = require "spec.support.child"
local connect = require "cloudblue.connect"
local locales = require "spec.support.locales"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local misuse = service.misuse

--- Makes a client with the options, which must be refused; what is said.
local function refused(options)
  local message = misuse(function() return (connect.ConnectClient("http://127.0.0.1:1", "key", options)) end)
  return message:match("^bad argument #3 to 'ConnectClient' %((.*)%)$") or message
end

describe("an unknown option", function()
  it("is refused with the nearest known one", function()
    local nearest = {
      timeOut = "timeout", Timeout = "timeout", timout = "timeout", connect_timeout = "connectTimeout",
      connectTimeOut = "connectTimeout", retry = "retries", deadLine = "deadline", maxResponseByte = "maxResponseBytes",
      cafile = "caFile", ca_path = "caPath", clientcert = "clientCert", allowPlainHTTP = "allowPlainHttp",
      header = "headers", useragent = "userAgent", prxy = "proxy", maxConnection = "maxConnections",
    }
    for wrong, right in pairs(nearest) do
      assert.equal(("unknown option '%s'; the nearest known one is '%s'"):format(wrong, right),
        refused { [wrong] = 1 })
    end
  end)

  it("is refused with the nearest known one whatever the case of its letters", function()
    for wrong, right in pairs {
      TIMEOUT = "timeout", CAFILE = "caFile", CLIENTCERT = "clientCert", USERAGENT = "userAgent", PROXI = "proxy",
    } do
      assert.equal(("unknown option '%s'; the nearest known one is '%s'"):format(wrong, right),
        refused { [wrong] = 1 })
    end
  end)

  it("is refused with no other name where none is near", function()
    for _, far in ipairs { "foo", "x", "", "body", "verify", "tls", "backwards", ("x"):rep(5000) } do
      assert.equal(("unknown option '%s'"):format(far), refused { [far] = 5 })
    end
  end)

  it("is refused where it is no name", function()
    assert.equal("options are a table of names, and this one has another key", refused { "timeout" })
    assert.equal("options are a table of names, and this one has another key", refused { [true] = 5 })
  end)

  -- A string of Lua does not end at a NUL byte, as one of C does.
  it("is refused where a known name is only its beginning, before a NUL byte", function()
    assert.equal("options are a table of names, and this one has another key", refused { ["timeout\0x"] = 1 })
    assert.equal("options are a table of names, and this one has another key", refused { ["timeout\0"] = 1 })
  end)

  it("is refused among the options of client:request too", function()
    local client <close> = connect.ConnectClient("http://127.0.0.1:1", "key")
    assert.equal("bad argument #3 to 'request' (unknown option 'boddy'; the nearest known one is 'body')",
      misuse(function() return (client:request("POST", "/x", { boddy = {} })) end))
    assert.equal("bad argument #3 to 'request' (unknown option 'proxy')",
      misuse(function() return (client:request("POST", "/x", { proxy = "http://h" })) end))
  end)
end)

-- What a metamethod returns may be gone, or another value, by the time that it is used.
describe("a table of options", function()
  --- A table that shows a value for every name, and counts how often it was asked.
  local function asked(own, value)
    local count = 0
    local function answer() count = count + 1; return value end
    return setmetatable(own, { __index = answer, __pairs = answer, __len = answer, __call = answer }),
      function() return count end
  end

  it("is plain: metamethods of a client's are not asked", function()
    local options, count = asked({ retries = 0 }, "http://127.0.0.1:1")
    local client <close> = connect.ConnectClient("http://127.0.0.1:1", "key", options)
    assert.equal(0, count())
    local _, failure = client.usageRecords:get("UR-1")
    assert.equal(1, failure.attempts)
    local whole, countOfWhole = asked({ endpoint = "http://127.0.0.1:1", apiKey = "key" }, "http://127.0.0.1:2")
    local other <close> = connect.ConnectClient(whole)
    assert.equal("http://127.0.0.1:1", other.endpoint)
    assert.equal(0, countOfWhole())
  end)

  it("is plain: metamethods of a call's are not asked", function()
    local s <close> = service.answering(rawserver.reply(503, "{}", { ["Retry-After"] = "0" }))
    local counts = {}
    local function options(own, value)
      local made
      made, counts[#counts + 1] = asked(own, value)
      return made
    end
    local headers = options({ ["X-A"] = "a" }, "b")
    for number, call in ipairs {
      function() return s.client:request("PUT", "/x", options({ headers = headers, retries = 1 }, { a = "b" })) end,
      function() return s.records:get("UR-1", options({ retries = 1 }, 5)) end,
      function() return s.records:search("", nil, options({ retries = 1 }, 5)) end,
      function()
        return s.client.usageReconciliations:create(options({ name = "r.xlsx", content = "PK" }, print), "note",
          options({ retries = 1 }, 5))
      end,
    } do
      local _, failure = call()
      assert.equal(2, failure.attempts, number)
    end
    assert.equal(8, #s:requests())
    assert.same({ "a", "" }, { s:requests()[1].headers["x-a"], s:requests()[1].body })
    for _, count in ipairs(counts) do assert.equal(0, count()) end
  end)
end)

describe("an option", function()
  for _, name in ipairs { "timeout", "connectTimeout", "deadline" } do
    it(("%s is a number of seconds over 0"):format(name), function()
      for _, case in ipairs {
        { 0, "0" }, { -1, "%-1" }, { 0 / 0, "%-?nan" }, { 1 / 0, "inf" }, { "5", "string" }, { true, "boolean" },
        { {}, "table" },
      } do
        assert.matches(("^option '%s' must be a number of seconds over 0, got %s$"):format(name, case[2]),
          refused { [name] = case[1] })
      end
      connect.ConnectClient("http://127.0.0.1:1", "key", { [name] = 0.001 }):close()
      connect.ConnectClient("http://127.0.0.1:1", "key", { [name] = 1e9 }):close()
    end)
  end

  it("retries is an integer from 0 to 1000", function()
    for _, case in ipairs { { -1, "-1" }, { 1001, "1001" }, { 1.5, "1.5" }, { "3", "string" }, { false, "boolean" } } do
      assert.equal("option 'retries' must be an integer from 0 to 1000, got " .. case[2], refused { retries = case[1] })
    end
    connect.ConnectClient("http://127.0.0.1:1", "key", { retries = 0 }):close()
    connect.ConnectClient("http://127.0.0.1:1", "key", { retries = 3.0 }):close()
  end)

  for _, name in ipairs { "maxResponseBytes", "maxConnections" } do
    it(("%s is an integer from 1"):format(name), function()
      for _, case in ipairs { { 0, "0" }, { -5, "%-5" }, { 2.5, "2.5" }, { 1e300, "1e%+300" }, { "9", "string" } } do
        assert.matches(("^option '%s' must be an integer from 1, got %s$"):format(name, case[2]),
          refused { [name] = case[1] })
      end
      connect.ConnectClient("http://127.0.0.1:1", "key", { [name] = math.maxinteger }):close()
    end)
  end

  for _, name in ipairs { "proxy", "caFile", "caPath", "clientCert", "clientKey", "userAgent" } do
    it(("%s is a string with no control characters"):format(name), function()
      assert.equal(("option '%s' must be a string, got 5"):format(name), refused { [name] = 5 })
      assert.equal(("option '%s' must be a string, got table"):format(name), refused { [name] = {} })
      assert.equal(("option '%s' is empty"):format(name), refused { [name] = "" })
      assert.equal(("option '%s' has a control character (0x0D) at byte 2"):format(name), refused { [name] = "a\r\nb" })
      assert.equal(("option '%s' has a control character (0x00) at byte 2"):format(name), refused { [name] = "a\0b" })
    end)
  end

  it("allowPlainHttp is true or false", function()
    assert.equal("option 'allowPlainHttp' must be true or false, got 1", refused { allowPlainHttp = 1 })
    assert.equal("option 'allowPlainHttp' must be true or false, got string", refused { allowPlainHttp = "yes" })
  end)

  it("userAgent is added to the module's own", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"), { userAgent = "billing/2.1 (nightly)" })
    assert(s.records:get("UR-1"))
    assert.equal("cloudblue-connect-lua/" .. connect._VERSION .. " billing/2.1 (nightly)",
      s:requests()[1].headers["user-agent"])
  end)
end)

describe("headers", function()
  it("of the client go with every request, those of a call with that call", function()
    local own = { ["X-Tenant"] = "T 1", Accept = "a/b" }
    local s <close> = service.answering(rawserver.reply(200, "{}"), { headers = own })
    assert(s.client:request("GET", "/x", { headers = { ["X-Call"] = "é", ["X-Empty"] = "" } }))
    assert(s.records:get("UR-1"))
    local first, second = table.unpack(s:requests())
    assert.equal("T 1", first.headers["x-tenant"])
    assert.equal("a/b", first.headers.accept)
    assert.equal("é", first.headers["x-call"])
    assert.equal("", first.headers["x-empty"])
    assert.equal("T 1", second.headers["x-tenant"])
    assert.is_nil(second.headers["x-call"])
    assert.is_nil(second.headers["x-empty"])
  end)

  it("of many names all go", function()
    local headers = {}
    for number = 1, 100 do headers["X-" .. number] = "v" .. number end
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    assert(s.client:request("GET", "/x", { headers = headers }))
    local seen = s:requests()[1].headers
    for number = 1, 100 do assert.equal("v" .. number, seen["x-" .. number]) end
  end)

  --- Headers that can't be sent, and what is said.
  local BAD = {
    { { Authorization = "Basic x" }, "header 'Authorization' is written by the module and can't be given" },
    { { authorization = "x" }, "header 'authorization' is written by the module and can't be given" },
    { { ["Content-Type"] = "x" }, "header 'Content-Type' is written by the module and can't be given" },
    { { ["content-LENGTH"] = "0" }, "header 'content-LENGTH' is written by the module and can't be given" },
    { { Host = "x" }, "header 'Host' is written by the module and can't be given" },
    { { ["Transfer-Encoding"] = "x" }, "header 'Transfer-Encoding' is written by the module and can't be given" },
    { { Expect = "x" }, "header 'Expect' is written by the module and can't be given" },
    { { ["Proxy-Authorization"] = "x" }, "header 'Proxy-Authorization' is written by the module and can't be given" },
    { { ["X-A"] = "a\r\nAuthorization: y" }, "header 'X-A' has a control character (0x0D) at byte 2" },
    { { ["X-A"] = "a\nb" }, "header 'X-A' has a control character (0x0A) at byte 2" },
    { { ["X-A"] = "a\0b" }, "header 'X-A' has a control character (0x00) at byte 2" },
    { { ["X-A: b\r\nX-B"] = "a" }, "the name of a header has a character (0x3A) at byte 4 that no header name has" },
    { { ["X A"] = "a" }, "the name of a header has a character (0x20) at byte 2 that no header name has" },
    { { ["X\0A"] = "a" }, "the name of a header has a character (0x00) at byte 2 that no header name has" },
    { { ["X;"] = "a" }, "the name of a header has a character (0x3B) at byte 2 that no header name has" },
    { { [""] = "a" }, "the name of a header is empty" },
    { { ["X-A"] = 5 }, "headers must be a table of names and string values" },
    { { ["X-A"] = { "a" } }, "headers must be a table of names and string values" },
    { { "X-A: b" }, "headers must be a table of names and string values" },
    { "X-A: b", "headers must be a table of names and string values" },
  }

  it("that can't be sent are refused, of the client and of a call, and nothing is sent", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    for _, case in ipairs(BAD) do
      local headers, says = table.unpack(case)
      assert.equal(says, refused { headers = headers })
      assert.equal("bad argument #3 to 'request' (" .. says .. ")",
        misuse(function() return (s.client:request("GET", "/x", { headers = headers })) end))
    end
    assert.equal(0, s.raw:connections())
  end)

  it("that can't be sent are told whatever the locale says of letters", function()
    local output = child.run([[
      local connect = require "cloudblue.connect"
      assert(os.setlocale "dotless" and ("I"):lower() == "I", "the locale is not in effect")
      for _, name in ipairs { "AUTHORIZATION", "Content-type", "USER-AGENT", "expect", "TRANSFER-encodING" } do
        print(pcall(connect.ConnectClient, "http://127.0.0.1:1", "key", { headers = { [name] = "x" } }))
      end
    ]], locales.environment())
    local told = "false\t[^\n]*header '[%a-]+' is written by the module and can't be given%)\n"
    assert.equal(5, select(2, output:gsub(told, "")), output)
  end)
end)
