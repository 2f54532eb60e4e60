--- Judges a run of faultruns.lua or faultcrowds.lua: do the sandbox's journal and the client's answers agree?
---
---   * no object was closed twice, and none under a billing id that nobody asked for;
---   * a success was carried out, a close exactly once and under our billing id;
---   * what is rejected or unsent was not carried out; what is unsent was not even received;
---   * unknown is said only where a fault left doubt;
---   * nothing was sent again that could have been carried out, unless the record was read in between.

local content = require "cloudblue.connect.sandbox.http.content"

local faultjudge = {}

-- Bytes of a download, see faultruns.SANDBOX.
local DOWNLOAD = 3000

-- What leaves doubt, besides an attempt that ran out of time.
local DOUBTFUL = {
  ["refuse"] = true, ["hang"] = true, ["reset-before"] = true, ["reset-after"] = true, ["reset-middle"] = true,
  ["truncate"] = true, ["garbage"] = true, ["empty"] = true, ["oversized"] = true,
  ["alter"] = true, ["trailers"] = true, ["gzip"] = true,
}
local OTHER_BYTES = { garbage = true, empty = true, oversized = true }

-- A status that settles nothing: only a 2xx and a 4xx other than 408 do.
local function isDoubtfulStatus(status)
  return status >= 300 and status < 400 or status == 408 or status >= 500
end

local function pathOf(request)
  return (request.path:gsub("^/public/v1", ""):gsub("%?.*", ""))
end

--- Whether a request is the call's own, rather than one that confirms.
local function isMain(call, request)
  local path = pathOf(request)
  return request.method == call.method and (path == call.path or path == call.otherPath)
end

local function isProbe(call, request)
  return request.method == "GET" and pathOf(request) == call.probe
end

