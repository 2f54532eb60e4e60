local commandline = require "spec.support.commandline"
local folders = require "spec.support.folder"
local json = require "cloudblue.connect.sandbox.json"
local scene = require "spec.support.scene"

teardown(scene.finish)

local ID <const> = "UF-2026-01-0000-0003"

describe("connect-usage upload", function()
  local s, folder, path

  before_each(function()
    s, folder = scene.start(), folders.make()
    path = folder:write("usage.xlsx", "PK the bytes of a spreadsheet")
  end)

  after_each(function()
    s.sandbox:configure { faults = {}, uploadReads = 0 }
    folder:stop()
    s:stop()
  end)

  local function upload(arguments, behind)
    -- A session without a terminal: nobody can be asked.
    return commandline.streams("upload " .. arguments, commandline.to(s.sandbox) .. " setsid -w", behind)
  end

  local function toFile(arguments) return upload(("%s %s --yes %s"):format(ID, path, arguments or "")) end
  local function toNew(arguments, behind)
    return upload(("new %s --yes --product PRD-000-000-001 --contract CRD-1 %s"):format(path, arguments or ""), behind)
  end

  it("uploads to a usage file, and prints its id", function()
    assert.are.same({ ID .. "\n", "", 0 }, { toFile() })
    local uploaded = s.sandbox:upload(ID)
    assert.are.same({ "usage.xlsx", folders.sha256 "PK the bytes of a spreadsheet" },
      { uploaded.filename, uploaded.sha256 })
    local printed = toFile "--json"
    assert.are.equal("ready", json.decode(printed).status)
  end)

  it("makes the usage file first where it is new", function()
    local printed, said, code = toNew("--name January --description all --external-id E-1 --currency USD "
      .. "--period 2026-01-01/2026-01-31")
    local id = printed:match "^(UF%S+)\n$"
    assert.are.same({ ("connect-usage: the usage file %s was made\n"):format(id), 0 }, { said, code })
    local file = s.sandbox:file(id)
    assert.are.same({ "January", "all", "E-1", "USD", "2026-01-01", "2026-01-31", "PRD-000-000-001", "CRD-1",
      "ready" }, {
      file.name, file.description, file.external_id, file.currency, file.period.from, file.period.to, file.product.id,
      file.contract.id, file.status,
    })
    assert.are.equal("usage.xlsx", s.sandbox:file(toNew():match "^(UF%S+)\n$").name)
  end)

  it("waits for the service to read it, where it is told so", function()
    s.sandbox:configure { uploadReads = 2 }
    assert.are.same({ ID .. "\n", "", 0 }, { toFile "--wait 60" })
    assert.are.equal("ready", s.sandbox:file(ID).status)
    s.sandbox:configure { uploadReads = 1000 }
    assert.are.same({ ID .. "\n", ("connect-usage: %s is still uploading; connect-usage upload does not wait any "
      .. "longer\n"):format(ID), 5 }, { toFile "--wait 0.1" })
    s.sandbox:configure { uploadReads = 0 }
    local bad, other = folder:write("usage.txt", "PK"), "UF-2026-01-0000-0001"
    assert.are.same({ other .. "\n", ("connect-usage: %s is invalid: The file is no XLSX spreadsheet\n"):format(other),
      1 }, { upload(("%s %s --yes --wait 60"):format(other, bad)) })
  end)

  it("asks on a terminal", function()
    local function answered(answer)
      local command = "echo %s | %s script -qec 'lua5.4 bin/connect-usage upload %s %s; echo $?' /dev/null"
      local pipe <close> = assert(io.popen(command:format(answer, commandline.to(s.sandbox), ID, path)))
      return pipe:read "a"
    end
    local question = ("Upload %s (29 bytes) to %s at %s? [y/N] "):format(path, ID, s.sandbox.endpoint)
    local text = answered "n"
    assert.is_truthy(text:find(question, 1, true), text)
    assert.is_truthy(text:find("connect-usage: Nothing was sent\r\n2\r\n", 1, true), text)
    assert.is_nil(s.sandbox:upload(ID))
    text = answered "y"
    assert.is_truthy(text:find(ID .. "\r\n0\r\n", 1, true), text)
    assert.is_truthy(s.sandbox:upload(ID))
  end)

  it("sends nothing where nobody can be asked, or the command line is wrong", function()
    local empty = folder:write("empty.xlsx", "")
    for arguments, problem in pairs {
      [ID .. " " .. path] = "there is no terminal to ask at: give --yes to upload",
      [ID .. " --yes ''"] = "XLSX must be a file, not '' (see --help)",
      [ID .. " --yes " .. empty] = empty .. ": it is empty",
      [ID .. " --yes /none.xlsx"] = "/none.xlsx: No such file or directory",
      [ID .. " --yes " .. folder.root] = folder.root .. ": it is no file",
      [ID .. " --yes --name x " .. path] = "--name is for a new usage file, not for " .. ID,
      ["new --yes --contract CRD-1 " .. path] = "a new usage file needs --product",
      ["new --yes --product PRD-1 " .. path] = "a new usage file needs --contract",
      ["new --yes --product P --contract C --period 2026-02-01/2026-01-31 " .. path] = "--period must be FROM/TO, two "
        .. "dates in order, not '2026-02-01/2026-01-31'",
    } do
      assert.are.same({ "", "connect-usage: " .. problem .. "\n", 2 }, { upload(arguments) })
    end
    assert.are.same({}, s:requests())
  end)

  it("tells what surely failed from what may have arrived", function()
    local function code(rule, ...)
      rule.on, rule.count = "POST /usage/files/*/upload", "all"
      s.sandbox:configure { faults = { rule } }
      return (select(3, toFile(...)))
    end
    assert.are.equal(7, code { fault = "status", status = 403 })
    assert.are.equal(5, code({ fault = "status", status = 429, retryAfter = 1 }, "--retries 0"))
    assert.are.equal(3, code { fault = "reset-after" })
    assert.are.equal(3, code { fault = "status", status = 502 })
    s.sandbox:configure { faults = {} }
    local _, said, last = upload(("UF-2026-01-0000-0000 %s --yes"):format(path))
    assert.are.same({ 1, "connect-usage: POST /usage/files/UF-2026-01-0000-0000/upload: 400 STATE_001: Usage file "
      .. "UF-2026-01-0000-0000 can't be uploaded: its status is accepted\n" }, { last, said })
  end)

  it("says that no usage file was made, or that what came of it can't be read", function()
    for rule, code in pairs {
      [{ on = "POST /usage/files", fault = "status", status = 403 }] = 7,
      [{ on = "POST /usage/files", fault = "reset-after", count = "all" }] = 3,
      [{ on = "POST /usage/files", fault = "empty" }] = 3,
    } do
      s.sandbox:configure { faults = { rule } }
      local printed, said, last = toNew()
      assert.are.same({ "", code }, { printed, last })
      assert.is_nil(said:find("was made\n", 1, true))
    end
    s.sandbox:configure { faults = { { on = "GET /usage/files/*", fault = "status", status = 401 } } }
    assert.are.equal(7, select(3, toFile "--wait 60"))
  end)

  it("names a usage file that was made for nothing", function()
    s.sandbox:configure { faults = { { on = "POST /usage/files/*/upload", fault = "reset-before", count = "all" } } }
    local printed, said, code, _ = toNew()
    local id = said:match "the usage file (UF%S+) was made\n"
    assert.are.same({ "", 3 }, { printed, code })
    assert.is_truthy(said:find("connect%-usage: POST [^\n]*" .. id:gsub("%-", "%%-") .. "[^\n]*\n$"), said)
    s.sandbox:configure { faults = {} }
    _, said, code = toNew("", ">/dev/full")
    id = said:match "the usage file (UF%S+) was made\n"
    assert.are.same({ ("connect-usage: the usage file %s was made\n"
      .. "connect-usage: the output can't be written: No space left on device; the usage file is %s\n"):format(id, id),
      1 }, { said, code })
  end)
end)
