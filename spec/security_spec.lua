-- Whom the key is shown to, and whom the client believes: judged by what real servers received.

local connect = require "cloudblue.connect"
local certs = require "spec.support.certs"
local child = require "spec.support.child"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"

local misuse = service.misuse

describe("TLS", function()
  local made

  setup(function()
    made = certs.make()
  end)

  --- A server with a certificate that answers one request a connection, and a client of it by a host's name.
  local function secured(certificate, options, host)
    local raw = rawserver.start { replies = { service.closed("UR-1") }, tls = certificate }
    options = options or {}
    options.retries = 0
    local endpoint = ("https://%s:%d/v1"):format(host or "127.0.0.1", raw.port)
    local client = connect.ConnectClient(endpoint, service.key, options)
    return setmetatable({ raw = raw, client = client, records = client.usageRecords }, {
      __close = function()
        client:close()
        raw:stop()
      end,
    })
  end

  local function refusal(s)
    local chunk, failure = s.records:close("UR-1", "B-1")
    assert.is_nil(chunk)
    assert.equal("transport", failure.kind)
    assert.equal("unsent", failure.outcome)
    assert.equal(1, failure.attempts)
    assert.equal("", table.concat(s.raw:received()))
    return failure.message
  end

  it("of an authority that caFile names is believed, by address and by name", function()
    for _, host in ipairs { "127.0.0.1", "localhost" } do
      local s <close> = secured(made.good, { caFile = made.ca }, host)
      assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id)
      assert.matches("Authorization: " .. service.key .. "\r\n", s.raw:received()[1], 1, true)
    end
  end)

  it("of an unknown authority is not", function()
    local s <close> = secured(made.good)
    assert.matches("certificate", refusal(s))
  end)

  it("of another host is not", function()
    local s <close> = secured(made.wrongHost, { caFile = made.ca })
    assert.matches("target host name '127.0.0.1'", refusal(s))
  end)

  it("that has expired is not", function()
    local s <close> = secured(made.expired, { caFile = made.ca })
    assert.matches("certificate has expired", refusal(s))
  end)

  it("that a server signed itself is not", function()
    local s <close> = secured(made.selfSigned)
    assert.matches("self[- ]signed", refusal(s))
    local t <close> = secured(made.selfSigned, { caFile = made.ca })
    assert.matches("self[- ]signed", refusal(t))
  end)

  it("with a caFile that is none is not", function()
    local t <close> = secured(made.good, { caFile = "spec/security_spec.lua" })
    assert.matches(".", refusal(t))
  end)

  it("with a file that can't be read is misuse, before anything is tried", function()
    for _, option in ipairs { "caFile", "caPath", "clientCert", "clientKey" } do
      local options = { clientCert = made.ca }
      options[option] = "/no/such/file.pem"
      local message = misuse(function() return (connect.ConnectClient("https://localhost", "key", options)) end)
      assert.equal(("bad argument #3 to 'ConnectClient' (option '%s': can't read '/no/such/file.pem': " ..
        "No such file or directory)"):format(option), message)
    end
  end)

  it("with a key and no certificate of the client's is misuse", function()
    local message = misuse(function()
      return (connect.ConnectClient("https://localhost", "key", { clientKey = made.ca }))
    end)
    assert.equal("bad argument #3 to 'ConnectClient' (option 'clientKey' goes with a 'clientCert', which is missing)",
      message)
  end)

  it("of an authority in caPath is believed", function()
    local folder = os.tmpname()
    os.remove(folder)
    assert(os.execute(("mkdir %s && cp %s %s && openssl rehash %s"):format(folder, made.ca, folder, folder)))
    finally(function() os.execute("rm -r " .. folder) end)
    local s <close> = secured(made.good, { caPath = folder })
    assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id)
  end)

  it("shows the client's certificate where the server asks for one", function()
    local raw <close> = rawserver.start {
      replies = { service.closed("UR-1") }, tls = { cert = made.good.cert, key = made.good.key, ca = made.ca },
    }
    local options = { retries = 0, caFile = made.ca, clientCert = made.client.cert, clientKey = made.client.key }
    local client <close> = connect.ConnectClient(raw.url, service.key, options)
    assert.equal("UR-1", assert(client.usageRecords:close("UR-1", "B-1")).id)
    local stranger <close> = connect.ConnectClient(raw.url, service.key, { retries = 0, caFile = made.ca })
    local chunk, failure = stranger.usageRecords:close("UR-1", "B-1")
    assert.is_nil(chunk)
    assert.equal("transport", failure.kind)
    assert.equal(1, #service.parse(table.concat(raw:received())))
  end)

  it("can't be switched off", function()
    for _, name in ipairs { "verify", "insecure", "verifyPeer", "sslVerify", "rejectUnauthorized" } do
      assert.matches("unknown option", misuse(function()
        return (connect.ConnectClient("https://127.0.0.1:1", "key", { [name] = false }))
      end))
    end
    local s <close> = secured(made.good, { allowPlainHttp = true })
    assert.matches("certificate", refusal(s))
  end)
end)

