local child = require "spec.support.child"

local SCRIPT = [[
  local cqueues = require "cqueues"
  local interrupt = require "cloudblue.connect.command.interrupt"
  local controller, ended = cqueues.new(), false
  local stop = interrupt.listen(controller, function() print "first" io.stdout:flush() end, function()
    print "next"
    ended = true
  end)
  print "ready"
  io.stdout:flush()
  while not ended do assert(controller:step()) end
  stop()
  print "usual again"
  io.stdout:flush()
  cqueues.sleep(60)
]]

describe("an interruption", function()
  for _, signal in ipairs { "INT", "TERM" } do
    it("by SIG" .. signal .. " is told the first time and the next; then the signal has its usual effect", function()
      local process <close> = child.start(SCRIPT)
      assert.are.equal("ready", process:line())
      assert(os.execute(("kill -%s %s"):format(signal, process.pid)))
      assert.are.equal("first", process:line())
      assert(os.execute(("kill -%s %s"):format(signal, process.pid)))
      assert.are.equal("next", process:line())
      assert.are.equal("usual again", process:line())
      assert(os.execute(("kill -%s %s"):format(signal, process.pid)))
      assert.is_nil((process:rest()):find("next", 1, true))
    end)
  end

  it("closes the client of what calls the service; an error that comes of that is none", function()
    local printed = child.run [[
      local interrupt = require "cloudblue.connect.command.interrupt"
      local client = setmetatable({}, { __index = function(_, name) return function() print(name) end end })
      print(interrupt.close(client, function() return "its", "end" end))
      print(pcall(interrupt.close, client, function() error("slip", 0) end))
      print(interrupt.close(client, function()
        os.execute "kill -TERM $PPID"
        require("cqueues").sleep(0.01)
        error("the client is closed", 0)
      end))]]
    assert.are.equal("attach\ndetach\nfalse\tits\tend\nattach\ndetach\nfalse\tslip\nattach\nclose\ntrue\n", printed)
  end)

  it("ends what never waits, where that looks for it", function()
    for _, looks in ipairs { true, false } do
      local printed = child.run(([[
        local interrupt = require "cloudblue.connect.command.interrupt"
        print(interrupt.turns(function(turn)
          os.execute "kill -TERM $PPID"
          if %s then turn() end
          return "its", "end"
        end))
        print(interrupt.turns(function(turn) turn() return "whole" end))
        print(pcall(interrupt.turns, function() error("slip", 0) end))]]):format(looks))
      assert.are.equal((looks and "true" or "true\tits\tend") .. "\nfalse\twhole\nfalse\tslip\n", printed)
    end
  end)
end)
