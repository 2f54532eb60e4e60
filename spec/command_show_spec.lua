local commandline = require "spec.support.commandline"
local scene = require "spec.support.scene"

teardown(scene.finish)

describe("connect-usage show", function()
  it("shows usage records field by field", function()
    local s <close> = scene.start()
    s.client.usageRecords:close("UR-2026-01-0000-0000-0000-0001", "B-1")
    local ids = "UR-2026-01-0000-0000-0000-0001 UR-2026-01-0000-0000-0000-0002"
    local printed, said, code = commandline.streams("show " .. ids, commandline.to(s.sandbox))
    assert.are.same({ "", 0 }, { said, code })
    for _, line in ipairs {
      "id                     UR-2026-01-0000-0000-0000-0001",
      "external_billing_id    B-1",
      'params                 [{"parameter_name":"region","parameter_value":"us"}]',
      "\nid                     UR-2026-01-0000-0000-0000-0002",
    } do
      assert.is_truthy(("\n" .. printed):find("\n" .. line .. "\n", 1, true), line)
    end
  end)

  it("needs an id", function()
    assert.are.same({ "connect-usage: missing argument 'ID' (see --help)\n", 2 }, { commandline.run "show" })
  end)
end)
