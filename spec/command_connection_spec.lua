local argparse = require "argparse"
local connection = require "cloudblue.connect.command.connection"
local core = require "cloudblue.connect.core"
local child = require "spec.support.child"
local commandline = require "spec.support.commandline"
local folders = require "spec.support.folder"
local scene = require "spec.support.scene"

teardown(scene.finish)

-- What argparse makes of arguments, with the connection's options.
local function parse(...)
  local parser = argparse("x")
  connection.describe(parser)
  local ok, options = parser:pparse { ... }
  assert(ok, options)
  return options
end

-- A script that opens a client as these arguments say, reads a record, and prints the status that the reply has.
local function reading(...)
  local quoted = {}
  for index, argument in ipairs { ... } do quoted[index] = ("%q"):format(argument) end
  return ([[
    local connection = require "cloudblue.connect.command.connection"
    local parser = require "argparse" ("x")
    connection.describe(parser)
    local client, problem, code = connection.open(parser:parse { %s })
    if not client then print(problem, code) os.exit(true, true) end
    local record, failure = client.usageRecords:get "UR-2026-01-0000-0000-0000-0001"
    print(record and record.id or failure.status or failure)
  ]]):format(table.concat(quoted, ", "))
end

local NO_KEY <const> = { CONNECT_API_KEY = "" }
local ID <const> = "UR-2026-01-0000-0000-0000-0001\n"

