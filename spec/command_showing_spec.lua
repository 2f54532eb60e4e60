-- What showing single objects has in common, tried by `connect-usage show`.

local commandline = require "spec.support.commandline"
local json = require "cloudblue.connect.sandbox.json"
local scene = require "spec.support.scene"

teardown(scene.finish)

local ID <const> = "UR-2026-01-0000-0000-0000-0001"

describe("objects on the command line", function()
  local s
  before_each(function() s = scene.start() end)
  after_each(function() s:stop() end)

  local function show(arguments, behind)
    return commandline.streams("show " .. arguments, commandline.to(s.sandbox), behind)
  end

  it("are shown as JSON where it is told so", function()
    local printed, said, code = show("--json " .. ID)
    assert.are.same({ "", 0 }, { said, code })
    assert.are.same(s.sandbox:record(ID), json.native(json.decode(printed)))
  end)

  it("are shown as far as they can be had", function()
    local printed, said, code = show("--json UR-none " .. ID)
    assert.are.equal(ID, json.decode(printed).id)
    assert.are.same({ "connect-usage: GET /usage/records/UR-none: 404 OBJ_001: Usage record UR-none does not exist\n",
      1 },
      { said, code })
  end)

  it("are not asked for any more where the key is refused or the service is out of order", function()
    for status, code in pairs { [401] = 7, [503] = 5 } do
      s.sandbox:configure { faults = { { on = "GET /**", fault = "status", status = status, count = "all" } } }
      local before = #s.sandbox:requests()
      assert.are.equal(code, select(3, show("--retries 0 " .. ID .. " " .. ID)))
      assert.are.equal(1, #s.sandbox:requests() - before)
    end
    s.sandbox:configure { faults = {} }
  end)

  it("end where their reader has gone, and say that a disk is full", function()
    assert.are.same({ "", "connect-usage: the output can't be written: No space left on device\n", 1 },
      { show(ID, ">/dev/full") })
    -- More than a pipe holds.
    local arguments = "show --json" .. (" " .. ID):rep(100)
    local environment = "trap '' PIPE; " .. commandline.to(s.sandbox)
    assert.are.same({ "", "", 141 }, { commandline.streams(arguments, environment, "| true") })
  end)
end)
