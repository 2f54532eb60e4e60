--- The ways in which faultcrowds.lua carries out calls at once: in tasks, in a plain loop, in one of cqueues. Each
--- draws what happens meanwhile (`events`, words with a number behind them), and leaves some calls without an answer.

local cqueues = require "cqueues"
local faultscripts = require "spec.support.faultscripts"
local plainloop = require "spec.support.plainloop"

local pick = faultscripts.pick

local faultways = {}

-- Seconds that a loop waits before it lets time pass, and after which a call must have ended.
local SHORT, PATIENCE = 0.003, 30 * (tonumber(os.getenv "TEST_SLOWNESS") or 1)

-- Raised where a run is to be ended by an error.
local ENOUGH = "that is enough"

--- Draws some of the events, each with the number at which it happens.
local function draw(chance, names, most)
  local events = {}
  for i = 1, chance(most + 1) - 1 do events[i] = pick(chance, names) .. " " .. chance(12) end
  return events
end

--- Does the events of a number.
local function happen(stage, actions, number)
  for _, event in ipairs(stage.run.events) do
    local name, at = event:match "^(%a+) (%d+)$"
    if tonumber(at) == number then actions[name]() end
  end
end

local function isClosed(client)
  return tostring(client):find("closed", 1, true) ~= nil
end

--- Whether an error is one that had to come.
local function isExpected(stage, problem)
  problem = tostring(problem)
  local isAnyClosed = isClosed(stage.clients[1]) or isClosed(stage.clients[2])
  return problem:find(ENOUGH, 1, true) or isAnyClosed and problem:find("the client is closed", 1, true)
end

--- Makes the call of an item, or its calls as tasks.
local function perform(stage, item)
  if item.call then return stage.perform(item.call) end
  for _ in stage.clients[1]:parallel(item.limit, item.inner, stage.perform) do end
end

-- ==== Tasks ===========================================================

faultways.tasks = {}

function faultways.tasks.draw(chance)
  return chance(2) == 1 and draw(chance, { "break", "raise", "raiseInside", "close", "collect" }, 2) or {}
end

--- The items, with a call of their own now and then.
local function itemsOf(stage)
  local number = 0
  return function()
    number = number + 1
    if number % 4 == 0 and not isClosed(stage.clients[2]) then
      stage.enter {}
      stage.clients[2]:request("GET", "/usage/aggregates", { retries = 0 })
    end
    return stage.run.items[number]
  end
end

function faultways.tasks.carryOut(stage)
  local taken, made, isBroken = 0, 0, false
  local function raise() error(ENOUGH, 0) end
  local outside = { ["break"] = function() isBroken = true end, raise = raise, raiseInside = function() end,
    close = function() stage.clients[1]:close() end, collect = function() collectgarbage() end }
  local inside = setmetatable({ raiseInside = raise }, { __index = function() return function() end end })
  local function fn(item)
    perform(stage, item)
    made = made + 1
    happen(stage, inside, made)
  end
  local ok, problem = pcall(function()
    for _ in stage.clients[1]:parallel(stage.run.limit, itemsOf(stage), fn) do
      taken = taken + 1
      happen(stage, outside, taken)
      if isBroken then break end
    end
  end)
  if not ok and not isExpected(stage, problem) then stage.report("the tasks raised " .. tostring(problem)) end
end

-- ==== A plain loop ====================================================

--- What happens to clients in a loop.
local function actionsOf(stage, functions)
  local function each(method, ...)
    for _, client in ipairs(stage.clients) do
      if not isClosed(client) then client[method](client, ...) end
    end
  end
  return {
    detach = function() each "detach" end,
    attach = function() each("attach", functions) end,
    close = function() stage.clients[1]:close() end,
    step = function() each "step" end,
    collect = function() collectgarbage() end,
  }
end

-- Seconds that pass when nothing has come: twice as many each time in a row.
local LEAST, MOST = 0.25, 4

--- To be called after each round of a loop. Where nothing came, time passes, and the clients notice.
local function passTime(stage, isIdle)
  stage.idle = isIdle and math.min(2 * (stage.idle or LEAST / 2), MOST) or nil
  if not isIdle then return end
  stage.time.pass(stage.idle)
  for _, client in ipairs(stage.clients) do client:step() end
end

faultways.plainloop = {}

function faultways.plainloop.draw(chance)
  return draw(chance, { "detach", "attach", "close", "step", "collect", "giveUp", "giveUp", "drop" }, 4)
end

--- Takes the last one that waits out of the runs. A loop may forget a coroutine, or end it.
local function takeOut(runs)
  for i = #runs, 1, -1 do
    if not runs[i].results then return table.remove(runs, i) end
  end
end

local function isAnyLeft(runs)
  for _, run in ipairs(runs) do
    if not run.results then return true end
  end
  return false
end

local function drive(stage, loop, runs, actions)
  local round, finish = 0, cqueues.monotime() + PATIENCE
  while isAnyLeft(runs) and cqueues.monotime() < finish do
    round = round + 1
    happen(stage, actions, round)
    passTime(stage, not loop:resume(runs) and not loop:wait(SHORT))
  end
  if isAnyLeft(runs) then stage.report "a call has not ended" end
end

function faultways.plainloop.carryOut(stage)
  local loop = plainloop.new()
  local mains, runs = {}, nil
  for i, item in ipairs(stage.run.items) do
    mains[i] = function() perform(stage, item) end
  end
  local actions = actionsOf(stage, loop.functions)
  function actions.giveUp()
    local run = takeOut(runs)
    if run then coroutine.close(run.thread) end
  end
  -- One that is forgotten keeps its place among those that may be in flight.
  function actions.drop()
    if stage.run.options.maxConnections > 8 then takeOut(runs) end
  end
  for _, client in ipairs(stage.clients) do client:attach(loop.functions) end
  runs = loop:start(table.unpack(mains))
  drive(stage, loop, runs, actions)
  for _, run in ipairs(runs) do
    if run.results and not run.results[1] and not isExpected(stage, run.results[2]) then
      stage.report("a coroutine raised " .. tostring(run.results[2]))
    end
  end
end

-- ==== A loop of cqueues ===============================================

faultways.cqueues = {}

function faultways.cqueues.draw(chance)
  return draw(chance, { "detach", "attach", "close", "step", "collect", "leave" }, 3)
end

function faultways.cqueues.carryOut(stage)
  local functions = require "cloudblue.connect.loop.cqueues"
  local controller = cqueues.new()
  local actions, isLeft = actionsOf(stage, functions), false
  function actions.leave() isLeft = true end
  for _, client in ipairs(stage.clients) do client:attach(functions) end
  for _, item in ipairs(stage.run.items) do
    controller:wrap(function()
      local ok, problem = pcall(perform, stage, item)
      if not ok and not isExpected(stage, problem) then stage.report("a coroutine raised " .. tostring(problem)) end
    end)
  end
  local round, finish = 0, cqueues.monotime() + PATIENCE
  while not controller:empty() and not isLeft and cqueues.monotime() < finish do
    round = round + 1
    happen(stage, actions, round)
    local before = cqueues.monotime()
    local ok, problem = controller:step(SHORT)
    if not ok then stage.report("the controller raised " .. tostring(problem)) end
    passTime(stage, cqueues.monotime() - before >= SHORT)
  end
  if not controller:empty() and not isLeft then stage.report "a call has not ended" end
end

return faultways
