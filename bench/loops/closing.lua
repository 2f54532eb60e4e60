--- What the programs of the row "loops" do in their hosts: close records, 64 at once, while a timer of the host is to
--- tick every 10 ms. What counts is how late the latest tick was, with and without calls. That is measured in parts:
--- other programs make the timer late in some of them, a call that keeps it waiting does so in each.

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"

local PERIOD <const>, AT_ONCE <const>, QUIET <const>, PARTS <const> = 0.010, 64, 0.5, 5

-- How much longer than the period the longest pause between two ticks was, in seconds; stop() returns it.
local function watchTicks(stage)
  local last, longest = cqueues.monotime(), 0
  local function look()
    local now = cqueues.monotime()
    longest, last = math.max(longest, now - last), now
  end
  local stop = stage.every(PERIOD, look)
  return function()
    stop()
    look()
    return math.max(longest - PERIOD, 0)
  end
end

-- Closes the records from the first to the last.
local function closeAll(stage, client, first, last)
  local next, left, problem = first - 1, AT_ONCE, nil
  local function closeSome()
    while next < last and not problem do
      next = next + 1
      local id = ("UR-2026-01-0000-0001-%06d"):format(next)
      local chunk, failure = client.usageRecords:close(id, "BILL-77", "January run")
      problem = problem or not chunk and failure
    end
    left = left - 1
  end
  -- A few at a time: what a program starts in one go is one piece of its own work, 64 new connections among it.
  for i = 1, AT_ONCE do
    stage.spawn(closeSome)
    if i % 8 == 0 then stage.sleep(0.001) end
  end
  while left > 0 do stage.sleep(0.01) end
  if problem then error(problem) end
end

--- To be called in a coroutine that may wait in the loop. Prints how late the latest tick was, in milliseconds: the
--- median of the parts, the worst of them, and without calls.
---@param stage table see spec/support/loopcases.lua
---@param endpoint string
---@param count integer
return function(stage, endpoint, count)
  local client <close> = connect.ConnectClient(endpoint, "ApiKey SU-000-000-000:secret")
  client:attach(stage.loop)
  local stop = watchTicks(stage)
  stage.sleep(QUIET)
  local quiet, late = stop(), {}
  for part = 1, PARTS do
    stop = watchTicks(stage)
    closeAll(stage, client, count * (part - 1) // PARTS + 1, count * part // PARTS)
    late[part] = stop()
  end
  table.sort(late)
  print(("%.1f ms late, %.1f at worst, %.1f without calls"):format(
    late[PARTS // 2 + 1] * 1000, late[PARTS] * 1000, quiet * 1000))
end
