local cqueues = require "cqueues"

local commandline = require "spec.support.commandline"
local folders = require "spec.support.folder"
local scene = require "spec.support.scene"

teardown(scene.finish)

local ID <const> = "UFC-2026-01-0000-0000-001"

describe("connect-usage download", function()
  local s, folder, path

  before_each(function()
    s, folder = scene.start(), folders.make()
    path = folder:path "a file.xlsx"
  end)

  after_each(function()
    folder:stop()
    s:stop()
  end)

  local function download(arguments, behind)
    return commandline.streams("download " .. arguments, commandline.to(s.sandbox), behind)
  end

  local function requested() return s:requests() end

  it("writes a chunk's spreadsheet into a file", function()
    assert.are.same({ "", ("16384 bytes in %s\n"):format(path), 0 }, { download(("%s -o '%s'"):format(ID, path)) })
    assert.are.equal(s.sandbox:download(ID).sha256, folders.sha256(folder:read "a file.xlsx"))
    assert.are.same({ "GET /usage/chunks/" .. ID .. "/download" }, requested())
  end)

  it("prints it where no file is named", function()
    for _, output in ipairs { "", "-o -" } do
      local printed, said, code = download(ID .. " " .. output)
      assert.are.same({ s.sandbox:download(ID).sha256, "", 0 }, { folders.sha256(printed), said, code })
    end
  end)

  it("downloads the files of a reconciliation", function()
    local made = assert(s.client.usageReconciliations:create { name = "r.xlsx", content = "PK" })
    s.start = #s.sandbox:requests() + 1
    assert.are.same({ "PK", "", 0 }, { download(made.id .. " --reconciliation uploaded") })
    assert.are.equal(0, select(3, download(made.id .. " --reconciliation processed")))
    local base = "GET /usage/reconciliations/" .. made.id
    assert.are.same({ base .. "/uploadedfile", base .. "/processedfile" }, requested())
  end)

  it("overwrites a file only where it is told so", function()
    folder:write("a file.xlsx", "old")
    assert.are.same({ "", ("connect-usage: %s is there already; --force overwrites it\n"):format(path), 2 },
      { download(("%s -o '%s'"):format(ID, path)) })
    assert.are.equal("old", folder:read "a file.xlsx")
    assert.are.same({}, requested())
    assert.are.equal(0, select(3, download(("%s --force -o '%s'"):format(ID, path))))
    assert.are.equal(16384, #folder:read "a file.xlsx")
  end)

  it("leaves no file where it fails, and what was there as it was", function()
    s.sandbox:configure { faults = { { on = "GET /usage/chunks/*/download", fault = "truncate", count = "all" } } }
    folder:write("old.xlsx", "old")
    assert.are.equal(5, select(3, download(("%s --retries 1 -o '%s'"):format(ID, path))))
    assert.are.equal(5, select(3, download(("%s --retries 1 -fo '%s'"):format(ID, folder:path "old.xlsx"))))
    s.sandbox:configure { faults = {} }
    assert.are.same({ "old.xlsx" }, folder:list())
    assert.are.equal("old", folder:read "old.xlsx")
  end)

  for _, signal in ipairs { "INT", "TERM" } do
    it("leaves no file where SIG" .. signal .. " interrupts it", function()
      s.sandbox:configure { faults = {
        { on = "GET /usage/chunks/*/download", fault = "slow", bytes = 100, seconds = 0.05, count = "all" } } }
      local pipe <close> = assert(io.popen(("%s lua5.4 bin/connect-usage download %s -o '%s' 2>&1 &"
        .. " echo $!; wait $!; echo exit $?"):format(commandline.to(s.sandbox), ID, path)))
      local pid = pipe:read "l"
      while #folder:list() == 0 do cqueues.sleep(0.01) end
      assert(os.execute(("kill -%s %s"):format(signal, pid)))
      assert.are.equal("exit 130\n", pipe:read "a")
      s.sandbox:configure { faults = {} }
      assert.are.same({}, folder:list())
    end)
  end

  it("says that what it printed is not whole", function()
    s.sandbox:configure { faults = { { on = "GET /usage/chunks/*/download", fault = "truncate", count = "all" } } }
    local printed, said, code = download(ID)
    s.sandbox:configure { faults = {} }
    assert.are.same({ 5, 8192 }, { code, #printed })
    assert.is_truthy(said:find("^connect%-usage: GET [^\n]*; what was printed is not whole\n$"), said)
  end)

  it("says what is wrong before it asks for anything", function()
    for arguments, problem in pairs {
      ["a/b"] = "'a/b' is no id (see --help)",
      ["UF-2026-01-0000-0000"] = "UF-2026-01-0000-0000 is a usage file, which the service gives out in chunks: "
        .. "connect-usage chunks --where usagefile.id=UF-2026-01-0000-0000",
      [ID .. " -o ''"] = "--output must be a file, not '' (see --help)",
    } do
      assert.are.same({ "", "connect-usage: " .. problem .. "\n", 2 }, { download(arguments) })
    end
    local pipe <close> = assert(io.popen(("%s script -qec 'lua5.4 bin/connect-usage download %s' /dev/null")
      :format(commandline.to(s.sandbox), ID)))
    assert.are.equal("connect-usage: a spreadsheet is nothing for a terminal; give -o FILE\r\n", pipe:read "a")
    assert.are.same({}, requested())
  end)

  it("says what can't be had, or written", function()
    assert.are.same({ "", "connect-usage: GET /usage/chunks/UFC-0/download: 404 OBJ_001: Usage chunk UFC-0 does not "
      .. "exist\n", 1 }, { download("UFC-0 -o '" .. path .. "'") })
    assert.are.same({ "", ("connect-usage: GET /usage/chunks/%s/download: can't write '/none/x': No such file or "
      .. "directory\n"):format(ID), 1 }, { download(ID .. " -o /none/x") })
    assert.are.same({ "", "connect-usage: the output can't be written: No space left on device\n", 1 },
      { download(ID, ">/dev/full") })
    local environment = "trap '' PIPE; " .. commandline.to(s.sandbox)
    s.sandbox:configure { downloadBytes = 1000000 }      -- more than a pipe holds
    assert.are.same({ "", "", 141 }, { commandline.streams("download " .. ID, environment, "| true") })
    s.sandbox:configure { downloadBytes = 16384 }
    assert.are.same({}, folder:list())
  end)
end)
