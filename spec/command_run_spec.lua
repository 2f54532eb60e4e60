local cjson = require "cjson"
local cqueues = require "cqueues"

local child = require "spec.support.child"
local pty = require "spec.support.pty"
local run = require "cloudblue.connect.command.run"

-- What a run needs, with a client that is attached to a loop and nothing more.
local function given(work)
  local made = { attached = 0, printed = {} }
  made.client = {
    attach = function() made.attached = made.attached + 1 end,
    detach = function() made.attached = made.attached - 1 end,
  }
  made.voice = {
    json = true, over = function(self, bar) self.bar = bar end, warn = function() end,
    print = function(_, _, kind, object) made.printed[#made.printed + 1] = { kind, object.done } end,
  }
  made.done = 0
  made.counts = function() return { done = made.done, total = 2, refused = 0, unknown = 0 } end
  made.work = function(isStopped) return work(made, isStopped) end
  made.onFirst = "Interrupted."
  return made
end

describe("a run", function()
  it("does its work in a loop, and returns what that returned", function()
    local made = given(function(self, isStopped)
      assert.is_false(isStopped())
      assert.is_truthy(cqueues.running())
      assert.are.equal(1, self.attached)
      cqueues.sleep(0.01)
      return "a", nil, "c"
    end)
    local results = table.pack(run.start(made))
    assert.are.same({ false, "a", nil, "c", n = 4 }, results)
    assert.are.equal(0, made.attached)
  end)

  it("shows how far it is at its beginning and at its end", function()
    local made = given(function(self)
      cqueues.sleep(0.01)
      self.done = 2
    end)
    run.start(made)
    assert.are.same({ { "status", 0 }, { "status", 2 } }, made.printed)
    assert.is_nil(made.voice.bar)
  end)

  it("passes on what its work raises, with the place where it is an error of the program", function()
    local made = given(function() error "slip" end)
    local _, problem = pcall(run.start, made)
    assert.is_truthy(problem:find("command_run_spec.lua:%d+: slip\nstack traceback:"), problem)
    assert.are.equal(0, made.attached)
    local raised = { changed = "it" }
    _, problem = pcall(run.start, given(function() error(raised) end))
    assert.are.equal(raised, problem)
  end)

  it("is interrupted twice: its work is told to end, then it is ended", function()
    local script = [[
      local run = require "cloudblue.connect.command.run"
      local voice = { quiet = true, over = function() end, warn = function(_, text) print(text) io.stdout:flush() end }
      local client = { attach = function() end, detach = function() end }
      print("result", run.start {
        client = client, voice = voice,
        counts = function() return { done = 0, total = 0, refused = 0, unknown = 0 } end,
        onFirst = "first", onNext = function() print "next" os.exit(7) end,
        work = function(isStopped)
          print "ready"
          io.stdout:flush()
          while not isStopped() do require("cqueues").sleep(0.01) end
          if LONG then require("cqueues").sleep(60) end
          return "ended"
        end,
      })]]
    local once <close> = child.start(script)
    assert.are.equal("ready", once:line())
    once:interrupt()
    assert.are.equal("first\nresult\ttrue\tended\n", (once:rest()))

    local twice <close> = child.start("LONG = true " .. script)
    assert.are.equal("ready", twice:line())
    twice:interrupt()
    assert.are.equal("first", twice:line())
    twice:interrupt()
    assert.are.equal("next\n", (twice:rest()))
  end)

  it("has no bar where other lines are printed all the time", function()
    local script = [[
      local voice = require("cloudblue.connect.command.voice").new {}
      require("cloudblue.connect.command.run").start {
        client = { attach = function() end, detach = function() end }, voice = voice, hasNoBar = ..., work = function()
          require("cqueues").sleep(0.3)
        end,
        counts = function() return { done = 1, total = 2, refused = 0, unknown = 0 } end,
      }]]
    for hasNoBar, shown in pairs { [true] = false, [false] = true } do
      local session <close> = pty.start(("TERM=xterm lua5.4 -e '%s'"):format(
        script:gsub("%.%.%.", tostring(hasNoBar)):gsub("\n", " ")))
      assert.are.same({ hasNoBar, shown }, { hasNoBar, session:rest():find("1 of 2", 1, true) ~= nil })
    end
  end)

  it("has status objects that say how long it takes", function()
    local printed = child.run [[
      local voice = require("cloudblue.connect.command.voice").new { json = true }
      require("cloudblue.connect.command.run").start {
        client = { attach = function() end, detach = function() end }, voice = voice, work = function() end,
        counts = function() return { done = 1, total = 2, refused = 0, unknown = 0 } end,
      }]]
    local object = cjson.decode(printed:match "[^\n]+")
    assert.are.equal("number", type(object.seconds))
    object.seconds = nil
    assert.are.same({ message_type = "status", done = 1, total = 2, refused = 0, unknown = 0 }, object)
  end)
end)
