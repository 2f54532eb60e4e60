local transfer = require "cloudblue.connect.command.transfer"

describe("a transfer's size", function()
  it("is in bytes, or in a larger unit", function()
    for bytes, words in pairs {
      [0] = "0 bytes", [1] = "1 byte", [16384] = "16384 bytes", [99999] = "99999 bytes", [100000] = "100 kB",
      [999499] = "999 kB", [999500] = "1.0 MB", [3249999] = "3.2 MB", [9949999] = "9.9 MB", [9950000] = "10 MB",
      [12000000000] = "12 GB", [5 * 10 ^ 15 // 1 | 0] = "5000 TB",
    } do
      assert.are.same({ bytes, words }, { bytes, transfer.size(bytes) })
    end
  end)
end)

describe("a transfer's progress", function()
  -- What a script shows on a terminal.
  local function shown(script, behind)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write([[
      local clock = 0
      local show, clear = require("cloudblue.connect.command.transfer").progress(function() return clock end)
      local function at(seconds, ...) clock = seconds show(...) end
    ]] .. script)
    file:close()
    local pipe = assert(io.popen(("TERM=xterm script -qec 'lua5.4 %s %s' /dev/null"):format(path, behind or "")))
    local text = pipe:read("a")
    pipe:close()
    os.remove(path)
    return text
  end

  it("is drawn again now and then, and taken away", function()
    assert.are.equal("\r1.5 MB of 6.0 MB, 25%\27[K\r3.0 MB\27[K\r\27[K",
      shown "at(0.1, 1, 2) at(0.3, 1500000, 6000000) at(0.4, 2, 3) at(0.6, 3000000) clear()")
    assert.are.equal("", shown "at(0.1, 1, 2) clear()")
  end)

  it("is not shown elsewhere than on a terminal", function()
    assert.are.equal("nil\r\n", shown("print(show) clear()", "2>/dev/null"))
  end)
end)
