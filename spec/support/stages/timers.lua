--- The timers of a host that can only sleep, for the stages of polling.

local cqueues = require "cqueues"

local timers = {}

local set = {}

--- Has fn called, once, so many seconds from now.
function timers.after(seconds, fn)
  local timer = { time = cqueues.monotime() + seconds, fn = fn }
  set[timer] = true
  return timer
end

--- Has fn called again and again, until stop() is called.
function timers.every(seconds, fn)
  local timer
  local function again()
    timer = timers.after(seconds, again)
    fn()
  end
  timer = timers.after(seconds, again)
  return function() set[timer] = nil end
end

--- Calls what is due, and sleeps a moment.
function timers.round()
  local now, due = cqueues.monotime(), {}
  for timer in pairs(set) do
    if timer.time <= now then due[#due + 1] = timer end
  end
  for _, timer in ipairs(due) do
    if set[timer] then
      set[timer] = nil
      timer.fn()
    end
  end
  cqueues.sleep(0.001)
end

return timers
