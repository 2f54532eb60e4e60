--- Ctrl-C and SIGTERM while records are closed: the first lets the run end in order, the next ends it at once.

local signal = require "cqueues.signal"

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

return interrupt
