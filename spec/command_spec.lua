--- Runs the command the way a user does, and reads what it prints.

local rawclient = require "spec.support.rawclient"

--- Runs connect-usage to its end: gives what it printed (both streams) and its exit code. `environment` is shell
--- words before the command.
local function run(arguments, environment)
  local command = (environment or "") .. " lua5.4 bin/connect-usage " .. arguments
  local pipe = assert(io.popen(command .. " 2>&1; echo \"exit $?\""))
  local text = pipe:read("a")
  pipe:close()
  local printed, code = text:match("^(.*)exit (%d+)\n$")
  return printed, tonumber(code)
end

--- The environment of a Lua that finds only these folders' modules, besides those of this project.
local function only(path, cpath)
  return string.format("env -u LUA_INIT LUA_PATH_5_4='lua/?.lua;lua/?/init.lua;%s' LUA_CPATH_5_4='%s'", path, cpath)
end

--- The folders in which a module's file lies: those of a Lua path or cpath as it is searched here.
local function folderOf(module, path)
  return (assert(package.searchpath(module, path)):gsub("/" .. module .. "%.%w+$", ""))
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

  it("says in one line what is wrong with its arguments, and exits with 2", function()
    for arguments, problem in pairs {
      ["nonsense"] = "unknown command 'nonsense'",
      ["--nonsense"] = "unknown option '--nonsense'",
      ["sandbox --nonsense"] = "unknown option '--nonsense'",
      ["sandbox --port x"] = "--port must be a port from 0 to 65535, not 'x'",
      ["sandbox --port 65536"] = "--port must be a port from 0 to 65535, not '65536'",
      ["sandbox --port"] = "option '--port' requires an argument",
      ["sandbox --records -5"] = "--records must be a count, not '-5'",
      ["sandbox --records=-5"] = "--records must be a count, not '-5'",
      ["sandbox --records 1.5"] = "--records must be a count, not '1.5'",
      ["sandbox --records ''"] = "--records must be a count, not ''",
      ["sandbox --api-key ''"] = "--api-key must be a key, not ''",
      ["sandbox --api-key '  '"] = "--api-key must be a key, not '  '",
      ["sandbox --host ''"] = "--host must be an address, not ''",
      ["sandbox --download-bytes -1"] = "--download-bytes must be a count, not '-1'",
    } do
      assert.are.same({ arguments, "connect-usage: " .. problem .. " (see --help)\n", 2 },
        { arguments, run(arguments) })
    end
    assert.are.same({ "connect-usage: option 'apiKey' must be a key: not empty, without blanks around it, "
      .. "without control characters\n", 2 }, { run "sandbox --api-key ' ApiKey SU-1:x'" })
  end)

  it("says in one line which library is missing and how to get it, and exits with 2", function()
    local function line(module, debian, rock)
      return string.format("connect-usage: the Lua module %s is missing: install it with `apt install %s` or with "
        .. "`luarocks install %s`\n", module, debian, rock)
    end
    local argparse = folderOf("argparse", package.path) .. "/?.lua"
    assert.are.same({ line("argparse", "lua-argparse", "argparse"), 2 }, { run("sandbox", only("", "")) })
    local printed, code = run("sandbox", only(argparse, ""))
    assert.are.same({ 2, 1 }, { code, select(2, printed:gsub("\n", "")) })
    assert.is_truthy(printed:find("^connect%-usage: the Lua module %g+ is missing: install it with `apt install "))
  end)

  it("says so too where lua-http is the one that is missing", function()
    local path, cpath = os.tmpname(), package.cpath
    os.remove(path)
    -- Everything that Lua 5.4 finds here, and lua-http nowhere.
    local program = "package.loaded['cloudblue.connect.sandbox.libraries'] = nil\n"
      .. "require('cloudblue.connect.sandbox.libraries').older = ''\n"
      .. "os.exit(require('cloudblue.connect.command').run({ 'sandbox', '--port', '0' }), true)\n"
    local file = assert(io.open(path, "w"))
    file:write(program)
    file:close()
    local folder = folderOf("cqueues", package.path)
    local pipe = assert(io.popen(only(folder .. "/?.lua", cpath) .. " lua5.4 " .. path .. " 2>&1; echo \"exit $?\""))
    local printed = pipe:read("a")
    pipe:close()
    os.remove(path)
    assert.are.equal("connect-usage: the Lua module http.h1_connection is missing: install it with "
      .. "`apt install lua-http` or with `luarocks install http`\nexit 2\n", printed)
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