describe("plain http", function()
  it("to a host that is not this machine is refused before anything is looked up", function()
    -- The last ones are addresses of this machine for some readers, and names to be looked up for others.
    for _, host in ipairs {
      "service.example", "127.0.0.08", "127.0.0.010", "0177.0.0.1", "127.1", "127.0.0.1.", "localhost.",
      "[::ffff:127.0.0.1]", "2130706433", "0x7f000001",
    } do
      assert.matches("plain http to a host that is not this machine", misuse(function()
        return (connect.ConnectClient("http://" .. host .. "/v1", service.key))
      end))
    end
  end)
end)

describe("a program that is started while connections stand", function()
  it("inherits none of them", function()
    local made = certs.make()
    for _, tls in ipairs { false, made.good } do
      local raw <close> = rawserver.start { replies = { service.closed("UR-1") }, tls = tls or nil }
      local output = child.run(([[
        local client = require("cloudblue.connect").ConnectClient("%s", "%s", { caFile = "%s" })
        assert(client.usageRecords:close("UR-1", "B-1"))
        -- The sockets of a process by their numbers, and the numbers of all TCP sockets here.
        local started = assert(io.popen("ls -l /proc/self/fd; cat /proc/net/tcp /proc/net/tcp6"))
        local text = started:read("a")
        local count = 0
        for number in text:gmatch("socket:%%[(%%d+)%%]") do
          if text:find("%%s" .. number .. "%%s") then count = count + 1 end
        end
        local ours = assert(io.open("/proc/self/net/tcp")):read("a")
        print(count, ours:lower():find((":%%04x"):format(%d), 1, true) ~= nil)
      ]]):format(raw.url, service.key, made.ca, raw.port))
      assert.equal("0\ttrue\n", output)
    end
  end)
end)

