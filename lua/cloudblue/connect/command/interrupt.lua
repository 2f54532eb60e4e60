--- Ctrl-C and SIGTERM. While records are closed, the first lets the run end in order, the next ends it at once; what
--- has nothing to finish ends at the first, and leaves nothing behind.

local cqueues = require "cqueues"
local signal = require "cqueues.signal"

local loop = require "cloudblue.connect.loop.cqueues"

local interrupt = {
  --- Entries of a list between two looks at the signals, where nothing waits.
  TURN = 1000,
}

--- Takes the signals from now on, in a coroutine of the controller.
---@param controller table of cqueues
---@param onFirst fun() called in that coroutine
---@param onNext fun() the same
---@return fun() stop the signals have their usual effect again
function interrupt.listen(controller, onFirst, onNext)
  signal.block(signal.SIGINT, signal.SIGTERM)
  local listener = signal.listen(signal.SIGINT, signal.SIGTERM)
  controller:wrap(function()
    listener:wait()
    onFirst()
    while true do
      listener:wait()
      onNext()
    end
  end)
  return function() signal.unblock(signal.SIGINT, signal.SIGTERM) end
end

-- Runs a function in a loop of its own, where signals call `stop`. Returns what pcall does.
local function listening(stop, fn)
  local controller, results = cqueues.new(), nil
  local unlisten = interrupt.listen(controller, stop, stop)
  controller:wrap(function() results = table.pack(pcall(fn)) end)
  while not results do
    local done, problem = controller:step()
    if not done then error(problem, 0) end
  end
  -- One that came since the last turn.
  controller:step(0)
  unlisten()
  return table.unpack(results, 1, results.n)
end

--- Runs a function whose calls of the client end at the first signal: the client is closed.
---@param client cloudblue.connect.ConnectClient
---@param fn fun(): ...
---@return boolean interrupted
---@return ... what the function returned; an error of it is raised, unless it was interrupted: the client is closed
function interrupt.close(client, fn)
  local interrupted = false
  client:attach(loop)
  local results = table.pack(listening(function()
    interrupted = true
    client:close()
  end, fn))
  if not interrupted then client:detach() end
  if results[1] then return interrupted, table.unpack(results, 2, results.n) end
  if not interrupted then error(results[2], 0) end
  return true
end

--- Runs a function that never waits. It is handed a function to be called now and then, by which a signal ends it.
---@param fn fun(turn: fun()): ...
---@return boolean interrupted
---@return ... what the function returned; an error of it is raised
function interrupt.turns(fn)
  local interrupted, ended = false, {}
  local results = table.pack(listening(function() interrupted = true end, function()
    return fn(function()
      cqueues.sleep(0)
      if interrupted then error(ended, 0) end
    end)
  end))
  if results[2] == ended then return true end
  if not results[1] then error(results[2], 0) end
  return interrupted, table.unpack(results, 2, results.n)
end

return interrupt
