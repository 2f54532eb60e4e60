--- Runs the command the way a user does, and reads what it prints.

local rawclient = require "spec.support.rawclient"

--- Runs connect-usage to its end: gives what it printed (both streams) and its exit code.
local function run(arguments)
  local pipe = assert(io.popen("lua5.4 bin/connect-usage " .. arguments .. " 2>&1; echo \"exit $?\""))
  local text = pipe:read("a")
  pipe:close()
  local printed, code = text:match("^(.*)exit (%d+)\n$")
  return printed, tonumber(code)
end

--- Starts connect-usage sandbox and reads its first lines; `stop(signal)` ends it.
local function serve(arguments)
  local command = "lua5.4 bin/connect-usage sandbox " .. arguments .. " 2>&1"
  local pipe = assert(io.popen(command .. " & pid=$!; echo $pid; wait $pid; echo \"exit $?\""))
  local served = { pid = pipe:read("l"), first = pipe:read("l"), second = pipe:read("l"), third = pipe:read("l") }
  function served.stop(signal)
    assert(os.execute("kill -" .. signal .. " " .. served.pid))
    local rest = pipe:read("a")
    pipe:close()
    return rest:match("^(.*)exit (%d+)\n$")
  end
  return served
end

describe("connect-usage", function()
  it("shows its help when it is told nothing", function()
    local printed, code = run ""
    assert.are.equal(0, code)
    assert.is_truthy(printed:find("Usage: connect-usage", 1, true))
    assert.is_truthy(printed:find("sandbox  +Serve a local Connect"))
    assert.are.equal(printed, (run "--help"))
  end)

  it("shows its version", function()
    local printed, code = run "--version"
    assert.are.equal(0, code)
    assert.is_truthy(printed:find("^connect%-usage %d+%.%d+"), printed)
  end)

  it("refuses what it doesn't know", function()
    for _, arguments in ipairs {
      "nonsense", "--nonsense", "sandbox --nonsense", "sandbox --port x", "sandbox --port 65536",
      "sandbox --records -1", "sandbox --records 1.5",
    } do
      local printed, code = run(arguments)
      assert.are_not.equal(0, code)
      assert.is_truthy(printed:find("\nError: .+\n$"), printed)
    end
  end)
end)

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

  it("can do without the bulk route", function()
    local served = serve "--port 0 --no-bulk-route"
    local target = { port = served.first:match(":(%d+)/public"), apiKey = "ApiKey SU-000-000-000:not-a-secret" }
    local bulk = rawclient.request(target, "POST", "/usage/records/close-records", "[]", { "Connection: close" })
    assert.is_truthy((rawclient.exchange(tonumber(target.port), bulk)):find("^HTTP/1.1 404 "))
    served.stop "TERM"
  end)
end)
