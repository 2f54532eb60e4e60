local child = require "spec.support.child"
local folders = require "spec.support.folder"
local ledger = require "cloudblue.connect.closing.ledger"
local ledgers = require "spec.support.ledgers"

-- spec/command_status_spec.lua has what it says; here is what it returns.
describe("what a ledger says", function()
  it("comes with the exit code of its state, and without a problem", function()
    local folder <close> = folders.make()
    local name = folder:path "run.db"
    local l = assert(ledger.open(name, { create = true }))
    assert(l:plan(ledgers.each(ledgers.list(1, 2)), ledgers.WHO))
    l:close()
    local printed = child.run(([[
      local telling = require "cloudblue.connect.command.telling"
      print("returned", telling.run { ledger = "%s", quiet = true })]]):format(name))
    assert.is_truthy(printed:find("\nreturned\t5\n$"), printed)
  end)
end)
