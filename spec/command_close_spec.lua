-- connect-usage close as its user has it: run as a process, judged by what it prints, its exit code, and the journal of
-- a sandbox.

local cjson = require "cjson"

local cqueues = require "cqueues"

local child = require "spec.support.child"
local commandline = require "spec.support.commandline"
local folders = require "spec.support.folder"
local pty = require "spec.support.pty"
local ledger = require "cloudblue.connect.closing.ledger"
local sandbox = require "cloudblue.connect.sandbox"

local BULK = "POST /usage/records/close-records"

describe("connect-usage close", function()
  local sb, folder

  setup(function() sb = assert(sandbox.start { records = 1000 }) end)
  teardown(function() sb:stop() end)

  before_each(function()
    sb:configure { faults = {} }
    sb:reset()
    folder = folders.make()
  end)

  after_each(function()
    folder:stop()
    assert.same({}, sb:problems())
  end)

  local function id(number) return ("UR-2026-01-0000-0000-0000-%04d"):format(number) end

  -- A file that lists the records first to last under billing ids of their own.
  local function listed(first, last, name)
    local rows = { "id,external_billing_id" }
    for number = first, last do rows[#rows + 1] = ("%s,B-%d"):format(id(number), number) end
    return folder:write(name or "a.csv", table.concat(rows, "\n") .. "\n")
  end

  local function environment(key)
    return ("CONNECT_ENDPOINT='%s' CONNECT_API_KEY='%s' NO_COLOR=1"):format(sb.endpoint, key or sb.apiKey)
  end

  -- Runs close. Returns what it printed, on both streams, and its exit code.
  local function close(arguments, key) return commandline.run("close " .. arguments, environment(key)) end

  -- The billing ids under which records were closed, in the order of the records.
  local function bills()
    local list = {}
    for _, entry in ipairs(sb:journal()) do
      if entry.action == "close" then
        assert.is_nil(list[entry.id], "closed twice")
        list[entry.id] = entry.external_billing_id or "none"
        list[#list + 1] = entry.id
      end
    end
    table.sort(list)
    for index, name in ipairs(list) do list[index] = list[name] end
    return table.move(list, 1, #list, 1, {})
  end

  -- How many requests there were of a method.
  local function requests(method)
    local count = 0
    for _, request in ipairs(sb:requests()) do
      if request.method == method then count = count + 1 end
    end
    return count
  end

  local function lines(text)
    local list = {}
    for line in text:gmatch "[^\n]+" do list[#list + 1] = line end
    return list
  end

  -- The objects that --json prints; words stand on stderr.
  local function objects(text)
    local list = {}
    for _, line in ipairs(lines(text)) do
      if line:find "^{" then list[#list + 1] = cjson.decode(line) end
    end
    return list
  end

  -- Waits until the sandbox has got three batches more than before.
  local function awaitBatches(before)
    local wanted, patience = (before or 0) + 3, cqueues.monotime() + 60
    repeat cqueues.sleep(0.01) until requests "POST" >= wanted or cqueues.monotime() > patience
    assert.is_true(requests "POST" >= wanted)
  end

  -- Starts close with these arguments, as they are written in Lua.
  local function startClose(arguments)
    return child.start(("os.exit(require('cloudblue.connect.command').run { 'close', %s }, true)"):format(arguments),
      { CONNECT_ENDPOINT = sb.endpoint, CONNECT_API_KEY = sb.apiKey })
  end

  describe("with a file", function()
    it("closes each record once, and says so", function()
      local path = listed(1, 250)
      assert.are.same({
        path .. " has 250 records.\nThe first is " .. id(1) .. ", under B-1.\n"
          .. "closed 250, already 0, refused 0, unknown 0, not tried 0\n", 0,
      }, { close(path .. " --yes --batch-size 40 --workers 3") })
      local list = bills()
      assert.are.same({ 250, "B-1", "B-250" }, { #list, list[1], list[250] })
      assert.are.equal(7, requests "POST")
      assert.are.same({ "closed 0, already 250, refused 0, unknown 0, not tried 0\n", 0 }, { close(path .. " -yq") })
    end)

    it("takes JSON Lines from a pipe, with a template and a note for all", function()
      local records = folder:write("ids", ('{"id":"%s"}\n{"id":"%s","amount":7}\n'):format(id(1), id(2)))
      assert.are.same({
        "stdin has 2 records.\nIgnored keys: amount.\n"
          .. "The first is " .. id(1) .. ", under R-1, with the note 'it is January'.\n"
          .. "closed 2, already 0, refused 0, unknown 0, not tried 0\n", 0,
      }, { close("- --billing-id 'R-{seq}' --note 'it is January' --yes < " .. records) })
      assert.are.same({ "R-1", "R-2" }, bills())
      assert.are.equal("it is January", sb:record(id(2)).external_billing_note)
    end)

    it("leaves out what repeats another line, and the columns that it does not need", function()
      local path = folder:write("a.csv", ("customer,id,external_billing_id\nc,%s,B-1\nd,%s,B-1\n"):format(id(1), id(1)))
      local printed, code = close(path .. " --yes")
      assert.are.same({ 0, { "B-1" } }, { code, bills() })
      assert.is_truthy(printed:find(" has 1 record.\n1 entry repeats another, and is left out.\n"
        .. "Ignored columns: customer.\n", 1, true), printed)
    end)

    it("sends nothing where there is nothing to send", function()
      assert.are.same({ "closed 0, already 0, refused 0, unknown 0, not tried 0\n", 0 },
        { close(folder:write("a.csv", "id\n") .. " --yes --quiet") })
      assert.are.same({}, sb:requests())
    end)
  end)

  describe("before anything is sent", function()
    it("shows what it would do, for --dry-run", function()
      local path = listed(1, 3)
      assert.are.same({
        path .. " has 3 records.\nThe first is " .. id(1) .. ", under B-1.\n3 would be sent to " .. sb.endpoint
          .. "; nothing was.\n", 0,
      }, { close(path .. " --dry-run") })
      assert.are.same({}, sb:requests())
    end)

    it("refuses a list of which the last line is wrong, by its place", function()
      local path = listed(1, 900)
      local text = folder:read "a.csv" .. id(901) .. ",\"B-901\n"
      folder:write("a.csv", text)
      assert.are.same({
        "connect-usage: " .. path
          .. ", line 902, column 32: the quote that begins here is not closed. Nothing was sent\n", 2,
      }, { close(path .. " --yes") })
      assert.are.same({}, sb:requests())
    end)

    it("refuses what is missing, or contradicts itself", function()
      local path = listed(1, 2)
      for arguments, problem in pairs {
        [path] = "there is no terminal to ask at: give --yes to close records, or --dry-run",
        ["--yes"] = "give FILE or --where, or --ledger to go on with what that holds",
        [path .. " -y --where status=approved"] = "FILE and --where exclude each other",
        [path .. " -y --billing-id '{x}'"] =
          "--billing-id: there is no placeholder {x}: {seq} is the entry's number, {id} the record's id",
        [path .. " -y --billing-id '{id}'"] =
          path .. ", line 2, column 32: there is a billing id here, and --billing-id makes another. Nothing was sent",
        ["none.csv -y"] = "none.csv: No such file or directory",
        [path .. " -y --report none/r.csv"] = "--report: none/r.csv.partial: No such file or directory",
      } do
        local printed, code = close(arguments .. " --quiet")
        assert.are.same({ arguments, "connect-usage: " .. problem .. "\n", 2 }, { arguments, printed, code })
      end
      for arguments, problem in pairs {
        ["--workers 0"] = "--workers must be an integer, 1 or more, not '0'",
        ["--batch-size x"] = "--batch-size must be an integer, 1 or more, not 'x'",
        ["--per-second 0"] = "--per-second must be a number, more than 0, not '0'",
        ["--max-refused -1"] = "--max-refused must be a count, not '-1'",
        ["--max-duration 1h"] = "--max-duration must be a number of seconds, not '1h'",
        ["a b"] = "too many arguments",
        ["a.csv --ledger ''"] = "--ledger must be a file, not ''",
        ["a.csv --report ''"] = "--report must be a file, not ''",
        ["' '"] = "FILE must be a file, not ' '",
      } do
        assert.are.same({ "connect-usage: " .. problem .. " (see --help)\n", 2 }, { close(arguments) })
      end
      assert.are.same({}, sb:requests())
    end)
  end)

  describe("when something is not closed", function()
    it("exits with 1 for what is refused, and reports it as a list that can be given back", function()
      assert.are.equal(0, (select(2, close(listed(2, 3, "b.csv") .. " -yq"))))
      local rows = ("id,external_billing_id\n%s,B-1\n%s,OTHER\nUR-none,B-3\n"):format(id(1), id(2))
      local path = folder:write("a.csv", rows)
      local report = folder:path "refused.csv"
      local printed, code = close(path .. " --yes --report " .. report)
      assert.are.same({
        "closed 1, already 0, refused 2, unknown 0, not tried 0", "connect-usage: 2 were refused", 1,
      }, { lines(printed)[6], lines(printed)[7], code }, printed)
      assert.are.equal("id,external_billing_id,external_billing_note,outcome,message\n"
        .. id(2) .. ",OTHER,,refused,it is closed under another billing id (B-2)\n"
        .. "UR-none,B-3,,refused,OBJ_001: Usage record UR-none does not exist\n", folder:read "refused.csv")
      assert.are.equal(1, (select(2, close(report .. " -yq"))))
    end)

    it("shows the first of them where there is no report", function()
      local rows = { "id,external_billing_id" }
      for number = 1, 12 do rows[#rows + 1] = ("UR-none-%02d,B"):format(number) end
      local printed, code = close(folder:write("a.csv", table.concat(rows, "\n")) .. " --yes")
      local all = lines(printed)
      assert.are.same({ 1, "and 2 more; --report lists them" }, { code, all[13] })
      assert.is_truthy(all[3]:find("^refused: UR%-none%-%d%d: OBJ_001: "), all[3])
    end)

    it("exits with 3 where it can't be found out", function()
      sb:configure { faults = {
        { on = BULK, fault = "reset-after", count = "all" },
        { on = "GET /**", fault = "status", status = 500, count = "all" },
      } }
      local path = listed(1, 5)
      assert.are.same({
        "closed 0, already 0, refused 0, unknown 5, not tried 0\n"
          .. "connect-usage: 5 may have been closed or not; find out what became of those that are unknown with: "
          .. "connect-usage close " .. path .. " -yq --retries 0\n", 3,
      }, { close(path .. " -yq --retries 0") })
      sb:configure { faults = {} }
      assert.are.same({ "closed 0, already 5, refused 0, unknown 0, not tried 0\n", 0 }, { close(path .. " -yq") })
      assert.are.equal(5, #bills())
    end)

    it("exits with 7 where the key is refused, which it does not show", function()
      local printed, code = close(listed(1, 950) .. " --yes --workers 2", "ApiKey SU-1:very-secret")
      assert.are.equal(7, code)
      assert.is_truthy(printed:find("\nclosed 0, already 0, refused 0, unknown 0, not tried 950\n", 1, true), printed)
      assert.is_truthy(printed:find("\nconnect-usage: The service refuses the key, or what it may do: "
        .. "POST /usage/records/close-records: 401 AUTH_001: ", 1, true), printed)
      assert.is_nil(printed:find("very-secret", 1, true))
      assert.is_true(requests "POST" <= 2)
    end)

    it("exits with 5 where the service is not there", function()
      sb:configure { listening = false }
      local printed, code = close(listed(1, 300) .. " -yq --retries 0")
      sb:configure { listening = true }
      assert.are.equal(5, code)
      assert.is_truthy(printed:find("^closed 0, already 0, refused 0, unknown 0, not tried 300\n"
        .. "connect%-usage: The service can't be had: [^\n]*; go on with: connect%-usage close [^\n]*\n$"), printed)
    end)

    it("stops where more are refused than may be", function()
      local rows = { "id,external_billing_id" }
      for number = 1, 500 do rows[#rows + 1] = ("UR-none-%d,B"):format(number) end
      local printed, code = close(folder:write("a.csv", table.concat(rows, "\n"))
        .. " -yq --max-refused 20 --batch-size 10 --workers 1 --report " .. folder:path "r.csv")
      assert.are.equal(1, code)
      assert.are.equal("closed 0, already 0, refused 30, unknown 0, not tried 470", lines(printed)[1])
      assert.are.equal(501, #lines(folder:read "r.csv"))
      assert.are.equal(3, requests "POST")
    end)

    it("stops when its time is over, and goes on the next time", function()
      sb:configure { faults = { { on = BULK, fault = "delay", seconds = 0.2, count = "all" } } }
      local path = listed(1, 100)
      local printed, code = close(path .. " -yq --max-duration 0.1 --batch-size 10 --workers 1")
      assert.are.equal(5, code)
      local closed, left = printed:match("^closed (%d+), already 0, refused 0, unknown 0, not tried (%d+)\n"
        .. "connect%-usage: Stopped, because %-%-max%-duration is over; go on with: ")
      assert.are.same({ 100, true }, { closed + left, tonumber(left) > 0 }, printed)
      sb:configure { faults = {} }
      assert.are.same({ ("closed %s, already %s, refused 0, unknown 0, not tried 0\n"):format(left, closed), 0 },
        { close(path .. " -yq") })
    end)
  end)

  describe("with a condition", function()
    it("closes what it finds", function()
      assert.are.equal(0, (select(2, close(listed(1, 990) .. " -yq"))))
      assert.are.same({
        "'status=approved' finds 10 records.\nThe first is " .. id(991) .. ", under R-" .. id(991) .. ".\n"
          .. "closed 10, already 0, refused 0, unknown 0, not tried 0\n", 0,
      }, { close "--where status=approved --billing-id 'R-{id}' --yes" })
      assert.are.equal("R-" .. id(1000), bills()[1000])
    end)

    it("says which can't be closed", function()
      assert.are.equal(0, (select(2, close(listed(1, 2) .. " -yq"))))
      local printed = close "--where 'in(status,(approved,closed))' --billing-id 'R-{id}' --dry-run"
      assert.is_truthy(printed:find("\nNot approved, so that the service will refuse them: 2 closed.\n", 1, true))
      assert.are.equal(1, requests "POST")
    end)

    it("refuses what would find something else than is meant", function()
      for arguments, problem in pairs {
        ["stauts=approved --note n"] = "--where: there is no filter 'stauts'; the nearest known one is 'status'",
        ["status=approved"] = "--where needs --billing-id, or --note, or else --without-billing-id\n",
        ["status=approved --billing-id '{seq}'"] = "--billing-id with {seq} needs --ledger beside --where",
      } do
        local printed, code = close("--where " .. arguments .. " --yes")
        assert.are.equal(2, code)
        assert.are.equal(1, (printed:find("connect-usage: " .. problem, 1, true)), printed)
      end
      assert.are.same({}, sb:requests())
    end)

    it("exits as the service refuses or fails to list", function()
      local _, code = close("--where status=approved --note n --yes", "ApiKey SU-1:wrong")
      assert.are.equal(7, code)
      sb:configure { faults = { { on = "GET /usage/records", fault = "status", status = 503, count = "all" } } }
      local printed
      printed, code = close "--where status=approved --note n --yes --retries 0"
      assert.are.equal(5, code)
      assert.is_truthy(printed:find("^connect%-usage: the list can't be had: .*%. Nothing was sent\n$"), printed)
    end)
  end)

  describe("with a ledger", function()
    -- From the second batch on the service asks to come again later than a call may take.
    local function putOff()
      sb:configure { faults = {
        { on = BULK, fault = "status", status = 503, retryAfter = 3600, nth = 2, count = "all" },
      } }
    end

    local function status(name) return commandline.run("status --quiet --json " .. name) end

    it("goes on where it was stopped, by the same command or by the ledger alone", function()
      local path, name = listed(1, 300), folder:path "run.db"
      putOff()
      local arguments = path .. " -q --yes --ledger " .. name .. " --batch-size 20 --workers 1"
      local printed, code = close(arguments)
      assert.are.same({ "closed 20, already 0, refused 0, unknown 0, not tried 280", 5 }, { lines(printed)[1], code })
      sb:configure { faults = {} }
      assert.are.same({
        name .. " has 300 records, planned " .. cjson.decode((status(name))).created .. ".\nBy " .. name
          .. ", 20 of them are done: closed 20, already 0, refused 0, unknown 0, not tried 280.\n280 would be sent to "
          .. sb.endpoint .. "; nothing was.\n", 0,
      }, { close("--dry-run --ledger " .. name) })
      assert.are.same({ "closed 300, already 0, refused 0, unknown 0, not tried 0\n", 0 }, { close(arguments) })
      assert.are.equal(16, requests "POST")
      assert.are.same({ "closed 300, already 0, refused 0, unknown 0, not tried 0\n", 0 },
        { close("-yq --ledger " .. name) })
      assert.are.equal(16, requests "POST")
      assert.are.equal(300, #bills())
    end)

    it("closes nothing twice and forgets nothing where it was killed", function()
      local path, name = listed(1, 500), folder:path "run.db"
      sb:configure { faults = { { on = BULK, fault = "delay", seconds = 0.1, count = "all" } } }
      for _, signal in ipairs { "KILL", "INT", "KILL", "TERM" } do
        local before = requests "POST"
        local process <close> = startClose(("'%s', '-y', '--ledger', '%s', '--batch-size', '10'"):format(path, name))
        awaitBatches(before)
        os.execute(("kill -%s %s"):format(signal, process.pid))
        process:rest()
      end
      sb:configure { faults = {} }
      local printed, code = close("-yq --ledger " .. name)
      local counts = cjson.decode((status(name)))
      assert.are.same({ 0, 500, 0 }, { code, counts.closed + counts.already, counts.exit_code }, printed)
      assert.are.equal(500, #bills())
    end)

    it("refuses another list than that of the ledger, and a ledger that another run holds", function()
      local name = folder:path "run.db"
      assert.are.equal(0, (select(2, close(listed(1, 20) .. " -yq --ledger " .. name))))
      local count = #sb:requests()
      local printed, code = close(listed(2, 21, "b.csv") .. " -yq --ledger " .. name)
      assert.are.equal(2, code)
      assert.is_truthy(printed:find "^connect%-usage: ledger .*: it holds another list .*%. Nothing was sent\n$")
      printed, code = close(listed(1, 30, "c.csv") .. " -yq --ledger " .. name)
      assert.are.equal(2, code)
      assert.is_truthy(printed:find("c.csv has 30 records, and is another list than that of " .. name, 1, true))
      local l <close> = assert(ledger.open(name, { exclusive = true }))
      assert.are.same({ "connect-usage: ledger " .. name .. ": another run has it\n", 11 },
        { close("-yq --ledger " .. l.driver.name) })
      assert.are.equal(count, #sb:requests())
    end)

    it("refuses for --dry-run what a run would refuse", function()
      local name = folder:path "run.db"
      local path = listed(1, 20)
      assert.are.equal(0, (select(2, close(path .. " -yq --ledger " .. name))))
      local count = #sb:requests()
      for case, problem in pairs {
        [{ listed(2, 21, "b.csv") }] = "b.csv has 20 records, and is another list than that of " .. name,
        [{ path, "ApiKey SU-2:x" }] = "it belongs to another account: it was planned with another key",
        [{ path .. " --endpoint http://127.0.0.1:1/public/v1" }] = "it belongs to another endpoint: " .. sb.endpoint
          .. ", not http://127.0.0.1:1/public/v1 (20 entries, planned ",
        [{ "--endpoint http://127.0.0.1:1/public/v1" }] = "it belongs to another endpoint: ",
      } do
        for _, how in ipairs { " --dry-run", " --yes" } do
          -- A run that begins says it in the words of the ledger.
          local printed, code = close(case[1] .. how .. " --ledger " .. name, case[2])
          assert.are.equal(2, code, printed)
          if how == " --dry-run" then assert.is_truthy(printed:find(problem, 1, true), printed) end
          assert.is_truthy(printed:find "%. Nothing was sent\n$", printed)
        end
      end
      assert.are.equal(count, #sb:requests())
      local printed, code = close(path .. " --dry-run --ledger " .. name)
      assert.are.same({ 0, true }, { code, printed:find("\n0 would be sent to ", 1, true) ~= nil }, printed)
    end)

    it("lets a ledger of which nothing was carried out pass to the right key, with its list", function()
      local name, path = folder:path "run.db", listed(1, 5)
      assert.are.equal(7, (select(2, close(path .. " -yq --ledger " .. name, "ApiKey SU-2:x"))))
      assert.are.equal(2, (select(2, close("-yq --ledger " .. name))))
      assert.are.equal(0, (select(2, close(path .. " --dry-run --ledger " .. name))))
      assert.are.equal(0, (select(2, close(path .. " -yq --ledger " .. name))))
    end)

    it("plans what a condition finds, and goes on with that", function()
      local name = folder:path "run.db"
      putOff()
      local arguments = "--where status=approved --billing-id 'R-{seq}' -yq --workers 1 --ledger " .. name
      local printed, code = close(arguments)
      assert.are.same({ "closed 100, already 0, refused 0, unknown 0, not tried 900", 5 }, { lines(printed)[1], code })
      sb:configure { faults = {} }
      assert.are.same({ "closed 1000, already 0, refused 0, unknown 0, not tried 0\n", 0 }, { close(arguments) })
      local list = bills()
      assert.are.same({ 1000, "R-1", "R-1000" }, { #list, list[1], list[1000] })
      assert.are.same({ "closed 1000, already 0, refused 0, unknown 0, not tried 0\n", 0 }, { close(arguments) })
    end)

    it("makes none where there is nothing to close", function()
      local arguments = "--where status=approved --note n --yes --ledger " .. folder:path "run.db"
      assert.are.equal(0, (select(2, close(listed(1, 1000) .. " -yq"))))
      assert.are.same({
        "'status=approved' finds 0 records.\nThere is nothing to close.\n"
          .. "closed 0, already 0, refused 0, unknown 0, not tried 0\n", 0,
      }, { close(arguments) })
      assert.are.equal(0, (select(2, close(folder:write("b.csv", "id\n") .. " -yq --ledger " .. folder:path "run.db"))))
      assert.are.same({ "a.csv", "b.csv" }, folder:list())
      sb:reset()
      assert.are.equal(0, (select(2, close(arguments))))
      assert.are.equal(1000, #bills())
    end)

    it("refuses a condition that finds what the ledger does not hold", function()
      local name = folder:path "run.db"
      assert.are.equal(0, (select(2, close(listed(1, 20) .. " -yq --ledger " .. name))))
      local printed, code = close("--where status=approved --note n -yq --ledger " .. name)
      assert.are.equal(2, code)
      assert.is_truthy(printed:find "^connect%-usage: 980 of the records are not in .*%. Nothing was sent\n$", printed)
      assert.are.equal(20, #bills())
    end)

    it("refuses a condition whose options make other billing ids or notes than the ledger holds", function()
      local name = folder:path "run.db"
      putOff()
      local arguments = "--where status=approved --yes --workers 1 --batch-size 20 --ledger " .. name
      assert.are.equal(5, (select(2, close(arguments .. " --billing-id 'R-{id}' --note n"))))
      sb:configure { faults = {} }
      for others, difference in pairs {
        ["--billing-id 'OTHER-{id}' --note n"] =
          ("under R-%s, and the options make it under OTHER-%s"):format(id(21), id(21)),
        ["--note n"] = ("under R-%s, and the options make it without a billing id"):format(id(21)),
        ["--billing-id 'R-{id}' --note m"] = "with the note 'n', and the options make it with the note 'm'",
        ["--billing-id 'R-{id}'"] = "with the note 'n', and the options make it without a note",
        ["--billing-id 'R-{seq}' --note m"] = "with the note 'n', and the options make it with the note 'm'",
      } do
        assert.are.same({
          ("connect-usage: %s holds %s %s: go on with that by --ledger alone. Nothing was sent\n"):format(
            name, id(21), difference), 2,
        }, { close(arguments .. " " .. others) })
      end
      assert.are.equal(20, #bills())
      -- Numbers are others the next time.
      local printed, code = close(arguments .. " --billing-id 'X-{seq}' --note n")
      assert.are.equal(0, code)
      local example = ("\nThe first is %s, under R-%s, with the note 'n'.\n"):format(id(21), id(21))
      assert.is_truthy(printed:find(example, 1, true), printed)
      assert.are.equal("R-" .. id(21), bills()[21])
    end)

    it("reports all that it holds", function()
      local name, report = folder:path "run.db", folder:path "r.csv"
      local path = folder:write("a.csv", "id,external_billing_id\nUR-none,B\n" .. id(1) .. ",B-1\n")
      assert.are.equal(1, (select(2, close(path .. " -yq --ledger " .. name))))
      assert.are.equal(1, (select(2, close("-yq --ledger " .. name .. " --report " .. report))))
      assert.is_truthy(folder:read("r.csv"):find("\nUR%-none,B,,refused,[^\n]*OBJ_001[^\n]*\n$"), folder:read "r.csv")
    end)

    it("knows after a second Ctrl-C what is in doubt", function()
      local name = folder:path "run.db"
      sb:configure { faults = { { on = BULK, fault = "hang", nth = 2, count = "all" } } }
      local arguments = ("'%s', '-y', '--ledger', '%s', '--batch-size', '10', '--workers', '2'"):format(
        listed(1, 200), name)
      local process <close> = startClose(arguments)
      awaitBatches()
      process:interrupt()
      repeat local line = process:line() until line:find "^Interrupted: "
      process:interrupt()
      local printed = process:rest()
      assert.is_truthy(printed:find("closed 10, already 0, refused 0, unknown 20, not tried 170\n", 1, true), printed)
      sb:configure { faults = {} }
      assert.are.equal(0, (select(2, close("-yq --ledger " .. name))))
      assert.are.equal(200, #bills())
    end)
  end)

  describe("with --json", function()
    it("prints an object a line, the summary last", function()
      sb:configure { faults = { { on = BULK, fault = "delay", seconds = 0.1, count = "all" } } }
      local list = objects((close(listed(1, 3) .. " --yes --json --quiet")))
      assert.are.same({ message_type = "status", endpoint = sb.endpoint, total = 3, done = 0 }, list[1])
      assert.are.equal("status", list[2].message_type)
      assert.are.same({
        message_type = "summary", total = 3, closed = 3, already = 0, refused = 0, unknown = 0, notTried = 0,
        exit_code = 0,
      }, list[#list])
    end)

    it("prints what went wrong, too", function()
      local path = folder:write("a.csv", "id,external_billing_id\nUR-none,B\n")
      local list = objects((close(path .. " -yq --json")))
      assert.are.same({ "error", "1 were refused", 1 },
        { list[#list - 1].message_type, list[#list - 1].message, list[#list - 1].exit_code })
      assert.are.same({ "summary", 1, 1 }, { list[#list].message_type, list[#list].refused, list[#list].exit_code })
      list = objects((close("none.csv -y --json")))
      assert.are.same({
        { message_type = "error", message = "none.csv: No such file or directory", exit_code = 2 },
      }, list)
    end)

    it("is read by other programs", function()
      local program = "jq -rs '(map(.message_type) | unique | join(\":\")), .[-1].message_type, .[-1].closed'"
      assert.are.equal("status:summary\nsummary\n3\n", (close(listed(1, 3) .. " -yq --json | " .. program)))
    end)
  end)

  describe("when it is interrupted", function()
    -- Starts a run of many small batches, of which each takes a while.
    local function start(arguments, fault)
      sb:configure { faults = { fault or { on = BULK, fault = "delay", seconds = 0.3, count = "all" } } }
      local path = listed(1, 900)
      local process = startClose(("'%s', '-y', '--batch-size', '5', '--workers', '2' %s"):format(path, arguments))
      awaitBatches()
      return process, path
    end

    for _, signal in ipairs { "INT", "TERM" } do
      it("by SIG" .. signal .. " finishes what is in flight, and says how to go on", function()
        local process <close>, path = start ""
        assert(os.execute(("kill -%s %s"):format(signal, process.pid)))
        local printed = process:rest()
        local closed, rest = printed:match "\nclosed (%d+), already 0, refused 0, unknown 0, not tried (%d+)\n"
        assert.are.same({ tostring(#bills()), 900 }, { closed, tonumber(closed) + tonumber(rest) }, printed)
        assert.is_truthy(printed:find("\nInterrupted: what is in flight is finished.", 1, true))
        assert.is_truthy(printed:find("\nconnect-usage: Interrupted; go on with: connect-usage close " .. path
          .. " -y --batch-size 5 --workers 2\n", 1, true), printed)
        assert.is_true(tonumber(closed) < 900)
      end)
    end

    it("while it checks or lists ends at once, and has sent nothing", function()
      local rows = { "id,external_billing_id" }
      for number = 1, 400000 do rows[number + 1] = ("UR-%d,B-%d"):format(number, number) end
      local path = folder:write("a.csv", table.concat(rows, "\n"))
      sb:configure { faults = { { on = "GET /usage/records", fault = "hang", count = "all" } } }
      for arguments, isUnderWay in pairs {
        [path] = function(pipe) assert.are.equal("100000 entries checked so far", pipe:read "l") end,
        ["--where status=approved --note n"] = function()
          repeat cqueues.sleep(0.01) until requests "GET" > 0
        end,
      } do
        for _, signal in ipairs { "INT", "TERM" } do
          sb:reset()
          local pipe <close> = assert(io.popen(("%s lua5.4 bin/connect-usage close %s -y 2>&1 & echo $!; wait $!; "
            .. "echo exit $?"):format(environment(), arguments)))
          local pid = pipe:read "l"
          isUnderWay(pipe)
          assert(os.execute(("kill -%s %s"):format(signal, pid)))
          assert.are.equal("connect-usage: Interrupted. Nothing was sent\nexit 130\n", pipe:read "a")
          assert.are.equal(0, requests "POST")
        end
      end
    end)

    it("twice stops at once, and says what it does not know", function()
      local process <close> = start(", '--report', 'none.csv'", { on = BULK, fault = "hang", nth = 2, count = "all" })
      process:interrupt()
      repeat local line = process:line() until line:find "^Interrupted: "
      process:interrupt()
      local printed = process:rest()
      assert.is_truthy(printed:find("closed 5, already 0, refused 0, unknown 10, not tried 885\n", 1, true), printed)
      assert.is_nil(io.open "none.csv")
      assert.is_nil(io.open "none.csv.partial")
    end)
  end)

  describe("on a terminal", function()
    local function session(arguments)
      return pty.start(("top=$(pwd); cd %s; %s TERM=xterm lua5.4 $top/bin/connect-usage close %s"):format(
        folder.root, environment(), arguments))
    end

    it("asks first; Enter alone is no", function()
      listed(1, 3)
      local shown <close> = session "a.csv"
      shown:await("a.csv has 3 records.\nThe first is " .. id(1) .. ", under B-1.\n")
      shown:await("Close 3 records at " .. sb.endpoint .. "? [y/N] ")
      shown:type "\n"
      local screen, code = shown:rest()
      assert.are.equal(2, code)
      assert.is_truthy(screen:find("\nconnect-usage: Nothing was sent\n", 1, true), screen)
      assert.are.same({}, sb:requests())
    end)

    it("shows a bar, until all is done", function()
      sb:configure { faults = { { on = BULK, fault = "delay", seconds = 0.1, count = "all" } } }
      listed(1, 200)
      local shown <close> = session "a.csv --batch-size 20 --workers 2"
      shown:await "[y/N] "
      shown:type "y\n"
      local screen, code = shown:rest()
      assert.are.equal(0, code)
      local drawn, last = 0, nil
      for bar in screen:gmatch "\r\27%[%?7l(%[[#-]+%] +%d+%%  %d+ of 200[^\27]*)\27%[K\27%[%?7h" do
        drawn, last = drawn + 1, bar
      end
      assert.is_true(drawn >= 3, screen)
      assert.is_truthy(last:find("^%[####################%] 100%%  200 of 200  %d+/s$"), last)
      assert.is_truthy(screen:find("\nclosed 200, already 0, refused 0, unknown 0, not tried 0\n$"), screen)
    end)

    it("shows what is wrong with an input", function()
      folder:write("a.csv", "id;external_billing_id\nUR-1;B-1\n")
      local shown <close> = session "a.csv"
      local screen, code = shown:rest()
      assert.are.same({
        "connect-usage: a.csv, line 1, column 1: the header has no column 'id', only 'id;external_billing_id'; "
          .. "fields are separated by commas. Nothing was sent\n", 2,
      }, { screen, code })
    end)

    it("is stopped by Ctrl-C", function()
      sb:configure { faults = { { on = BULK, fault = "delay", seconds = 0.3, count = "all" } } }
      listed(1, 900)
      local shown <close> = session "a.csv -y --batch-size 5 --workers 2"
      awaitBatches()
      shown:type "\3"
      shown:await "Interrupted: what is in flight is finished. Once more stops at once.\n"
      local screen, code = shown:rest()
      assert.are.equal(130, code)
      assert.is_truthy(screen:find("\nconnect-usage: Interrupted; go on with: "
        .. "connect-usage close a.csv -y --batch-size 5 --workers 2\n", 1, true), screen)
    end)
  end)

  it("has examples in its help", function()
    local printed, code = close "--help"
    assert.are.equal(0, code)
    local examples = printed:match("\nExamples:\n(.*)$"):gsub("\\\n +", "")
    -- Each is a command line as it should be: what it names is not there.
    for line in examples:gmatch "   ([^\n]*)\n" do
      local rest, count = line:gsub("^.*connect%-usage close ", "")
      assert.are.equal(1, count, line)
      local told = close(rest .. " --dry-run --report none/r.csv --retries 0 </dev/null")
      assert.is_nil(told:find("see --help", 1, true), told)
    end
    for _, line in ipairs(lines(printed)) do assert.is_true(#line < 80, line) end
  end)
end)
