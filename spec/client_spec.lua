-- The client: how it is made, what it refuses, its properties and its end.

local connect = require "cloudblue.connect"
local child = require "spec.support.child"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local misuse = service.misuse

local ENDPOINT, KEY = "http://127.0.0.1:1/v1", "ApiKey SU-1:secret"

local function made(...)
  local client <close> = connect.ConnectClient(...)
  return client.endpoint
end

describe("ConnectClient", function()
  it("takes endpoint and key, and options after them", function()
    assert.equal(ENDPOINT, made(ENDPOINT, KEY))
    assert.equal(ENDPOINT, made(ENDPOINT, KEY, nil))
    assert.equal(ENDPOINT, made(ENDPOINT, KEY, { timeout = 5 }))
  end)

  it("takes one table with everything", function()
    assert.equal(ENDPOINT, made { endpoint = ENDPOINT, apiKey = KEY })
    assert.equal(ENDPOINT, made { endpoint = ENDPOINT, apiKey = KEY, timeout = 5, retries = 1, headers = { A = "b" } })
  end)

  it("sends the same by either form", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    local one <close> = connect.ConnectClient { endpoint = s.raw.url, apiKey = "Key 1", headers = { ["X-A"] = "b" } }
    assert(one.usageRecords:get("UR-1"))
    local request = s:requests()[1]
    assert.equal("/usage/records/UR-1", request.target)
    assert.equal("Key 1", request.headers.authorization)
    assert.equal("b", request.headers["x-a"])
  end)

  it("takes no further argument", function()
    assert.equal("bad argument #4 to 'ConnectClient' (one argument too many: a number)",
      misuse(function() return (connect.ConnectClient(ENDPOINT, KEY, nil, 5)) end))
    assert.equal("bad argument #2 to 'ConnectClient' (one argument too many: a string)",
      misuse(function() return (connect.ConnectClient({ endpoint = ENDPOINT, apiKey = KEY }, KEY)) end))
  end)

  it("takes no options of the other form", function()
    assert.equal("bad argument #3 to 'ConnectClient' (unknown option 'apiKey')",
      misuse(function() return (connect.ConnectClient(ENDPOINT, KEY, { apiKey = KEY })) end))
    assert.equal("bad argument #1 to 'ConnectClient' (unknown option 'apikey'; the nearest known one is 'apiKey')",
      misuse(function() return (connect.ConnectClient { endpoint = ENDPOINT, apikey = KEY }) end))
    assert.matches("bad argument #3 to 'ConnectClient' (table expected, got string)",
      misuse(function() return (connect.ConnectClient(ENDPOINT, KEY, "x")) end), 1, true)
  end)

  describe("refuses an endpoint", function()
    local function refused(endpoint)
      local message = misuse(function() return (connect.ConnectClient(endpoint, KEY)) end)
      assert.equal(message, misuse(function() return (connect.ConnectClient { endpoint = endpoint, apiKey = KEY }) end))
      return message:match("^bad argument #1 to 'ConnectClient' %((.*)%)$") or message
    end

    it("without a scheme, or with another than http and https", function()
      for _, endpoint in ipairs {
        "", "api.connect.cloudblue.com/public/v1", "//host/x", "/x", "ftp://host/x", "ftps://host",
        "file:///etc/passwd", "gopher://host", "https:/host", "https:host", "httpss://host", " https://host",
        "javascript:x", "\0https://host",
      } do
        assert.equal("endpoint must begin with https:// (or http:// for a local service)", refused(endpoint))
      end
    end)

    it("with plain http to another host, and quotes no more than it must", function()
      for _, host in ipairs {
        "api.connect.cloudblue.com", "192.168.0.1", "10.0.0.1:8080", "128.0.0.1", "localhost.example.com", "0.0.0.0",
        "127.0.0.1.example.com", "127.1", "127.0.0.256", "2130706433", "0x7f000001", "[::2]", "[::ffff:10.0.0.1]",
        "notlocalhost", "127.0.0.1.", "0127.0.0.1",
      } do
        assert.equal("endpoint is plain http to a host that is not this machine, and the key would travel unprotected; "
          .. "use https, or allowPlainHttp = true", refused("http://" .. host .. "/v1"), host)
      end
    end)

    it("with a user or a password, which it does not quote", function()
      for _, endpoint in ipairs {
        "https://user:hunter2@host/x", "https://user@host", "http://127.0.0.1@host/", "https://@h",
      } do
        local message = refused(endpoint)
        assert.equal("endpoint has '@': a user or password can't stand in the endpoint", message)
      end
    end)

    it("with a query or a fragment", function()
      for _, endpoint in ipairs { "https://host/x?a=b", "https://host/x#y", "https://host?a=b", "https://host#y" } do
        local message = refused(endpoint)
        assert.matches("^endpoint has .*[?#q]", message)
        assert.not_matches("must begin", message)
      end
    end)

    it("without a host, or with a broken host or port", function()
      assert.equal("endpoint has no host", refused "https://")
      assert.equal("endpoint has no host", refused "https:///x")
      assert.equal("endpoint has a broken IPv6 address", refused "https://[::1/x")
      assert.equal("endpoint has a broken IPv6 address", refused "https://[]/x")
      assert.equal("endpoint has a broken IPv6 address", refused "https://[evil.example]/x")
      assert.equal("endpoint is no URL that libcurl takes", refused "https://[1.2.3.4]")
      for _, port in ipairs { "0", "65536", "x", "", "99999999999999999999", "-1" } do
        assert.equal("endpoint has a port that is not a number from 1 to 65535",
          refused("https://host:" .. port .. "/x"))
      end
    end)

    it("with what no URL holds", function()
      for _, endpoint in ipairs {
        "https://ho st/x", "https://host\r\nX: y/", "https://host/a b", "https://host/\r\n", "https://host/x\0",
        "https://hé/x", "https://host/../x", "https://host/a/%2e%2e/x", "https://host/%", "https://host\\@evil/",
        "https://host/\\x", "https://a,b/", "https://host/" .. ("x"):rep(70000), "https://h%6Fst/",
      } do
        assert.matches("^endpoint %l", refused(endpoint), 1, false)
      end
    end)

    it("that is no string", function()
      for _, endpoint in ipairs { 5, true, print } do
        assert.equal("bad argument #1 to 'ConnectClient' (endpoint must be a string, got " .. type(endpoint) .. ")",
          misuse(function() return (connect.ConnectClient(endpoint, KEY)) end))
      end
    end)
  end)

  it("takes https to any host, and plain http to this machine", function()
    for _, endpoint in ipairs {
      "https://api.connect.cloudblue.com/public/v1", "HTTPS://Host", "https://10.0.0.1:8443/a%20b",
      "https://[2001:db8::1]:443", "http://127.0.0.1", "http://127.255.0.9:80/x", "http://localhost:8080",
      "HTTP://LOCALHOST", "http://[::1]:8080/x",
      "https://a_b-c.d",
    } do
      assert.equal(endpoint, made(endpoint, KEY))
    end
  end)

  it("takes plain http to any host where allowPlainHttp says so", function()
    assert.equal("http://10.0.0.1/v1", made("http://10.0.0.1/v1", KEY, { allowPlainHttp = true }))
    assert.matches("plain http", misuse(function()
      return (connect.ConnectClient("http://10.0.0.1/v1", KEY, { allowPlainHttp = false }))
    end))
    assert.matches("must begin with https", misuse(function()
      return (connect.ConnectClient("ftp://10.0.0.1/v1", KEY, { allowPlainHttp = true }))
    end))
  end)

  it("gives the endpoint without slashes at its end", function()
    assert.equal("https://host", made("https://host///", KEY))
    assert.equal("https://host/v1", made("https://host/v1/", KEY))
  end)

  describe("refuses a key", function()
    local function refused(key)
      return misuse(function() return (connect.ConnectClient(ENDPOINT, key)) end)
    end

    it("with a control character, without quoting it", function()
      for bad, code in pairs { ["\r\n"] = "0D", ["\n"] = "0A", ["\0"] = "00", ["\127"] = "7F", ["\27"] = "1B" } do
        assert.equal("bad argument #2 to 'ConnectClient' (apiKey has a control character (0x" .. code .. ") at byte 8)",
          refused("ApiKey " .. bad .. "X-Secret"))
      end
    end)

    -- HTTP would carry another one (RFC 9110, 5.5).
    it("with blanks around it, or of blanks alone", function()
      local says = "bad argument #2 to 'ConnectClient' (apiKey begins or ends with a blank, which HTTP does not carry)"
      for _, bad in ipairs { " ", "\t", "  \t ", " ApiKey SU-1:x", "ApiKey SU-1:x ", "\tApiKey x", "ApiKey x\t" } do
        assert.equal(says, refused(bad))
        assert.matches("^bad argument #1 to 'ConnectClient' %(apiKey begins or ends with a blank",
          misuse(function() return (connect.ConnectClient { endpoint = ENDPOINT, apiKey = bad }) end))
      end
    end)

    it("that is empty or no string", function()
      assert.equal("bad argument #2 to 'ConnectClient' (apiKey is empty)", refused(""))
      assert.equal("bad argument #2 to 'ConnectClient' (apiKey must be a string, got number)", refused(5))
      assert.equal("bad argument #1 to 'ConnectClient' (apiKey is empty)",
        misuse(function() return (connect.ConnectClient { endpoint = ENDPOINT, apiKey = "" }) end))
    end)
  end)

  it("sends the key as it is given", function()
    for _, key in ipairs { "ApiKey SU-1:x", "Bearer a.b-c_d==", "no scheme at all", "Ä ö", ("k"):rep(5000) } do
      local s <close> = service.answering(rawserver.reply(200, "{}"))
      local client <close> = connect.ConnectClient(s.raw.url, key, { retries = 0 })
      assert(client.usageRecords:get("UR-1"))
      assert.equal(key, s:requests()[1].headers.authorization)
    end
  end)
end)

