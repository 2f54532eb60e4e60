local child = require "spec.support.child"
local progress = require "cloudblue.connect.command.progress"
local pty = require "spec.support.pty"

-- A progress whose time is told, and what it has written.
local function begin()
  local clock = { now = 0 }
  local file = assert(io.tmpfile())
  local bar = progress.new(function() return clock.now end, file)
  return bar, clock, function()
    file:seek "set"
    local text = file:read "a"
    file:close()
    return text
  end
end

local function counts(done, total, refused, unknown)
  return { done = done, total = total, refused = refused or 0, unknown = unknown or 0 }
end

-- A script that shows a run of some seconds in one moment.
local SCRIPT = [[
  local now = 0
  local bar = require("cloudblue.connect.command.progress").new(function() return now end, io.stderr)
  for done = 0, 100, 25 do
    now = now + 1
    bar:show({ done = done, total = 100, refused = done // 50, unknown = done // 100 })
  end
  bar:clear()
  io.stderr:write "words\n"
]]

describe("progress", function()
  it("is a line now and then, where there is no terminal", function()
    local bar, clock, written = begin()
    for second = 1, 100 do
      clock.now = second
      bar:show(counts(second * 10, 4000, second > 50 and 2 or 0, second > 80 and 1 or 0))
    end
    assert.are.equal("300 of 4000\n600 of 4000, 2 refused, 6 min left, 10/s\n"
      .. "900 of 4000, 2 refused, 1 unknown, 6 min left, 10/s\n", written())
  end)

  it("has the rate of the last seconds, not of the whole run", function()
    local bar, clock, written = begin()
    for second, done in pairs { [0] = 0, [10] = 1000, [20] = 2000 } do
      clock.now = second
      bar:show(counts(done, 10000), true)
    end
    clock.now = 300
    bar:show(counts(2001, 10000), true)
    clock.now = 301
    bar:show(counts(2009, 10000), true)
    assert.is_truthy(written():find("2009 of 10000, 17 min left, 8.0/s\n$"))
  end)

  it("says how long it will take, in words", function()
    for seconds, words in pairs {
      [0.2] = "1 s", [59] = "59 s", [60] = "1 min", [61] = "2 min", [3599] = "1 h 00 min", [3600] = "1 h 00 min",
      [7500] = "2 h 05 min",
    } do
      assert.are.same({ seconds, words }, { seconds, progress.duration(seconds) })
    end
  end)

  it("is a bar on a terminal, drawn in one place", function()
    local session <close> = pty.start(
      ("TERM=xterm NO_COLOR=1 lua5.4 -e '%s'"):format(SCRIPT:gsub("'", "'\\''"):gsub("\n", " ")))
    local screen, drawn = session:rest(), {}
    for line in screen:gmatch "\r\27%[%?7l(.-)\27%[K\27%[%?7h" do drawn[#drawn + 1] = line end
    assert.are.same({
      "[--------------------]   0%  0 of 100",
      "[#####---------------]  25%  25 of 100  3 s left  25/s",
      "[##########----------]  50%  50 of 100  1 refused  2 s left  25/s",
      "[###############-----]  75%  75 of 100  1 refused  1 s left  25/s",
      "[####################] 100%  100 of 100  2 refused  1 unknown  25/s",
    }, drawn)
    assert.is_truthy(screen:find "\r\27%[Kwords\n$")
  end)

  it("is lines on a dumb terminal", function()
    local session <close> = pty.start(
      ("TERM=dumb lua5.4 -e '%s'"):format(SCRIPT:gsub("'", "'\\''"):gsub("\n", " ")))
    assert.are.equal("words\n", (session:rest()))
  end)

  it("leaves nothing to be cleared where it has drawn nothing", function()
    assert.are.equal("words\n", child.run(SCRIPT))
  end)
end)
