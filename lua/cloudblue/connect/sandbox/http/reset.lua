--- Closing a connection by a reset (RST), as a crashed or overloaded server does it.
---
--- cqueues can't set SO_LINGER, LuaSocket can. LuaSocket is loaded when the first reset is wanted,
--- and its side effect, that the whole process ignores SIGPIPE from then on, is undone: a program
--- under test must get the signals that it gets elsewhere.

local libraries = require "cloudblue.connect.sandbox.libraries"
local signal = require "cqueues.signal"

local reset = {}

--- Whether the process ignores SIGPIPE; nil where that is not known.
local function ignoresSigpipe()
  local file = io.open("/proc/self/status")
  if not file then
    return nil
  end
  local mask = file:read("a"):match("SigIgn:%s*(%x+)")
  file:close()
  return mask and (tonumber(mask, 16) >> (signal.SIGPIPE - 1)) & 1 == 1
end

local handle

--- Loads LuaSocket.
---@return true|nil ready
---@return string? problem
function reset.prepare()
  if handle then
    return true
  end
  local before = ignoresSigpipe()
  local ok, luasocket = pcall(require, "socket")
  if before == false then
    signal.default(signal.SIGPIPE)
  end
  if not ok then
    return nil, "closing a connection by a reset: " .. (libraries.missing(luasocket) or tostring(luasocket))
  end
  handle = luasocket.tcp()
  return true
end

--- Closes a socket by a reset. Bytes that were written and not sent yet are lost.
---@param socket table a cqueues socket
function reset.close(socket)
  assert(reset.prepare())
  handle:setfd(socket:pollfd())
  handle:setoption("linger", { on = true, timeout = 0 })
  handle:setfd(-1)
  socket:close()
end

return reset
