-- examples/usage-run.lua, step by step: what the service has after each, and what the user reads.

local connect = require "cloudblue.connect"
local folders = require "spec.support.folder"
local sandbox = require "cloudblue.connect.sandbox"

local EXAMPLE = "examples/usage-run.lua"
local FILE, FIRST_CHUNK, SECOND_CHUNK = "UF-2026-01-0000-0004", "UFC-2026-01-0000-0004-001", "UFC-2026-01-0000-0004-002"
local SHEET = "PK\3\4\r\n\0 a spreadsheet of January"

local steps = assert(loadfile(EXAMPLE))("steps")

local function recordId(index)
  return ("UR-2026-01-0000-0004-0000-%04d"):format(index)
end

--- Runs a command and gives its output and exit status.
local function shell(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read("a")
  local _, _, code = pipe:close()
  return output, code
end

describe("a usage run", function()
  local sb, folder, run

  setup(function()
    sb = assert(sandbox.start { records = 4, uploadRecords = 3 })
  end)

  teardown(function()
    sb:stop()
  end)

  before_each(function()
    sb:configure { uploadReads = 0, faults = {}, uploadRecords = 3 }
    sb:reset()
    folder = folders.make()
    run = {
      client = connect.ConnectClient(sb.endpoint, sb.apiKey),
      product = "PRD-000-000-002",
      contract = "CRD-11111-22222-33333",
      spreadsheet = folder:write("january.xlsx", SHEET),
      folder = folder.root,
      bill = "BILL-1",
      pauses = 0,
      pause = function() run.pauses = run.pauses + 1 end,
    }
  end)

  after_each(function()
    run.client:close()
    folder:stop()
    assert.same({}, sb:problems())
  end)

  --- Carries out the first steps, up to the one of this title. Gives the lines that it told, and what it changed: the
  --- journal's entries of this step, as "action kind id".
  local function upTo(title)
    for _, step in ipairs(steps) do
      local from = #sb:journal() + 1
      local lines = step.action(run)
      if step.title == title then
        local changes = {}
        for index, entry in ipairs(sb:journal(from)) do
          changes[index] = ("%s %s %s"):format(entry.action, entry.kind, entry.id)
        end
        return lines, changes
      end
    end
    error("no step: " .. title)
  end

  local function recordStates()
    local states = {}
    for index = 1, 3 do
      local record = sb:record(recordId(index))
      states[index] = record and record.status or "none"
    end
    return table.concat(states, " ")
  end

  it("has these steps", function()
    local titles = {}
    for index, step in ipairs(steps) do titles[index] = step.title end
    assert.same({
      "Create a usage file", "Upload the spreadsheet", "Submit it", "Accept it",
      "List the records that are to be billed", "Download the chunks", "Close the records", "Close the chunks",
      "Reconcile",
    }, titles)
  end)

  it("begins with a draft", function()
    local lines, changes = upTo "Create a usage file"
    local file = sb:file(FILE)
    assert.equal("draft", file.status)
    assert.equal("Usage of January", file.name)
    assert.equal("run-2026-01", file.external_id)
    assert.equal("PRD-000-000-002", file.product.id)
    assert.equal("CRD-11111-22222-33333", file.contract.id)
    assert.same({ from = "2026-01-01", to = "2026-01-31" }, file.period)
    assert.equal("USD", file.currency)
    assert.same({ "create file " .. FILE }, changes)
    assert.same({ FILE .. " for product PRD-000-000-002" }, lines)
    assert.equal("none none none", recordStates())
  end)

  it("uploads the spreadsheet, byte for byte", function()
    local lines, changes = upTo "Upload the spreadsheet"
    local upload = sb:upload(FILE)
    assert.equal("usage_file", upload.part)
    assert.equal("january.xlsx", upload.filename)
    assert.equal(#SHEET, upload.size)
    assert.equal(folders.sha256(SHEET), upload.sha256)
    assert.equal("ready", sb:file(FILE).status)
    assert.equal("valid valid valid", recordStates())
    assert.same({ "upload file " .. FILE }, changes)
    assert.matches("^%d+ bytes sent$", lines[1])
    assert.equal(FILE .. " is ready: 3 records valid, 0 invalid", lines[2])
    assert.equal(0, run.pauses)
  end)

  it("waits until the spreadsheet was read", function()
    sb:configure { uploadReads = 4 }
    upTo "Upload the spreadsheet"
    assert.equal("ready", sb:file(FILE).status)
    assert.equal(3, run.pauses)
  end)

  it("stops where the spreadsheet is none", function()
    run.spreadsheet = folder:write("january.csv", SHEET)
    local ok, problem = pcall(upTo, "Upload the spreadsheet")
    assert.is_false(ok)
    assert.equal(FILE .. " is invalid: The file is no XLSX spreadsheet", problem)
  end)

  it("submits it", function()
    local lines, changes = upTo "Submit it"
    assert.equal("pending", sb:file(FILE).status)
    assert.equal("valid valid valid", recordStates())
    assert.is_nil(sb:chunk(FIRST_CHUNK))
    assert.same({ "submit file " .. FILE }, changes)
    assert.same({ FILE .. " is pending" }, lines)
  end)

  it("accepts it, and its records are approved", function()
    local lines, changes = upTo "Accept it"
    assert.equal("accepted", sb:file(FILE).status)
    assert.equal("checked against the contract", sb:file(FILE).acceptance_note)
    assert.equal("approved approved approved", recordStates())
    assert.equal("ready", sb:chunk(FIRST_CHUNK).status)
    assert.same({ "accept file " .. FILE }, changes)
    assert.same({ FILE .. " is accepted: checked against the contract" }, lines)
  end)

  it("lists the records of that file, and no other's", function()
    local lines, changes = upTo "List the records that are to be billed"
    assert.equal(3, #run.records)
    for index, record in ipairs(run.records) do
      assert.equal(recordId(index), record.id)
      assert.equal(FILE, record.usagefile.id)
      assert.equal(("%s  %s %s of %s"):format(record.id, record.usage, record.item.unit, record.item.name),
        lines[index])
    end
    assert.same({}, changes)
  end)

  it("lists them all where there are many", function()
    sb:configure { uploadRecords = 250 }
    upTo "List the records that are to be billed"
    assert.equal(250, #run.records)
    assert.equal(recordId(250), run.records[250].id)
  end)

  it("downloads both chunks", function()
    local lines, changes = upTo "Download the chunks"
    for index, id in ipairs { FIRST_CHUNK, SECOND_CHUNK } do
      local bytes = folder:read(id .. ".xlsx")
      assert.equal(sb:download(id).size, #bytes)
      assert.equal(sb:download(id).sha256, folders.sha256(bytes))
      assert.equal(("%s  16384 bytes in %s"):format(id, folder:path(id .. ".xlsx")), lines[index])
    end
    assert.same({ FIRST_CHUNK .. ".xlsx", SECOND_CHUNK .. ".xlsx", "january.xlsx" }, folder:list())
    assert.same({}, changes)
  end)

  it("closes each record once, under a billing id of its own", function()
    local lines, changes = upTo "Close the records"
    assert.equal("closed closed closed", recordStates())
    local expected = {}
    for index = 1, 3 do
      local record = sb:record(recordId(index))
      assert.equal("BILL-1-" .. index, record.external_billing_id)
      assert.equal("usage of January", record.external_billing_note)
      assert.equal(("%s  closed, billed as BILL-1-%d"):format(record.id, index), lines[index])
      expected[index] = "close record " .. record.id
    end
    assert.same(expected, changes)
    assert.equal("approved", sb:record("UR-2026-01-0000-0000-0000-0001").status)
    assert.equal("ready", sb:chunk(FIRST_CHUNK).status)
  end)

  it("closes each record once where the replies get lost", function()
    run.client:close()
    run.client = connect.ConnectClient(sb.endpoint, sb.apiKey)
    sb:configure { faults = { { on = "POST /usage/records/*/close", fault = "reset-after", nth = 2 } } }
    local _, changes = upTo "Close the records"
    assert.equal(3, #changes)
    assert.equal("closed closed closed", recordStates())
  end)

  it("stops at a record that can't be closed", function()
    sb:configure { faults = {
      { on = "POST /usage/records/*/close", fault = "status", status = 400, nth = 2, count = "all" },
    } }
    local ok, failure = pcall(upTo, "Close the records")
    assert.is_false(ok)
    assert.matches("^POST /usage/records/" .. recordId(2):gsub("%-", "%%-") .. "/close: 400", tostring(failure))
    assert.equal("closed approved approved", recordStates())
  end)

  it("closes the chunks", function()
    local lines, changes = upTo "Close the chunks"
    for index, id in ipairs { FIRST_CHUNK, SECOND_CHUNK } do
      assert.equal("closed", sb:chunk(id).status)
      assert.equal("BILL-1-C" .. index, sb:chunk(id).external_billing_id)
      assert.equal(("%s  closed, billed as BILL-1-C%d"):format(id, index), lines[index])
    end
    assert.same({ "close chunk " .. FIRST_CHUNK, "close chunk " .. SECOND_CHUNK }, changes)
    assert.equal("ready", sb:chunk("UFC-2026-01-0000-0000-001").status)
  end)

  it("reconciles each chunk with the spreadsheet that was downloaded", function()
    local lines, changes = upTo "Reconcile"
    for index, id in ipairs { FIRST_CHUNK, SECOND_CHUNK } do
      local made = assert(run.client.usageReconciliations:get("RCN-2026-01-000" .. index))
      assert.equal(id, made.partusagefile.id)
      assert.equal("billed as BILL-1", made.notes.uploaded)
      local upload = sb:upload(made.id)
      assert.equal("recon_file", upload.part)
      assert.equal(id .. ".xlsx", upload.filename)
      assert.equal(sb:download(id).sha256, upload.sha256)
      assert.equal(("%s  processed, for %s"):format(made.id, id), lines[index])
    end
    assert.same({ "create reconciliation RCN-2026-01-0001", "create reconciliation RCN-2026-01-0002" }, changes)
  end)

  describe("from the command line", function()
    --- Runs the example with these variables, for its downloads a folder of the spec's.
    local function runExample(variables, argument)
      return shell(("%s TMPDIR='%s' %s %s %s"):format(
        variables, folder.root, os.getenv("LUA") or "lua5.4", EXAMPLE, argument or ""))
    end

    it("runs against the service that the environment names", function()
      local environment = ("CONNECT_ENDPOINT='%s' CONNECT_API_KEY='%s'"):format(sb.endpoint, sb.apiKey)
      local output, code = runExample(environment, "'" .. run.spreadsheet .. "'")
      assert.equal(0, code)
      assert.matches("A usage run at " .. sb.endpoint, output, 1, true)
      for number, step in ipairs(steps) do assert.matches(number .. ". " .. step.title, output, 1, true) end
      assert.matches("The run is complete.\n$", output)
      assert.equal(folders.sha256(SHEET), sb:upload(FILE).sha256)
      assert.equal("closed closed closed", recordStates())
    end)

    it("runs against a local Connect of its own where the environment names none", function()
      local output, code = runExample("env -u CONNECT_ENDPOINT -u CONNECT_API_KEY")
      assert.equal(0, code)
      assert.matches("^A usage run at http://127%.0%.0%.1:%d+/public/v1\n", output)
      assert.matches("The run is complete.\n$", output)
      assert.same({}, sb:requests())
    end)

    it("says where it stopped, in a line, and fails", function()
      local environment = ("CONNECT_ENDPOINT='%s' CONNECT_API_KEY='wrong'"):format(sb.endpoint)
      local output, code = runExample(environment)
      assert.equal(1, code)
      assert.matches("1. Create a usage file\n   POST /usage/files: 401 AUTH_001: ", output, 1, true)
      assert.matches("The run stopped here.\n$", output)
      assert.is_nil(output:find("2. ", 1, true))
    end)
  end)
end)
