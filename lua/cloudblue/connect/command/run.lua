--- A run of closeMany from the command line: in a loop, beside the bar and the signals.

local condition = require "cqueues.condition"
local core = require "cloudblue.connect.core"
local cqueues = require "cqueues"

local interrupt = require "cloudblue.connect.command.interrupt"
local loop = require "cloudblue.connect.loop.cqueues"
local progress = require "cloudblue.connect.command.progress"

local run = {}

-- Seconds between two looks at how far it is, and between two status objects.
local TICK <const>, STATUS <const> = 0.2, 2

---@class cloudblue.connect.command.Work
---@field client cloudblue.connect.ConnectClient
---@field voice table
---@field total integer
---@field counts fun(): cloudblue.connect.command.Counts
---@field work fun(isStopped: fun(): boolean): ... runs in a coroutine; asks now and then whether it is to end
---@field hasNoBar boolean? where other lines are printed all the time
---@field onFirst string what is said at the first Ctrl-C
---@field onNext fun() what is done at the next one, before the process ends

local Run = {}
Run.__index = Run

local function show(self, always)
  local counts = self.given.counts()
  local voice = self.given.voice
  if not voice.json then
    if not voice.quiet and not self.given.hasNoBar then self.bar:show(counts, always) end
  elseif always or core.now() - self.told >= STATUS then
    self.told = core.now()
    counts.seconds = math.floor((core.now() - self.began) * 10 + 0.5) / 10
    voice:print(nil, "status", counts)
  end
end

-- Shows how far it is until the work is over.
local function watch(self)
  while not self.results do
    show(self)
    self.over:wait(TICK)
  end
end

local function listen(self)
  local given = self.given
  return interrupt.listen(self.controller, function()
    self.stopped = true
    given.voice:warn(given.onFirst)
  end, function()
    given.voice:over(nil)
    self.bar:clear()
    given.onNext()
  end)
end

-- Adds the traceback to what is no value of its own.
local function traced(problem)
  return type(problem) == "string" and debug.traceback(problem, 2) or problem
end

-- Does the work, and keeps what it returned.
local function work(self)
  local results = table.pack(xpcall(self.given.work, traced, function() return self.stopped end))
  self.results = results
  self.over:signal()
end

-- Steps the loop until the work is over.
local function drive(self)
  while not self.results do
    local done, problem = self.controller:step()
    if not done then error(problem, 0) end
  end
end

--- Does some work in a loop, shows how far it is, and lets Ctrl-C stop it.
---@param given cloudblue.connect.command.Work
---@return boolean interrupted
---@return ... what the work returned
function run.start(given)
  local self = setmetatable({
    given = given, controller = cqueues.new(), over = condition.new(), stopped = false, began = core.now(), told = 0,
    bar = progress.new(core.now, io.stderr),
  }, Run)
  given.voice:over(self.bar)
  given.client:attach(loop)
  local unlisten = listen(self)
  self.controller:wrap(work, self)
  self.controller:wrap(watch, self)
  drive(self)
  unlisten()
  given.client:detach()
  if self.results[1] then show(self, self.bar.drawn or given.voice.json) end
  if self.bar.drawn then io.stderr:write "\n" end
  given.voice:over(nil)
  if not self.results[1] then error(self.results[2], 0) end
  return self.stopped, table.unpack(self.results, 2, self.results.n)
end

return run
