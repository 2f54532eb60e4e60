-- examples/host_poll.c: a program with a poll loop of its own, whose scripts' calls wait in it.

local folders = require "spec.support.folder"
local loops = require "spec.support.loops"
local loopservice = require "spec.support.loopservice"

-- The program lies in the folder where the module under test was built.
local core = assert(package.searchpath("cloudblue.connect.core", package.cpath))
local PROGRAM <const> = core:gsub("/lib/cloudblue/connect/core%.so$", "/examples/host_poll")

-- What runs the program in the place of the system: valgrind with its options, or nothing.
local HOST <const> = os.getenv "TEST_HOST" or ""
local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

local function run(environment, arguments)
  local command = "%s timeout -k 5 %d %s '%s' %s 2>&1 </dev/null"
  local pipe <close> = assert(io.popen(command:format(environment, 60 * SLOWNESS, HOST, PROGRAM, arguments)))
  local printed = pipe:read("a")
  return printed, (pipe:close()) == true
end

describe("in the loop of a program in C", function()
  loops.inProgram(function(environment) return run(environment, "spec/support/hostscript.lua") end)

  it("calls in flight do not keep the program from ending", function()
    local raw <close> = loopservice.start()
    local folder <close> = folders.make()
    local script = folder:write("script.lua", ([[
      local client = require("cloudblue.connect").ConnectClient("%s/hang/v1", "ApiKey SU-000-000-000:x")
      client:attach(loop)
      for i = 1, 3 do spawn(function() print(client.usageRecords:close("UR-" .. i, "B-1")) end) end
      sleep(0.1)
      quit()
    ]]):format(raw.url))
    local printed, ended = run(loops.environment(), script)
    assert.is_true(ended, printed)
    assert.equal(3, raw:account().hanging)
    assert.matches("^%d+ ticks", printed)
  end)

  it("a script that fails ends with its traceback, and the others go on", function()
    local raw <close> = loopservice.start()
    local folder <close> = folders.make()
    local script = folder:write("script.lua", ([[
      local client = require("cloudblue.connect").ConnectClient("%s/slow/v1", "ApiKey SU-000-000-000:x")
      client:attach(loop)
      local function closeAndFail()
        local guard <close> = setmetatable({}, { __close = function() print("the guard is closed") end })
        assert(client.usageRecords:close("UR-1", "B-1"))
        error("a mistake of the script")
      end
      spawn(function() closeAndFail() end)
      for i = 2, 4 do spawn(function() print(assert(client.usageRecords:close("UR-" .. i, "B-1"))) end) end
    ]]):format(raw.url))
    local printed, ended = run(loops.environment(), script)
    assert.is_false(ended)
    assert.matches("a mistake of the script", printed)
    assert.matches("closeAndFail", printed)
    assert.matches("the guard is closed", printed)
    for i = 2, 4 do assert.matches(("UsageChunk UR%%-%d %%(closed%%)"):format(i), printed) end
    assert.matches("%d+ ticks, the latest [%d.]+ ms late", printed)
  end)
end)
