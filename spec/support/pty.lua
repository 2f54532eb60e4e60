--- A command in a terminal of its own, as a person has it: `script` of util-linux, which is on every Debian, makes it.
---
---     local session <close> = pty.start("lua5.4 bin/connect-usage close a.csv")
---     session:await "[y/N]"; session:type "y\n"; local text, code = session:rest()

local cqueues = require "cqueues"

local folders = require "spec.support.folder"

local pty = {}

-- Seconds to wait for what should be there at once.
local PATIENCE <const> = 20 * (tonumber(os.getenv "TEST_SLOWNESS") or 1)

local Session = {}
Session.__index = Session

--- Starts a command in a terminal.
---@param command string of a shell
---@return table session
function pty.start(command)
  local folder = folders.make()
  local typed, screen, status = folder:path "typed", folder:path "screen", folder:path "status"
  assert(os.execute(("mkfifo %s && : >%s"):format(typed, screen)))
  folder:write("command", ("stty cols 200; %s\necho $? >%s.new && mv %s.new %s\n"):format(
    command, status, status, status))
  -- The pipe is kept open by this process, so that script does not meet its end.
  os.execute(("script -q -f -c 'sh %s' %s <%s >/dev/null 2>&1 &"):format(folder:path "command", screen, typed))
  local keyboard = assert(io.open(typed, "w"))
  keyboard:setvbuf "no"
  return setmetatable({ folder = folder, keyboard = keyboard, met = 1 }, Session)
end

-- Waits until a function returns something.
local function wait(fn, what)
  local until_ = cqueues.monotime() + PATIENCE
  repeat
    local result = fn()
    if result then return result end
    cqueues.sleep(0.02)
  until cqueues.monotime() > until_
  error(what, 3)
end

--- All that was written to the terminal so far, without what `script` adds.
---@return string
function Session:screen()
  local text = self.folder:read "screen" or ""
  return (text:gsub("^Script started[^\n]*\n", ""):gsub("\r\n", "\n"))
end

--- Waits for a text behind what was waited for before.
---@param text string
function Session:await(text)
  wait(function()
    local _, last = self:screen():find(text, self.met, true)
    self.met = last and last + 1 or self.met
    return last
  end, ("no '%s' in the terminal:\n%s"):format(text, self:screen()))
end

--- Types, Ctrl-C as "\3".
---@param text string
function Session:type(text)
  self.keyboard:write(text)
end

--- Waits until the command ends.
---@return string screen
---@return integer code
function Session:rest()
  local code = wait(function() return self.folder:read "status" end, "the command does not end")
  wait(function() return self:screen():find("\nScript done", 1, true) end, "script does not end")
  return self:screen():gsub("\nScript done.*$", ""), tonumber(code)
end

function Session:stop()
  self.keyboard:close()
  self.folder:stop()
end

Session.__close = Session.stop

return pty