describe("what ConnectClient finds in the environment", function()
  local SCRIPT = [[
    local connect = require "cloudblue.connect"
    local done, result = pcall(function() return connect.ConnectClient(...) end)
    print(done and result.endpoint or result)
  ]]

  local function run(arguments, environment)
    local script = SCRIPT:gsub("%.%.%.", function() return arguments end)
    return (child.run(script, environment):gsub("\n$", ""))
  end

  it("is the endpoint of CONNECT_ENDPOINT and the key of CONNECT_API_KEY", function()
    assert.equal("http://127.0.0.1:9/v2",
      run("", { CONNECT_ENDPOINT = "http://127.0.0.1:9/v2", CONNECT_API_KEY = "ApiKey x" }))
    assert.equal("http://127.0.0.1:9/v2",
      run("{timeout=1}", { CONNECT_ENDPOINT = "http://127.0.0.1:9/v2", CONNECT_API_KEY = "ApiKey x" }))
    assert.equal("http://127.0.0.1:9/v2", run("nil, 'key'", { CONNECT_ENDPOINT = "http://127.0.0.1:9/v2" }))
  end)

  it("counts only where none is given", function()
    assert.equal("http://127.0.0.1:8",
      run("'http://127.0.0.1:8'", { CONNECT_ENDPOINT = "http://127.0.0.1:9", CONNECT_API_KEY = "ApiKey x" }))
  end)

  it("is the public endpoint where there is none", function()
    assert.equal("https://api.connect.cloudblue.com/public/v1",
      run("nil, 'key'", { CONNECT_ENDPOINT = "", CONNECT_API_KEY = "" }))
  end)

  it("is no key: then making a client says what is missing", function()
    assert.matches("(apiKey is missing; give it or set CONNECT_API_KEY)",
      run("'http://127.0.0.1:8'", { CONNECT_API_KEY = "" }), 1, true)
  end)

  it("is checked like any other", function()
    assert.matches("apiKey begins or ends with a blank", run("", { CONNECT_API_KEY = " key" }), 1, true)
    assert.matches("endpoint must begin with https://", run("nil, 'key'", { CONNECT_ENDPOINT = "ftp://x" }), 1, true)
  end)

  it("is the key that is sent", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    child.run([[
      assert(require("cloudblue.connect").ConnectClient().usageRecords:get("UR-1"))
    ]], { CONNECT_ENDPOINT = s.raw.url, CONNECT_API_KEY = "ApiKey SU-7:from the environment" })
    assert.equal("ApiKey SU-7:from the environment", s:requests()[1].headers.authorization)
  end)
end)

