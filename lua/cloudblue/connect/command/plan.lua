--- The records that a condition finds, listed as a whole before any of them is closed.
---
--- The service has no order of its own, so a list of several pages may miss some and show others twice. It is read
--- again until it has had as many records as the service counts.

local plan = {}

-- Entries of a page, as many as the service sends.
local PAGE <const> = 1000

-- Times that a list is read.
local READINGS <const> = 5

---@class cloudblue.connect.command.Plan
---@field ids string[] each once
---@field statuses table<string, integer> how many records have which status
---@field total integer? what the service counted, where that is another number than that of the ids

local function isFailure(problem)
  local done, kind = pcall(function() return problem.kind end)
  return done and type(problem) ~= "string" and kind ~= nil
end

-- Calls a function that raises failures. Returns what it returns, or nil and the failure.
local function caught(fn, ...)
  local done, result = pcall(fn, ...)
  if done then return result end
  if not isFailure(result) then error(result, 0) end
  return nil, result
end

local function empty() return { ids = {}, statuses = {}, met = {} } end

-- Adds the records of one reading that are not there yet.
local function readOnce(records, query, list, onPage)
  for record in records:all(query, { limit = PAGE }) do
    if not list.met[record.id] then
      list.met[record.id] = true
      list.ids[#list.ids + 1] = record.id
      local status = tostring(record.status)
      list.statuses[status] = (list.statuses[status] or 0) + 1
      if onPage and #list.ids % PAGE == 0 then onPage(#list.ids) end
    end
  end
  return list
end

--- Lists the records.
---@param records cloudblue.connect.UsageRecordResource
---@param query string a condition in RQL
---@param onPage fun(count: integer)? called now and then
---@return cloudblue.connect.command.Plan|nil plan with `total` where the list did not hold still
---@return cloudblue.connect.Failure? failure beside nil
function plan.read(records, query, onPage)
  local list, total = empty(), nil
  for _ = 1, READINGS do
    -- More than there are: some have left the list, and are not to be closed.
    if total and #list.ids > total then list = empty() end
    local read, failure = caught(readOnce, records, query, list, onPage)
    if not read then return nil, failure end
    total, failure = records:count(query)
    if not total then return nil, failure end
    if #list.ids == total then return { ids = list.ids, statuses = list.statuses } end
  end
  return { ids = list.ids, statuses = list.statuses, total = total }
end

return plan
