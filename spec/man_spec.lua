-- The manual page, tools/man.lua. tools/parts/install.sh installs it and has groff read it.

local command = require "cloudblue.connect.command"
local exitcodes = require "cloudblue.connect.command.exitcodes"

describe("the manual page", function()
  local page

  setup(function()
    local pipe <close> = assert(io.popen((os.getenv "LUA" or "lua5.4") .. " tools/man.lua"))
    page = pipe:read("a"):gsub("\\%-", "-")
  end)

  it("names every subcommand and every option of its --help", function()
    for _, parser in ipairs(command.parser()._commands) do
      assert.is_truthy(page:find('\n.SS "' .. parser._name .. '"\n', 1, true), parser._name)
      for _, option in ipairs(parser._options) do
        local name = option._aliases[#option._aliases]
        assert.is_truthy(page:find("\n.B [^\n]*" .. name:gsub("%-", "%%-")), parser._name .. " " .. name)
      end
    end
  end)

  it("has every exit code", function()
    local status = page:match '%.SH "EXIT STATUS"\n(.-)\n%.SH'
    for name, code in pairs(exitcodes) do
      if type(code) == "number" then
        assert.is_truthy(status:find(("\n.B %d\n"):format(code), 1, true), name)
      end
    end
  end)

  it("has no line that roff would take for a request by mistake", function()
    local KNOWN <const> = {
      TH = true, SH = true, SS = true, TP = true, PP = true, B = true, I = true, nf = true, fi = true,
    }
    for request in ("\n" .. page):gmatch "\n[.'](%S*)" do assert.is_truthy(KNOWN[request], request) end
    assert.is_nil(page:find("[\x80-\xFF]"))
  end)
end)

describe("the help of a subcommand", function()
  it("fits a terminal of 80 columns", function()
    for _, parser in ipairs(command.parser()._commands) do
      for line in parser:get_help():gmatch "[^\n]+" do assert.is_true(#line < 80, line) end
    end
  end)
end)
