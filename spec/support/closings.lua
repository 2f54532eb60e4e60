--- Runs of closeMany against a sandbox of the scene (scene.lua): entries for its records, and what became of them.

local assert = require "luassert"
local scene = require "spec.support.scene"

local closings = {
  --- The request of a batch, as the sandbox names it.
  BULK = "POST /usage/records/close-records",
}

--- The id of the n-th record of the sandbox.
---@param number integer
---@return string
function closings.id(number) return ("UR-2026-01-0000-0000-0000-%04d"):format(number) end

--- Entries for the records first to last, under billing ids of their own.
---@param first integer
---@param last integer
---@return table[]
function closings.entriesOf(first, last)
  local list = {}
  for number = first, last do
    list[#list + 1] = { id = closings.id(number), external_billing_id = "RUN-" .. number }
  end
  return list
end

--- An iterator over a list, and a table whose first field counts what was asked for.
function closings.counting(list)
  local count = { 0 }
  return function()
    count[1] = count[1] + 1
    return list[count[1]]
  end, count
end

--- Whether the counts by outcome are the total, which stands in the field of that name.
function closings.addsUp(counts, total)
  local sum = 0
  for name, count in pairs(counts) do
    if name ~= total and name ~= "repeated" and math.type(count) then sum = sum + count end
  end
  return sum == counts[total]
end

--- Closes entries and collects what became of each.
---@return table summary
---@return table<string, string> outcomes by id
function closings.closeAll(s, list, options)
  local outcomes, given = {}, { retries = 1 }
  for name, value in pairs(options or {}) do given[name] = value end
  given.onResult = function(entry, outcome)
    assert.is_nil(outcomes[entry.id])
    outcomes[entry.id] = outcome
  end
  local summary = s.client.usageRecords:closeMany(list, given)
  assert.is_true(closings.addsUp(summary, "read"))
  return summary, outcomes
end

--- How often each record was closed, as the sandbox carried it out; each under its own billing id.
---@return table<string, integer> times by id
function closings.timesClosed(s)
  local times = {}
  for _, entry in ipairs(scene.applied(s.sandbox, "close")) do
    times[entry.id] = (times[entry.id] or 0) + 1
    assert.equal("RUN-" .. tonumber(entry.id:match "%d+$"), entry.external_billing_id)
  end
  return times
end

--- Every record from first to last was closed once, under its own billing id.
function closings.assertClosedOnce(s, first, last)
  local times = closings.timesClosed(s)
  for number = first, last do assert.equal(1, times[closings.id(number)], closings.id(number)) end
end

--- How often the sandbox received a request.
function closings.countOf(s, request)
  local n = 0
  for _, line in ipairs(s:requests()) do n = n + (line == request and 1 or 0) end
  return n
end

return closings