describe("a client of connect-usage", function()
  local s, folder, keyFile

  setup(function()
    s = scene.start()
    folder = folders.make()
    keyFile = folder:write("key", s.sandbox.apiKey .. "\nnot the key\n")
    os.execute("chmod 600 " .. keyFile)
  end)

  teardown(function()
    s:stop()
    folder:stop()
  end)

  local function run(environment, ...) return child.run(reading("--endpoint", s.sandbox.endpoint, ...), environment) end

  it("takes the key and the endpoint from the environment", function()
    local environment = { CONNECT_ENDPOINT = s.sandbox.endpoint, CONNECT_API_KEY = s.sandbox.apiKey }
    assert.are.equal(ID, child.run(reading(), environment))
    environment.CONNECT_API_KEY = "ApiKey SU-1:wrong"
    assert.are.equal("401\n", child.run(reading(), environment))
  end)

  it("takes the key from the first line of a file or of what a command prints, before the environment's", function()
    local wrong = { CONNECT_API_KEY = "ApiKey SU-1:wrong" }
    assert.are.equal(ID, run(wrong, "--api-key-file", keyFile))
    assert.are.equal(ID, run(wrong, "--api-key-command", "cat " .. keyFile))
    folder:write("crlf", s.sandbox.apiKey .. "\r\n")
    os.execute("chmod 600 " .. folder.root .. "/crlf")
    assert.are.equal(ID, run(NO_KEY, "--api-key-file", folder.root .. "/crlf"))
  end)

  it("takes the key from one place", function()
    local parser = argparse("x")
    connection.describe(parser)
    assert.are.same({ false, "option '--api-key-command' can not be used together with option '--api-key-file'" },
      { parser:pparse { "--api-key-file", "f", "--api-key-command", "c" } })
  end)

  it("says that there is no key", function()
    assert.are.equal("there is no key: set CONNECT_API_KEY, or give --api-key-file or --api-key-command\t2\n",
      run(NO_KEY))
  end)

  it("refuses a file of its user's that others may use, as ssh does", function()
    local problem = "--api-key-file " .. keyFile
      .. ": others may read or change it; keep it from them with chmod 600\t2\n"
    for mode, isRefused in pairs { ["640"] = true, ["604"] = true, ["620"] = true, ["400"] = false, ["700"] = false } do
      os.execute(("chmod %s %s"):format(mode, keyFile))
      assert.are.equal(isRefused and problem or ID, run(NO_KEY, "--api-key-file", keyFile), mode)
    end
    os.execute("chmod 600 " .. keyFile)
  end)

  it("says what is wrong with a file", function()
    folder:write("-empty'", "")
    folder:write("blank", "\n" .. s.sandbox.apiKey)
    folder:write("spaces", " a key\n")
    os.execute(("chmod 600 %s/*"):format(folder.root))
    for name, problem in pairs {
      ["/none"] = "--api-key-file %s: No such file or directory",
      ["/-empty'"] = "--api-key-file %s: it is empty",
      ["/blank"] = "--api-key-file %s: its first line is empty",
      ["/spaces"] = "the key of --api-key-file begins or ends with a blank, which HTTP does not carry",
    } do
      local path = folder.root .. name
      assert.are.equal(problem:format(path) .. "\t2\n", run(NO_KEY, "--api-key-file", path))
    end
  end)

  it("says how a command failed, and gives it nothing of stdin", function()
    for command, problem in pairs {
      ["echo a key; exit 3"] = "it ended with exit 3",
      ["kill -TERM $$"] = "it ended with signal 15",
      ["true"] = "it printed no key in its first line",
      ["cat"] = "it printed no key in its first line",
    } do
      assert.are.equal("--api-key-command: " .. problem .. "\t2\n", run(NO_KEY, "--api-key-command", command))
    end
  end)

  it("names the option or the variable that is wrong, and shows no key", function()
    local key = "ApiKey SU-1:secret"
    for _, case in ipairs {
      { "--endpoint must begin with https:// (or http:// for a local service)", "--endpoint", "ftp://x" },
      { "--endpoint is plain http to a host that is not this machine, and the key would travel unprotected; use https, "
        .. "or --allow-plain-http", "--endpoint", "http://example.com" },
      { "CONNECT_ENDPOINT must begin with https:// (or http:// for a local service)",
        env = { CONNECT_ENDPOINT = "x" } },
      { "--ca-file: can't read '/none': No such file or directory", "--ca-file", "/none" },
      { "CONNECT_API_KEY has a control character (0x0A) at byte 19", env = { CONNECT_API_KEY = key .. "\n" } },
    } do
      local environment = case.env or {}
      environment.CONNECT_API_KEY = environment.CONNECT_API_KEY or key
      assert.are.equal(case[1] .. "\t2\n", child.run(reading(table.unpack(case, 2)), environment))
    end
  end)

  it("has the limits that it is told", function()
    local options = parse("--api-key-command", "echo k:v", "--timeout", "120", "--connect-timeout", "5",
      "--deadline", "3600", "--proxy", "http://127.0.0.1:1", "--endpoint", "http://example.com", "--allow-plain-http")
    local client <close> = assert(connection.open(options))
    assert.are.equal(120, core.timeout(client))
    assert.are.equal("http://example.com", client.endpoint)
    s.sandbox:configure { faults = { { on = "GET /usage/records/*", fault = "status", status = 503, count = "all" } } }
    local before = #s.sandbox:requests()
    run(NO_KEY, "--api-key-file", keyFile, "--retries", "0")
    s.sandbox:configure { faults = {} }
    assert.are.equal(1, #s.sandbox:requests() - before)
  end)

  it("prints a line for each request where it is verbose, without the key", function()
    s.sandbox:configure { faults = { { on = "GET /usage/records/*", fault = "status", status = 503 } } }
    local printed = run(NO_KEY, "--api-key-file", keyFile, "--verbose")
    s.sandbox:configure { faults = {} }
    local url = s.sandbox.endpoint .. "/usage/records/UR-2026-01-0000-0000-0000-0001"
    local lines = "^GET " .. url:gsub("%p", "%%%0") .. ": 503, %d+%.%d%d%d s\nGET " .. url:gsub("%p", "%%%0")
      .. ": 200, %d+%.%d%d%d s, attempt 2\n" .. ID:gsub("%p", "%%%0") .. "$"
    assert.is_truthy(printed:find(lines), printed)
  end)
end)

describe("a subcommand that calls the service", function()
  it("has the connection's options, says that there is no key, and ends with 2", function()
    for _, arguments in ipairs {
      "list", "show UR-1", "chunks", "chunks UFC-1", "download UFC-1 -o none.xlsx",
      "upload UF-1 spec/command_connection_spec.lua --yes",
    } do
      assert.are.same({ arguments, "", "connect-usage: there is no key: set CONNECT_API_KEY, or give --api-key-file or "
        .. "--api-key-command\n", 2 }, { arguments, commandline.streams(arguments, "CONNECT_API_KEY=") })
      assert.are.same({ arguments, "", "connect-usage: --api-key-command: it printed no key in its first line\n", 2 },
        { arguments, commandline.streams(arguments .. " --api-key-command true") })
    end
  end)
end)
