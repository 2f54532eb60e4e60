--- A host's loop for specs: coroutines, resumed one after the other, and a wait for the descriptors that are watched.
---
---     local loop = plainloop.new()
---     s.client:attach(loop.functions)
---     loop:run(function() return s.records:close("UR-1", "B-1") end, function() … end)   -- their results, in order

local cqueues = require "cqueues"

local plainloop = {}
plainloop.__index = plainloop

--- Seconds after which nothing comes any more.
local PATIENCE <const> = 20 * (tonumber(os.getenv "TEST_SLOWNESS") or 1)

--- Makes a loop. `functions` are what attach takes; `watched` has descriptors with their functions; `woken` the tokens
--- that are awake; `log` what the loop was asked for, in order.
---@param changes table<string, function>? other functions than its own
---@return table loop
function plainloop.new(changes)
  local loop = setmetatable({ watched = {}, woken = {}, log = {} }, plainloop)
  local function note(text) loop.log[#loop.log + 1] = text end
  loop.functions = {
    token = function()
      local thread, isMain = coroutine.running()
      return not isMain and thread or nil
    end,
    park = function(token)
      note "park"
      while not loop.woken[token] do coroutine.yield() end
      loop.woken[token] = nil
    end,
    wake = function(token)
      note "wake"
      loop.woken[token] = true
    end,
    -- Out of memory it watches nothing: all that may fail comes first.
    watch = function(fd, onReadable)
      local function endWatch()
        note "unwatch"
        loop.watched[fd] = nil
      end
      note "watch"
      loop.watched[fd] = onReadable
      return endWatch
    end,
  }
  for name, f in pairs(changes or {}) do loop.functions[name] = f end
  return loop
end

--- Waits until a watched descriptor is readable, and says so to those who watch it. Returns false when none becomes so.
---@param seconds number? for so long
---@return boolean
function plainloop:wait(seconds)
  local list = {}
  for fd in pairs(self.watched) do list[#list + 1] = { pollfd = fd, events = "r", fd = fd } end
  local ready = { cqueues.poll(seconds or PATIENCE, table.unpack(list)) }
  if type(ready[1]) ~= "table" then return false end
  for _, entry in ipairs(ready) do
    local onReadable = self.watched[entry.fd]
    if onReadable then onReadable() end
  end
  return true
end

--- Resumes those that are awake.
---@param runs table[] from `start`
---@return boolean whether there was any
function plainloop:resume(runs)
  local isAny = false
  for _, run in ipairs(runs) do
    if not run.results and self.woken[run.thread] then
      isAny = true
      assert(coroutine.resume(run.thread))
    end
  end
  return isAny
end

--- Starts coroutines: each runs until it is parked for the first time.
---@param ... function
---@return table[] runs {thread=, results=}; `results` are there when it has ended
function plainloop.start(_, ...)
  local runs = {}
  for index, f in ipairs { ... } do
    local run = {}
    run.thread = coroutine.create(function() run.results = table.pack(pcall(f)) end)
    runs[index] = run
    assert(coroutine.resume(run.thread))
  end
  return runs
end

--- Runs until all of them have ended.
---@param runs table[] from `start`
---@return any[] values what each returned first, or raised
function plainloop:finish(runs)
  local values = {}
  for index, run in ipairs(runs) do
    while not run.results do
      if not self:resume(runs) then assert(self:wait(), "nothing is readable any more") end
    end
    values[index] = run.results[2]
  end
  return values
end

--- Runs functions in coroutines until all have ended.
---@param ... function
---@return any[] values what each returned first, or raised
function plainloop:run(...)
  return self:finish(self:start(...))
end

--- How often the loop was asked for something.
---@param what "park"|"wake"|"watch"|"unwatch"
---@return integer
function plainloop:count(what)
  local count = 0
  for _, entry in ipairs(self.log) do count = count + (entry == what and 1 or 0) end
  return count
end

return plainloop