describe("a client", function()
  it("has its endpoint, its resources and its methods, and nothing else", function()
    local client <close> = connect.ConnectClient(ENDPOINT, KEY)
    assert.equal(ENDPOINT, client.endpoint)
    for _, name in ipairs { "request", "resource", "addBeforeRequestHook", "addAfterResponseHook", "close" } do
      assert.equal("function", type(client[name]), name)
    end
    for _, name in ipairs { "apiKey", "key", "options", "headers", "no such thing" } do
      assert.is_nil(client[name], name)
    end
    assert.is_nil(client[1])
    assert.has_error(function() client.endpoint = "https://elsewhere.example" end)
    assert.equal("locked", getmetatable(client))
  end)

  it("prints as its class and endpoint, and as closed once it is", function()
    local client = connect.ConnectClient(ENDPOINT, KEY)
    assert.equal("ConnectClient (http://127.0.0.1:1/v1)", tostring(client))
    client:close()
    assert.equal("ConnectClient (closed)", tostring(client))
  end)

  it("may be closed again and again", function()
    local client <close> = connect.ConnectClient(ENDPOINT, KEY)
    client:close()
    client:close()
    assert.equal(ENDPOINT, client.endpoint)
  end)

  it("closes at the end of a block", function()
    local kept
    do
      local client <close> = connect.ConnectClient(ENDPOINT, KEY)
      kept = client
    end
    assert.equal("ConnectClient (closed)", tostring(kept))
    pcall(function()
      local client <close> = connect.ConnectClient(ENDPOINT, KEY)
      kept = client
      error("on the way")
    end)
    assert.equal("ConnectClient (closed)", tostring(kept))
  end)

  it("raises when it is used after its end, and sends nothing", function()
    local s <close> = service.answering(rawserver.reply(200, '{"id":"UFC-1","status":"ready"}'))
    local client, records, chunks = s.client, s.records, s.chunks
    local chunk = assert(chunks:get("UFC-1"))
    local before = #s:requests()
    client:close()
    for name, call in pairs {
      request = function() return (client:request("GET", "/x")) end,
      addBeforeRequestHook = function() return (client:addBeforeRequestHook(print)) end,
      addAfterResponseHook = function() return (client:addAfterResponseHook(print)) end,
      close = function() return (records:close("UR-1", "B")) end,
      closeRecords = function() return (records:closeRecords("UF-1", "UR-1", "B")) end,
      get = function() return (records:get("UR-1")) end,
      search = function() return (records:search()) end,
      delete = function() return (records:delete("UR-1")) end,
      download = function() return (chunks:download("UFC-1")) end,
      refresh = function() return (chunk:refresh()) end,
      ["chunk:close"] = function() return (chunk:close("B")) end,
    } do
      assert.matches("the client is closed", misuse(call), 1, true, name)
    end
    assert.equal(before, #s:requests())
    assert.equal("UsageChunk UFC-1 (ready)", tostring(chunk))
    assert.equal("ready", chunk.status)
    assert.equal('{"id":"UFC-1","status":"ready"}', chunk.raw)
    assert.equal("/usage/records", records.baseUri)
  end)

  it("is asked for by its methods: other values are refused", function()
    local client <close> = connect.ConnectClient(ENDPOINT, KEY)
    for _, name in ipairs { "request", "resource", "addBeforeRequestHook", "addAfterResponseHook", "close" } do
      for _, self in ipairs { {}, 5, io.stdout, client.usageRecords } do
        local message = misuse(function() return (client[name](self, "GET", "/x")) end)
        assert.matches("ConnectClient expected", message, 1, true)
      end
    end
  end)
end)