--- The requests of a call that are its own.
local function mains(call)
  local list = {}
  for _, request in ipairs(call.received) do
    if isMain(call, request) then list[#list + 1] = request end
  end
  return list
end

--- What was received late, in the time of another call, goes to the call whose tag its body has: one that was cut off
--- may have written its request.
---@param run table of calls made one after the other
function faultjudge.sortOut(run)
  local function ownerOf(request, number)
    for _, call in ipairs(run.calls) do
      if call.number >= number then return nil end
      if request.body:find(call.tag, 1, true) then return call end
    end
  end
  for _, call in ipairs(run.calls) do
    for index = #call.received, 1, -1 do
      local owner = ownerOf(call.received[index], call.number)
      if owner then table.insert(owner.received, table.remove(call.received, index)) end
    end
  end
end

--- The calls whose own request it may be, and those that it may confirm for. A tag in the body says whose it is.
local function sendersOf(run, request)
  local senders, probers = {}, {}
  for _, call in ipairs(run.calls) do
    if isMain(call, request) then
      if request.body:find(call.tag, 1, true) then return { call }, {} end
      senders[#senders + 1] = call
    elseif isProbe(call, request) then
      probers[#probers + 1] = call
    end
  end
  return senders, probers
end

--- Hands out what was received while calls ran at once: each gets, as `received`, its own requests, and the reads of
--- its object. Where several may have sent a request, they are `mixed`: how much each has sent is not known.
---@param run table
---@param log table[]
function faultjudge.attribute(run, log)
  for _, call in ipairs(run.calls) do call.received = {} end
  for _, request in ipairs(log) do
    local senders, probers = sendersOf(run, request)
    if #senders == 1 and #probers == 0 then
      table.insert(senders[1].received, request)
    else
      for _, call in ipairs(senders) do call.mixed = true end
      for _, call in ipairs(probers) do table.insert(call.received, request) end
    end
  end
end

--- Whether something happened to the call that leaves doubt.
local function isDoubtful(call)
  if call.connectFaults > 0 or call.timedOut or call.closed or call.mixed or call.givenUp then return true end
  local sent = mains(call)
  for i, request in ipairs(sent) do
    -- A close that was told to come later, and is then refused, must be confirmed; that may not succeed.
    local later = request.fault == "status" and (request.status == 429 or request.status == 503)
    if call.kind == "close" and later and i < #sent then return true end
    if DOUBTFUL[request.fault] or request.fault == "status" and isDoubtfulStatus(request.status) then return true end
  end
  return false
end

--- The journal's entries of an action on an object, or, without an id, on any rule of a product.
local function entriesOf(journal, action, id)
  local list = {}
  for _, entry in ipairs(journal) do
    local about = id == nil and entry.kind == "rule" or entry.id == id
    if entry.action == action and about then list[#list + 1] = entry end
  end
  return list
end

--- What a call says of itself. One that was given up says nothing, and one that was never made nothing either, but
--- of that one more is known.
local function outcomeOf(call)
  if call.notMade then return "unsent" end
  if call.givenUp then return "unknown" end
  return call.failure and call.failure.outcome or "success"
end

-- ==== What was carried out ============================================

local function judgeClose(call, journal, report)
  local entries = entriesOf(journal, "close", call.id)
  local entry = entries[1]
  local ours = entry ~= nil and entry.external_billing_id == call.bill and entry.route ~= "somebody else"
  local outcome = outcomeOf(call)
  if #entries > 1 then
    report(call.id .. " was closed " .. #entries .. " times")
  elseif outcome == "success" then
    if not ours then report "a success was not carried out" end
    if call.result.id ~= call.id or call.result.status ~= "closed" then report "a success shows another object" end
  elseif outcome ~= "unknown" and ours then
    report(outcome .. ", but it was carried out")
  end
end

local function judgeUpdate(call, journal, report)
  local count = 0
  for _, entry in ipairs(entriesOf(journal, "update", call.id)) do
    if entry.external_id == call.mark:sub(1, 100) then count = count + 1 end
  end
  local outcome = outcomeOf(call)
  if outcome == "success" and count == 0 then report "a success was not carried out" end
  if (outcome == "rejected" or outcome == "unsent") and count > 0 then
    report(outcome .. ", but it was carried out")
  end
end

--- Actions that leave no mark of their call: as many as succeeded, and at most those that are unknown besides.
local function judgeNumbers(run, action, id, journal, report)
  local success, unknown = 0, 0
  for _, call in ipairs(run.calls) do
    if call.kind == action and call.id == id then
      local outcome = outcomeOf(call)
      if outcome == "success" then success = success + 1 end
      if outcome == "unknown" then unknown = unknown + 1 end
    end
  end
  local count = #entriesOf(journal, action, id)
  if count < success or count > success + unknown then
    report(("%s was carried out %d times, with %d successes and %d unknown"):format(action, count, success, unknown))
  end
end

local function judgeCreated(call, journal, report)
  -- A 2xx without a body says no more than that it was done.
  if outcomeOf(call) ~= "success" or call.result == true then return end
  if #entriesOf(journal, "create", call.result.id) ~= 1 then report "what was created is not there" end
end

local function judgeRead(call, _, report)
  if outcomeOf(call) == "success" and call.id and call.result.id ~= call.id then report "another record was read" end
end

local function judgeDownload(call, _, report)
  local sent = mains(call)
  -- Any bytes may be a file, also those that a fault put into a right reply.
  if outcomeOf(call) ~= "success" or call.mixed or #sent == 0 or OTHER_BYTES[sent[#sent].fault] then return end
  local got = call.pieces and table.concat(call.pieces) or call.result
  local bytes = {}
  for piece in content.generated(call.id, DOWNLOAD).each() do bytes[#bytes + 1] = piece end
  if got ~= table.concat(bytes) then report "the bytes are not those of the file" end
end

local function judgeUpload(call, journal, report)
  local count = 0
  for _, entry in ipairs(journal) do
    if entry.kind == "reconciliation" and entry.note == call.mark then
      count = count + 1
      if entry.size ~= 1500 then report "what was uploaded is not whole" end
    end
  end
  local outcome = outcomeOf(call)
  if outcome == "success" and count ~= 1 or outcome == "unknown" and count > 1 or
    (outcome == "rejected" or outcome == "unsent") and count > 0 then
    report(("%s, and carried out %d times"):format(outcome, count))
  end
end

local KINDS = {
  download = judgeDownload,
  upload = judgeUpload,
  close = judgeClose,
  update = judgeUpdate,
  get = judgeRead,
  search = judgeRead,
  create = judgeCreated,
  regenerate = function() end,
  delete = function() end,
}

--- Closes that no call of the run asked for.
local function judgeStrangers(run, journal, report)
  local asked = {}
  for _, call in ipairs(run.calls) do
    if call.kind == "close" then asked[call.id .. " " .. tostring(call.bill)] = true end
  end
  for _, entry in ipairs(journal) do
    local bill = tostring(entry.external_billing_id)
    local ours = entry.action == "close" and entry.route ~= "somebody else"
    if ours and not asked[entry.id .. " " .. bill] then
      report(("%s was closed under %s, which nobody asked for"):format(entry.id, bill))
    end
  end
end

-- ==== What was sent ===================================================

--- How many requests of earlier calls may be received among those of a call: those that were written when their call
--- was cut off, and are not in the log of its own time.
local function lateOnes(run, call)
  local count = 0
  for _, earlier in ipairs(run.calls) do
    if run.crowd or earlier.number >= call.number then break end
    local isAlike = earlier.method == call.method and earlier.path == call.path
    if isAlike and outcomeOf(earlier) == "unknown" and #mains(earlier) == 0 then count = count + 1 end
  end
  return count
end

--- Nothing that may have been carried out is sent again, unless the object was read in between. A GET, PUT or DELETE
--- may be. Where an attempt ran out of time while others were in flight, it may have been received late: then there
--- were at least as many reads as repetitions.
local function judgeSending(run, call, report)
  local probed, probes, repeated, unasked = false, 0, 0, 0
  local previous
  local late = lateOnes(run, call)
  for _, request in ipairs(call.received) do
    if isMain(call, request) and late > 0 then
      late = late - 1
    elseif isMain(call, request) then
      local again = previous and pathOf(previous) == pathOf(request)
      local later = again and previous.fault == "status" and (previous.status == 429 or previous.status == 503)
      if again and not later then
        repeated = repeated + 1
        unasked = unasked + (probed and 0 or 1)
      end
      previous, probed = request, false
    elseif call.probe and isProbe(call, request) then
      probed, probes = true, probes + 1
    end
  end
  if run.crowd and call.timedOut then unasked = repeated - probes end
  if call.method == "POST" and unasked > 0 then report "it was sent again unasked" end
end

--- What follows from the number of requests that were received.
local function judgeCount(run, call, report)
  local outcome, sent = outcomeOf(call), #mains(call)
  if outcome == "unsent" and sent > 0 then report "unsent, but it was received" end
  -- An attempt that got lost on its way may have been overtaken by another's close.
  if outcome == "rejected" and sent == 0 and not isDoubtful(call) then report "rejected, but never received" end
  if outcome == "success" and sent == 0 and not call.mixed then report "a success that was never received" end
  local routes = call.otherPath and 2 or 1
  if call.method == "POST" and sent > routes * (run.options.retries + 1) then report "sent too often" end
  -- A GET may go again by itself where a kept connection was closed.
  if call.begun and call.method ~= "GET" and sent > call.begun then report "sent without having been begun" end
end

local function judgeOutcome(call, report)
  local outcome = outcomeOf(call)
  if outcome == "unknown" and not isDoubtful(call) then report "unknown, but no fault left doubt" end
  if outcome == "unknown" and call.method == "GET" and not call.givenUp then
    report "a read that may have changed something"
  end
  if outcome == "applied" then report "a failure that says applied" end
end

--- Judges a run that was carried out.
---@param run table each call has what was `received` of it
---@param journal table[] the sandbox's
---@return string[] problems
function faultjudge.judge(run, journal)
  local problems = {}
  local function reporter(about)
    return function(problem) problems[#problems + 1] = about .. ": " .. problem end
  end
  for _, call in ipairs(run.calls) do
    local report = reporter("call " .. call.number)
    if call.raised then
      report("raised " .. call.raised)
    else
      KINDS[call.kind](call, journal, report)
      judgeSending(run, call, report)
      judgeCount(run, call, report)
      judgeOutcome(call, report)
      if call.failure and call.failure.attempts > run.options.retries + 1 then report "too many attempts" end
    end
  end
  local whole, seen = reporter "the run", {}
  judgeStrangers(run, journal, whole)
  for _, call in ipairs(run.calls) do
    local key = call.kind .. " " .. tostring(call.id)
    if not seen[key] and (call.kind == "create" or call.kind == "regenerate" or call.kind == "delete") then
      judgeNumbers(run, call.kind, call.id, journal, whole)
    end
    seen[key] = true
  end
  return problems
end

--- Adds a run to a summary.
---@param run table
---@param log table[]
---@param summary table
function faultjudge.count(run, log, summary)
  summary.runs, summary.requests = summary.runs + 1, summary.requests + #log
  for _, request in ipairs(log) do
    if request.fault then summary.faults = summary.faults + 1 end
  end
  for _, call in ipairs(run.calls) do
    local outcome = outcomeOf(call)
    summary.calls = summary.calls + 1
    summary[outcome] = (summary[outcome] or 0) + 1
    if call.givenUp then summary.givenUp = summary.givenUp + 1 end
    if outcome == "success" and call.kind == "close" and call.result and call.result.confirmed then
      summary.confirmed = summary.confirmed + 1
    end
  end
end

return faultjudge
