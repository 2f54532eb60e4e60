--- Ctrl-C and SIGTERM. While records are closed, the first lets the run end in order, the next ends it at once; a call
--- that has nothing to finish ends at the first, and leaves nothing behind.

local cqueues = require "cqueues"
local signal = require "cqueues.signal"

local loop = require "cloudblue.connect.loop.cqueues"

local interrupt = {}

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

--- Runs a function whose calls of the client end at the first signal: the client is closed.
---@param client cloudblue.connect.ConnectClient
---@param fn fun(): ...
---@return boolean interrupted
---@return ... what the function returned; an error of it is raised
function interrupt.close(client, fn)
  local controller, interrupted, results = cqueues.new(), false, nil
  local function stop()
    interrupted = true
    client:close()
  end
  client:attach(loop)
  local unlisten = interrupt.listen(controller, stop, stop)
  controller:wrap(function() results = table.pack(pcall(fn)) end)
  while not results do
    local done, problem = controller:step()
    if not done then error(problem, 0) end
  end
  unlisten()
  if not results[1] then error(results[2], 0) end
  return interrupted, table.unpack(results, 2, results.n)
end

return interrupt
