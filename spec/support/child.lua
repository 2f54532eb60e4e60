--- A Lua script in a process of its own, for what would end or stop the process of the specs.
---
---     local child <close> = child.start("print(1)")
---     child:line(); child:interrupt(); child:rest()

local cqueues = require "cqueues"

local child = {}
child.__index = child

---@param script string Lua source
---@param environment table<string, string>? variables set for it
---@param through string? a command that runs it in its own place, such as one that sets limits
---@return table child
function child.start(script, environment, through)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(script)
  file:close()
  local assignments = {}
  for name, value in pairs(environment or {}) do
    assignments[#assignments + 1] = ("%s='%s' "):format(name, value)
  end
  -- exec: the number the shell prints is then the script's own.
  local command = ("echo $$; %sexec %s %s %s 2>&1"):format(
    table.concat(assignments), through or "", os.getenv("LUA") or "lua5.4", path)
  local pipe = assert(io.popen(command))
  return setmetatable({ pipe = pipe, path = path, pid = pipe:read("l") }, child)
end

--- The next line that it prints.
function child:line()
  return self.pipe:read("l")
end

--- Sends it the signal of Ctrl-C.
function child:interrupt()
  self:signal("INT")
end

--- Sends it a signal, if it still runs.
---@param name string such as "KILL"
function child:signal(name)
  os.execute(("kill -%s %s 2>/dev/null"):format(name, self.pid))
end

--- Waits until it ends.
---@return string output what it still printed
---@return number seconds how long that took
function child:rest()
  local start = cqueues.monotime()
  local output = self.pipe:read("a")
  return output, cqueues.monotime() - start
end

--- Ends it if it still runs.
function child:stop()
  os.execute(("kill -KILL %s 2>/dev/null"):format(self.pid))
  self.pipe:close()
  os.remove(self.path)
end

child.__close = child.stop

--- Runs a script to its end.
---@param script string
---@param environment table<string, string>?
---@return string output
function child.run(script, environment)
  local process <close> = child.start(script, environment)
  return (process:rest())
end

return child
