local commandline = require "spec.support.commandline"
local rawclient = require "spec.support.rawclient"

local run, serve = commandline.run, commandline.serve

describe("connect-usage sandbox", function()
  it("serves until it is interrupted, and ends with its counts", function()
    for _, signal in ipairs { "INT", "TERM" } do
      local served = serve "--port 0 --records 12 --api-key \"ApiKey SU-1:it's\""
      local port = served.first:match("^The sandbox serves 12 usage records at http://127%.0%.0%.1:(%d+)/public/v1$")
      assert.is_truthy(port, served.first)
      assert.are.equal(string.format("For a client: export CONNECT_ENDPOINT='http://127.0.0.1:%s/public/v1' "
        .. "CONNECT_API_KEY='ApiKey SU-1:it'\\''s'", port), served.second)
      assert.are.equal("Ctrl-C ends it.", served.third)
      local close = rawclient.request({ port = port, apiKey = "ApiKey SU-1:it's" }, "POST",
        "/usage/records/UR-2026-01-0000-0000-0000-0001/close", "{}", { "Connection: close" })
      assert.is_truthy((rawclient.exchange(tonumber(port), close)):find("^HTTP/1.1 200 "))
      local rest, code = served.stop(signal)
      assert.are.same({ "Usage records: 11 approved, 1 closed\n", "0" }, { rest, code })
    end
  end)

  it("says in one line that its port is taken", function()
    local served = serve "--port 0"
    local port = served.first:match(":(%d+)/public")
    local printed, code = run("sandbox --port " .. port)
    served.stop "TERM"
    assert.are.same({
      "connect-usage: can't listen on 127.0.0.1 port " .. port .. ": Address already in use\n", 1,
    }, { printed, code })
  end)

  it("takes a script of faults from a file", function()
    local path = os.tmpname()
    local function write(text)
      local file <close> = assert(io.open(path, "w"))
      file:write(text)
    end
    write '[{"on": "GET /usage/files", "fault": "status", "status": 503, "retryAfter": 1, "nth": 1}]'
    local served = serve("--port 0 --faults " .. path)
    local target = { port = served.first:match(":(%d+)/public"), apiKey = "ApiKey SU-000-000-000:not-a-secret" }
    local get = rawclient.request(target, "GET", "/usage/files", nil, { "Connection: close" })
    assert.is_truthy((rawclient.exchange(tonumber(target.port), get)):find("^HTTP/1.1 503 .-retry%-after: 1\r\n"))
    assert.is_truthy((rawclient.exchange(tonumber(target.port), get)):find("^HTTP/1.1 200 "))
    served.stop "TERM"

    write "[{]"
    local printed = run("sandbox --port 0 --faults " .. path)
    assert.is_truthy(printed:find("^connect%-usage: " .. path .. " is no JSON: [^\n]+\n$"), printed)
    write '[{"on": "GET /usage/files", "fault": "hung"}]'
    assert.are.same({ "connect-usage: " .. path .. ": rule 1: there is no fault 'hung'\n", 1 },
      { run("sandbox --port 0 --faults " .. path) })
    os.remove(path)
    assert.are.same({ "connect-usage: " .. path .. ": No such file or directory\n", 1 },
      { run("sandbox --port 0 --faults " .. path) })
  end)

  it("prints an endpoint that can be used where it listens on all addresses", function()
    for host, shown in pairs { ["0.0.0.0"] = "127.0.0.1", ["127.0.0.2"] = "127.0.0.2" } do
      local served = serve("--port 0 --host " .. host)
      local address, port = served.first:match("^The sandbox serves 1000 usage records at http://(.-):(%d+)/public/v1$")
      assert.are.equal(shown, address)
      local target = { port = port, apiKey = "ApiKey SU-000-000-000:not-a-secret" }
      local get = rawclient.request(target, "GET", "/usage/files", nil, { "Connection: close" })
      assert.is_truthy((rawclient.exchange(tonumber(port), get, nil, address)):find("^HTTP/1.1 200 "))
      served.stop "TERM"
    end
  end)

  it("says in one line that it can't listen on an address", function()
    for _, host in ipairs { "192.0.2.1", "nonsense.invalid" } do
      local printed, code = run("sandbox --port 0 --host " .. host)
      assert.are.same({ 1, 1 }, { code, select(2, printed:gsub("\n", "")) })
      assert.is_truthy(printed:find("^connect%-usage: can't listen on " .. host:gsub("%p", "%%%0") .. " port 0: "))
    end
  end)

  it("prints a line for each request where it is verbose", function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write '[{"on": "GET /usage/chunks", "fault": "status", "status": 503}]'
    file:close()
    local served = serve("--port 0 --verbose --faults " .. path)
    local target = { port = served.first:match(":(%d+)/public"), apiKey = "ApiKey SU-000-000-000:not-a-secret" }
    for _, request in ipairs {
      { "GET", "/usage/files?limit=1" }, { "GET", "/usage/chunks" },
      { "POST", "/usage/records/UR-2026-01-0000-0000-0000-0001/close", "{}" }, { "GET", "/none\27[31m" },
    } do
      rawclient.exchange(tonumber(target.port),
        rawclient.request(target, request[1], request[2], request[3], { "Connection: close" }))
    end
    os.remove(path)
    local rest = served.stop "TERM"
    assert.are.equal("GET /public/v1/usage/files?limit=1: 200\n"
      .. "GET /public/v1/usage/chunks: 503, status\n"
      .. "POST /public/v1/usage/records/UR-2026-01-0000-0000-0000-0001/close: 200\n"
      .. "GET /public/v1/none\\x1B[31m: 404\n"
      .. "Usage records: 999 approved, 1 closed\n", rest)
  end)

  it("leaves unknown filters out where it is told to, as the service does", function()
    for flag, status in pairs { [""] = "400", ["--lenient-filters"] = "200" } do
      local served = serve("--port 0 " .. flag)
      local target = { port = served.first:match(":(%d+)/public"), apiKey = "ApiKey SU-000-000-000:not-a-secret" }
      local get = rawclient.request(target, "GET", "/usage/records?stauts=approved", nil, { "Connection: close" })
      assert.is_truthy((rawclient.exchange(tonumber(target.port), get)):find("^HTTP/1.1 " .. status))
      served.stop "TERM"
    end
  end)

  it("can do without the bulk route", function()
    local served = serve "--port 0 --no-bulk-route"
    local target = { port = served.first:match(":(%d+)/public"), apiKey = "ApiKey SU-000-000-000:not-a-secret" }
    local bulk = rawclient.request(target, "POST", "/usage/records/close-records", "[]", { "Connection: close" })
    assert.is_truthy((rawclient.exchange(tonumber(target.port), bulk)):find("^HTTP/1.1 404 "))
    served.stop "TERM"
  end)
end)
