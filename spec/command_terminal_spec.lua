local child = require "spec.support.child"
local folders = require "spec.support.folder"
local pty = require "spec.support.pty"

local SCRIPT = [[
local terminal = require "cloudblue.connect.command.terminal"
print("is", terminal.is(io.stdout), "redraws", terminal.redraws(io.stdout), "asks", terminal.canAsk())
print(terminal.painter(io.stdout)("red", "text"):gsub("\27", "ESC"))
]]

describe("a terminal", function()
  local folder, path

  before_each(function()
    folder = folders.make()
    path = folder:write("script.lua", SCRIPT)
  end)
  after_each(function() folder:stop() end)

  -- What the script prints in a terminal.
  local function shown(environment)
    local session <close> = pty.start(environment .. " lua5.4 " .. path)
    return (session:rest())
  end

  it("is none where the stream goes to a pipe", function()
    assert.are.equal("is\tfalse\tredraws\tfalse\tasks\tfalse\ntext\t0\n", child.run(SCRIPT))
  end)

  it("has colours, unless NO_COLOR is set", function()
    assert.are.equal("is\ttrue\tredraws\ttrue\tasks\ttrue\nESC[31mtextESC[0m\t2\n", shown "NO_COLOR= TERM=xterm")
    assert.are.equal("is\ttrue\tredraws\ttrue\tasks\ttrue\ntext\t0\n", shown "NO_COLOR=1 TERM=xterm")
  end)

  it("may be a dumb one, which can't go back in a line", function()
    assert.are.equal("is\ttrue\tredraws\tfalse\tasks\ttrue\ntext\t0\n", shown "TERM=dumb")
  end)

  it("is asked for a yes; anything else is no", function()
    folder:write("script.lua", [[print("answer", require("cloudblue.connect.command.terminal").ask "Close them?")]])
    for typed, answer in pairs {
      ["y\n"] = true, ["Yes\n"] = true, [" y \n"] = true, ["\n"] = false, ["n\n"] = false, ["yn\n"] = false,
      ["\4"] = false,
    } do
      -- The answer comes from the terminal, whatever stdin is.
      local session <close> = pty.start("lua5.4 " .. path .. " </dev/null")
      session:await "Close them? [y/N] "
      session:type(typed)
      local screen = session:rest()
      assert.are.same({ typed, "answer\t" .. tostring(answer) }, { typed, screen:match "answer\t%l+" })
    end
  end)
end)