describe("a redirect to another host", function()
  for _, status in ipairs { 301, 302, 303, 307, 308 } do
    it(("with status %d is not followed: that host gets nothing"):format(status), function()
      local other <close> = rawserver.start { replies = { rawserver.reply(200, '{"id":"UR-1","status":"closed"}') } }
      local to = { Location = other.url .. "/usage/records/UR-1" }
      local s <close> = service.answering(rawserver.reply(status, "", to))
      for _, call in ipairs {
        function() return s.records:close("UR-1", "B-1") end,
        function() return s.records:get("UR-1") end,
        function() return s.chunks:download("UFC-1") end,
      } do
        local value, failure = call()
        assert.is_nil(value)
        assert.equal("http", failure.kind)
        assert.equal(status, failure.status)
        assert.equal(failure.method == "GET" and "rejected" or "unknown", failure.outcome)
        assert.matches(other.url, failure.message, 1, true)
      end
      assert.equal(3, #s:requests())
      assert.equal(0, other:connections())
    end)
  end
end)

describe("the service", function()
  it("sets no cookies", function()
    local s <close> = service.answering(rawserver.reply(200, "{}", { ["Set-Cookie"] = "session=1; Path=/" }))
    assert(s.client:request("GET", "/x"))
    assert(s.client:request("GET", "/x"))
    assert.is_nil(s:requests()[2].headers.cookie)
  end)
end)

describe("a proxy", function()
  local CLOSE = [[
    local endpoint, options = %s
    options.retries = 0
    local client = require("cloudblue.connect").ConnectClient(endpoint, "%s", options)
    print(client.usageRecords:close("UR-1", "B-1"))
  ]]

  --- Runs a close in a process with that environment; its output.
  local function closeWith(environment, endpoint, options)
    local clean = {
      http_proxy = "", https_proxy = "", HTTPS_PROXY = "", all_proxy = "", ALL_PROXY = "", no_proxy = "", NO_PROXY = "",
    }
    for name, value in pairs(environment) do clean[name] = value end
    local arguments = ("%q, { %s }"):format(endpoint, options or "")
    return child.run(CLOSE:format(arguments, service.key), clean)
  end

  --- A proxy that lets nobody through.
  local function strict()
    return rawserver.start { replies = { "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n" } }
  end

  it("of the environment is asked for a tunnel to an https endpoint, and never sees the key", function()
    for _, name in ipairs { "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY" } do
      local proxy <close> = strict()
      local output = closeWith({ [name] = proxy.url }, "https://service.invalid/v1")
      assert.matches("^nil\tPOST /usage/records/UR%-1/close: ", output)
      local received = table.concat(proxy:received())
      assert.matches("^CONNECT service%.invalid:443 HTTP/1%.1\r\n", received)
      assert.is_nil(received:find("uthorization", 1, true))
      assert.is_nil(received:find(service.secret, 1, true))
    end
  end)

  it("of the environment is left aside for plain http, which it could read", function()
    for _, name in ipairs { "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY" } do
      local proxy <close> = strict()
      local s <close> = service.answering(service.closed("UR-1"))
      local output = closeWith({ [name] = proxy.url }, s.raw.url)
      assert.equal("UsageChunk UR-1 (closed)\n", output)
      assert.equal(0, proxy:connections())
      assert.equal(1, s.raw:connections())
    end
  end)

  it("of the environment is left aside for the hosts of no_proxy", function()
    local proxy <close> = strict()
    local raw <close> = rawserver.start { replies = { service.closed("UR-1") }, tls = certs.make().good }
    local output = closeWith({ https_proxy = proxy.url, no_proxy = "127.0.0.1" }, raw.url,
      ("caFile = %q"):format(certs.make().ca))
    assert.equal("UsageChunk UR-1 (closed)\n", output)
    assert.equal(0, proxy:connections())
  end)

  it("of the options goes before that of the environment", function()
    local proxy <close> = strict()
    local other <close> = strict()
    closeWith({ https_proxy = other.url }, "https://service.invalid/v1", ("proxy = %q"):format(proxy.url))
    assert.matches("^CONNECT service%.invalid:443 ", proxy:received()[1])
    assert.equal(0, other:connections())
  end)

  it("of the options is asked for a tunnel to a plain http endpoint too", function()
    local proxy <close> = rawserver.start {
      connections = { {
        { read = "request" },
        { send = "HTTP/1.1 200 Connection established\r\n\r\n" },
        { read = "request" },
        { send = service.closed("UR-1") },
        { hang = true },
      } },
    }
    local client <close> = connect.ConnectClient("http://127.0.0.1:1/v1", service.key,
      { retries = 0, proxy = proxy.url })
    assert.equal("UR-1", assert(client.usageRecords:close("UR-1", "B-1")).id)
    local tunnel, close = table.unpack(service.parse(proxy:received()[1]))
    assert.equal("CONNECT 127.0.0.1:1", tunnel.method .. " " .. tunnel.target)
    assert.is_nil(tunnel.headers.authorization)
    assert.equal("POST /v1/usage/records/UR-1/close", close.method .. " " .. close.target)
    assert.matches("^cloudblue%-connect%-lua/", tunnel.headers["user-agent"])
    assert.equal(tunnel.headers["user-agent"], close.headers["user-agent"])
  end)

  it("that answers in the endpoint's place, before anything was asked, leaves the call unsent", function()
    local proxy <close> = rawserver.start {
      connections = { {
        { read = "request" },
        { send = "HTTP/1.1 200 Connection established\r\n\r\n" .. service.closed("UR-1") },
        { hang = true },
      } },
    }
    local client <close> = connect.ConnectClient("http://127.0.0.1:1/v1", service.key,
      { retries = 0, proxy = proxy.url })
    local chunk, failure = client.usageRecords:close("UR-1", "B-1")
    assert.is_nil(chunk)
    assert.equal("unsent", failure.outcome)
    assert.equal("the server spoke or hung up before it was asked", failure.message)
    assert.equal(1, #service.parse(proxy:received()[1]))
  end)

  it("that refuses leaves the call unsent", function()
    for _, status in ipairs { 403, 407, 502 } do
      local proxy <close> = rawserver.start {
        replies = { ("HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n"):format(status) },
      }
      local client <close> = connect.ConnectClient("https://service.invalid/v1", service.key,
        { retries = 0, proxy = proxy.url })
      local chunk, failure = client.usageRecords:close("UR-1", "B-1")
      assert.is_nil(chunk)
      assert.equal("transport", failure.kind)
      assert.equal("unsent", failure.outcome)
      assert.is_nil(failure.status)
      assert.matches(tostring(status), failure.message, 1, true)
    end
  end)

  it("tunnels: the key goes inside TLS, to the endpoint's certificate", function()
    local made = certs.make()
    local proxy <close> = rawserver.start {
      connections = { {
        { read = "request" },
        { send = "HTTP/1.1 200 Connection established\r\n\r\n" },
        { starttls = true },
        { read = "request" },
        { send = service.closed("UR-1") },
        { hang = true },
      } },
      tls = { cert = made.good.cert, key = made.good.key, late = true },
    }
    local client <close> = connect.ConnectClient("https://localhost:1/v1", service.key,
      { retries = 0, proxy = "http://127.0.0.1:" .. proxy.port, caFile = made.ca })
    assert.equal("UR-1", assert(client.usageRecords:close("UR-1", "B-1")).id)
    local connectRequest, close = table.unpack(service.parse(proxy:received()[1]))
    assert.equal("CONNECT", connectRequest.method)
    assert.equal("localhost:1", connectRequest.target)
    assert.is_nil(connectRequest.headers.authorization)
    assert.is_nil(connectRequest.head:find(service.secret, 1, true))
    assert.equal(service.key, close.headers.authorization)
  end)

  it("is asked for another tunnel where the connection through it dies", function()
    local made = certs.make()
    local function tunnel(...)
      return {
        { read = "request" }, { send = "HTTP/1.1 200 Connected\r\nX-Proxy: p\r\n\r\n" }, { starttls = true },
        { read = "request" }, { send = rawserver.reply(200, '{"id":"UR-1"}') }, ...,
      }
    end
    local proxy <close> = rawserver.start {
      connections = { tunnel({ read = "request" }, { close = true }), tunnel({ hang = true }) },
      tls = { cert = made.good.cert, key = made.good.key, late = true },
    }
    local client <close> = connect.ConnectClient("https://localhost:1/v1", service.key,
      { retries = 0, proxy = "http://127.0.0.1:" .. proxy.port, caFile = made.ca })
    for _ = 1, 2 do
      local record, reply = assert(client:request("GET", "/usage/records/UR-1"))
      assert.equal("UR-1", record.id)
      assert.is_nil(reply.headers["x-proxy"])
    end
    assert.equal(2, proxy:connections())
  end)

  it("keeps its password out of the failure", function()
    local client <close> = connect.ConnectClient("https://service.invalid/v1", service.key,
      { retries = 0, proxy = "http://me:hunter2@127.0.0.1:1" })
    local _, failure = client.usageRecords:close("UR-1", "B-1")
    assert.equal("unsent", failure.outcome)
    for _, value in pairs(failure) do assert.is_nil(tostring(value):find("hunter2", 1, true)) end
    assert.is_nil(tostring(client):find("hunter2", 1, true))
  end)
end)

describe("what a caller passes", function()
  it("reaches the sandbox as one request, whatever it holds", function()
    local sb <close> = assert(sandbox.start { records = 1 })
    local client <close> = connect.ConnectClient(sb.endpoint, sb.apiKey, { retries = 0 })
    for byte = 0, 255 do
      local id = "UR" .. string.char(byte) .. "1"
      local before = #sb:requests()
      local done = pcall(client.usageRecords.close, client.usageRecords, id, "B-1")
      local after = sb:requests(before + 1)
      assert.equal(done and 1 or 0, #after, ("byte 0x%02X"):format(byte))
      if done then
        assert.matches("^/public/v1/usage/records/UR[^/]+1/close$", after[1].path)
        assert.equal(404, after[1].status)
      end
    end
    assert.same({}, sb:journal())
    assert.same({}, sb:problems())
  end)
end)
