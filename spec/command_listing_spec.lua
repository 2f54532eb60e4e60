-- What lists have in common, tried by `connect-usage list`.

local child = require "spec.support.child"
local commandline = require "spec.support.commandline"
local json = require "cloudblue.connect.sandbox.json"
local sandbox = require "cloudblue.connect.sandbox"
local scene = require "spec.support.scene"

teardown(scene.finish)

describe("a list on the command line", function()
  local s
  before_each(function() s = scene.start() end)
  after_each(function() s:stop() end)

  local function list(arguments, behind)
    return commandline.streams("list " .. arguments, commandline.to(s.sandbox), behind)
  end

  -- The queries that the service got.
  local function queries()
    local found = {}
    for index, request in ipairs(s.sandbox:requests(s.start)) do found[index] = request.path:match "%?(.*)" end
    return found
  end

  it("is of all that match, or of so many", function()
    s.client.usageRecords:close("UR-2026-01-0000-0000-0000-0002", "B")
    local printed, said, code = list "--where status=approved --columns id"
    assert.are.same({ "", 0, 1000 }, { said, code, select(2, printed:gsub("\n", "")) })
    assert.is_nil(printed:find("0000-0002\n", 1, true))
    assert.are.same({ "id\nUR-2026-01-0000-0000-0000-0002\n", "", 0 }, { list "--where status=closed --columns id" })
    assert.are.same({ "id\n" .. ("UR-2026-01-0000-0000-0000-000%d\n"):rep(2):format(1, 2), "", 0 },
      { list "--columns id --limit 2" })
    assert.are.same({ "id\n", "", 0 }, { list "--columns id --limit 0" })
  end)

  it("asks for no more than it prints", function()
    list "--where 'status=approved' --order -created_time,status --limit 7"
    assert.are.same({ "status=approved&ordering(-created_time,status)&limit=7&offset=0" }, queries())
  end)

  it("is JSON Lines of whole records where it is told so", function()
    local printed, said, code = list "--json --limit 2"
    assert.are.same({ "", 0, 2 }, { said, code, select(2, printed:gsub("\n", "")) })
    local record = json.native(json.decode(printed:match "^[^\n]*"))
    assert.are.same(s.sandbox:record "UR-2026-01-0000-0000-0000-0001", record)
  end)

  it("says which columns no entry has, and when it may be incomplete", function()
    assert.are.same({ "id,statsu\nUR-2026-01-0000-0000-0000-0001,\n", "connect-usage: no entry has a field 'statsu'\n",
      0 }, { list "--limit 1 --columns id,statsu" })
    assert.are.equal("", select(2, list "--columns id"))      -- just 1000
    local large <close> = assert(sandbox.start { records = 1001 })
    local environment = commandline.to(large)
    local printed, said, code = commandline.streams("list --columns id", environment)
    assert.are.same({ 0, 1002 }, { code, select(2, printed:gsub("\n", "")) })
    assert.is_truthy(said:find("^connect%-usage: .-a list of more than 1000 may lack some and repeat others; "
      .. "%-%-complete finds all\n$"), said)
    assert.are.equal("", select(2, commandline.streams("list --columns id --limit 1000", environment)))
  end)

  it("meets each match once where it is told so, however the service orders them", function()
    local large <close> = assert(sandbox.start { records = 1200, shuffleLists = true })
    local printed, said, code = commandline.streams("list --columns id --complete", commandline.to(large))
    assert.are.same({ "", 0 }, { said, code })
    local met, count = {}, 0
    for id in printed:gmatch "(UR%S+)\n" do
      met[id], count = true, count + 1
    end
    local distinct = 0
    for _ in pairs(met) do distinct = distinct + 1 end
    assert.are.same({ 1200, 1200 }, { count, distinct })
  end)

  it("says that a list does not hold still", function()
    s.client.usageRecords:close("UR-2026-01-0000-0000-0000-0001", "B")
    s.sandbox:configure { faults = { { on = "GET /usage/records", nth = 2, every = 2, fault = "status", status = 200,
      body = "[]", headers = { ["Content-Range"] = "items 0-0/2" } } } }
    assert.are.same({ "id\nUR-2026-01-0000-0000-0000-0001\n",
      "connect-usage: of 2 1 were met; the list does not hold still\n", 5 },
      { list "--where status=closed --columns id --complete" })
    s.sandbox:configure { faults = {} }
  end)

  it("refuses what the service would misunderstand before anything is sent", function()
    for arguments, problem in pairs {
      ["--where stauts=approved"] = "--where: there is no filter 'stauts'; the nearest known one is 'status' "
        .. "(--any-filter sends it all the same)",
      ["--order id"] = "--order: there is no ordering by 'id'; there is created_time, status, usage_start_time",
      ["--columns id,"] = "--columns: '' is no field",
      ["--columns 'id,a b'"] = "--columns: 'a b' is no field",
      ["--columns id --json"] = "--columns and --json exclude each other",
      ["--csv --json"] = "option '--json' can not be used together with option '--csv' (see --help)",
      ["--limit 1 --complete"] = "option '--complete' can not be used together with option '--limit' (see --help)",
    } do
      assert.are.same({ "", "connect-usage: " .. problem .. "\n", 2 }, { list(arguments) })
    end
    assert.are.same({}, queries())
  end)

  it("sends a filter that the API does not describe where it is told so", function()
    s.sandbox:configure { strictFilters = false }
    assert.are.equal(0, select(3, list "--where 'new=1' --any-filter --limit 1"))
    s.sandbox:configure { strictFilters = true }
    assert.are.same({ "new=1&limit=1&offset=0" }, queries())
  end)

  it("prints what it got, says why there is no more, and ends with the code of the cause", function()
    for fault, case in pairs {
      [{ fault = "status", status = 503, count = "all" }] = { 5, "503" },
      [{ fault = "status", status = 403, count = "all" }] = { 7, "403" },
      [{ fault = "status", status = 400, count = "all" }] = { 1, "400" },
      [{ fault = "garbage" }] = { 1, "" },
    } do
      fault.on = "GET /usage/records"
      s.sandbox:configure { faults = { fault } }
      local printed, said, code = list "--retries 0 --columns id"
      assert.are.same({ "id\n", case[1] }, { printed, code })
      assert.is_truthy(said:find("^connect%-usage: GET /usage/records[^\n]*" .. case[2] .. "[^\n]*\n$"), said)
    end
    s.sandbox:configure { faults = {} }
  end)

  it("ends where its reader has gone, and says that a disk is full", function()
    -- More than a pipe holds.
    local _, said, code = list("", "| head -n 1")
    assert.are.same({ "", 141 }, { said, code })
    _, said, code = commandline.streams("list", "trap '' PIPE; " .. commandline.to(s.sandbox), "| head -n 1")
    assert.are.same({ "", 141 }, { said, code })
    assert.are.same({ "", "connect-usage: the output can't be written: No space left on device\n", 1 },
      { list("--columns id", ">/dev/full") })
  end)

  it("is interrupted by Ctrl-C, without a word", function()
    s.sandbox:configure { faults = { { on = "GET /usage/records", fault = "hang" } } }
    local process <close> = child.start([[
      io.stdout:setvbuf "no"
      local connect = require "cloudblue.connect"
      local ConnectClient = connect.ConnectClient
      connect.ConnectClient = function(...)
        local client = ConnectClient(...)
        client:addBeforeRequestHook(function() print "sent" end)
        return client
      end
      print(require("cloudblue.connect.command").run { "list", "--columns", "id" })]],
      { CONNECT_ENDPOINT = s.sandbox.endpoint, CONNECT_API_KEY = s.sandbox.apiKey })
    assert.are.same({ "id", "sent" }, { process:line(), process:line() })
    process:interrupt()
    assert.are.equal("130\n", (process:rest()))
    s.sandbox:configure { faults = {} }
  end)
end)
