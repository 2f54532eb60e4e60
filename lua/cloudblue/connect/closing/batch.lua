--- One batch of a run: sent by the bulk route, and what that leaves in doubt is settled record by record.
---
--- What may be believed: an entry of a 206 that says `closed`, and a record that was read. A refusal may be of a record
--- that is closed under ours already, so each refused record is read. A batch whose reply was lost may have been
--- carried out in any part: each of its records is read, and only those found open are sent again. Where the service
--- has no bulk route, or refuses a batch as a whole, its records are closed one by one, as `records:close` does.

local core = require "cloudblue.connect.core"

local batch = {}

-- Records of one batch that are read, or closed one by one, at once.
local AT_ONCE = 8

-- Times that records found open after a doubtful batch are sent again.
local ROUNDS = 3

-- A state for a record that does not exist.
local NONE <const> = "none"

local Batch = {}
Batch.__index = Batch

-- The places of the entries in the batch: needed only where it is not plainly closed.
local function placesOf(self)
  local places = {}
  for index, entry in ipairs(self.list) do places[entry] = index end
  self.places = places
  return places
end

-- `what`: the chunk, or the failure; nil for a close that a bulk reply reports.
local function add(self, entry, outcome, what)
  local place = (self.places or placesOf(self))[entry]
  self.outcomes[place], self.whats[place] = outcome, what
end

local function addClosed(self, list)
  if list ~= self.list then
    for _, entry in ipairs(list) do add(self, entry, "closed") end
  else
    for index = 1, #list do self.outcomes[index] = "closed" end
  end
end

-- A failure that concerns the run, not the record: the key is refused, or the service can't be had for now.
local function reasonToStop(failure)
  if failure.outcome == "unsent" then return "service" end
  if failure.outcome ~= "rejected" then return nil end
  if failure.status == 401 or failure.status == 403 then return "denied" end
  return (failure.status == 429 or failure.status == 503) and "service" or nil
end

local function stop(self, reason, failure, list)
  self.run:stop(reason, failure)
  for _, entry in ipairs(list) do add(self, entry, "notTried", failure) end
end

-- Runs a function for each entry, several at once.
local function forEach(self, list, fn)
  return self.run.client:parallel(AT_ONCE, list, fn)
end

-- ==== Reading ========================================================================================================

-- Reads a record. Nothing comes back where the client was closed meanwhile.
local function settle(self, entry)
  if self.run:isCut() then return nil end
  return self.run.records:settle(entry.id, entry.external_billing_id, entry.external_billing_note, self.run.limits)
end

-- What became of a refused record. `refusal`: the failure, and the state that the refusal reports (`NONE`: there is no
-- such record; nil: none). chunk, failure: what `settle` returned.
local function judgeRefused(self, refusal, chunk, failure)
  if chunk then return self.doubtful and "closed" or "already", chunk end
  if chunk == nil and not failure then return "unknown", refusal.failure end
  -- Open, whatever was refused; unless the refusal says otherwise.
  if not failure then return refusal.state == "closed" and "unknown" or "refused", refusal.failure end
  -- Closed by somebody else: that says more than the refusal.
  if failure.kind == "record" then return "refused", failure end
  -- It does not exist; else it could not be read, and may be closed under ours.
  return refusal.state == NONE and failure.status == 404 and "refused" or "unknown", refusal.failure
end

-- Refused records: one may be closed under ours all the same. `refusals`: entry -> see above.
local function readRefused(self, list, refusals)
  for entry, chunk, failure in forEach(self, list, function(entry) return settle(self, entry) end) do
    add(self, entry, judgeRefused(self, refusals[entry], chunk, failure))
  end
end

-- Records in doubt. Returns those that are open. Where the key is refused, or the service can't be had, the others are
-- not asked for, and the run ends.
local function readDoubtful(self, list)
  local open, isOver = {}, false
  for entry, chunk, failure in forEach(self, list, function(entry)
    if not isOver then return settle(self, entry) end
  end) do
    local reason = failure and reasonToStop(failure)
    if reason then
      isOver = true
      self.run:stop(reason, failure)
    end
    if chunk then
      add(self, entry, "closed", chunk)
    elseif chunk == false then
      open[#open + 1] = entry
    else
      add(self, entry, failure and failure.kind == "record" and "refused" or "unknown", failure)
    end
  end
  return open
end

-- Whether the batch may still be sent; a run that shares its list may have lost it to another. Where the ledger can't
-- say, the run is stopped.
local function isOurs(self)
  if self.lost then return false end
  if self.run:isCut() then self.run:stop "closed" end
  local renewed, failure = self.run.source:renew(self.list)
  if failure then self.run:stop("ledger", failure) end
  self.lost = renewed == false
  return renewed
end

-- ==== One by one =====================================================================================================

-- What became of a record that was closed by itself. `refused`, `refusals`: see readRefused.
local function addAnswer(self, entry, chunk, failure, refused, refusals)
  local reason = failure and reasonToStop(failure)
  if chunk then
    add(self, entry, "closed", chunk)
  elseif not failure or reason then
    stop(self, reason, failure, { entry })
  elseif failure.outcome == "rejected" and failure.kind ~= "record" then
    refused[#refused + 1] = entry
    refusals[entry] = { failure = failure, state = failure.status == 404 and NONE or nil }
  else
    add(self, entry, failure.outcome == "rejected" and "refused" or "unknown", failure)
  end
end

local function closeEach(self, list)
  local refused, refusals = {}, {}
  for entry, chunk, failure in forEach(self, list, function(entry)
    if not isOurs(self) or self.run.stopped then return nil end
    return self.run.records:close(entry.id, entry.external_billing_id, entry.external_billing_note, self.run.limits)
  end) do
    -- Of a batch that is lost, what was not sent is another worker's.
    if chunk or failure or not self.lost then addAnswer(self, entry, chunk, failure, refused, refusals) end
  end
  readRefused(self, refused, refusals)
end

-- ==== In bulk ========================================================================================================

-- The failure of one record in a bulk reply, from that of the batch's reply.
local function refusalOf(self, answer)
  return self.run:newFailure {
    kind = "record", outcome = "rejected", status = 206,
    errorCode = answer.error_codes, errors = { answer.error_details },
    message = tostring(answer.error_details),
  }
end

-- id -> what the reply says of it; nothing for one that it names twice.
local function answersOf(reply)
  local answers = {}
  for _, answer in ipairs(type(reply) == "table" and reply or {}) do
    local id = type(answer) == "table" and answer.id
    if type(id) == "string" then answers[id] = answers[id] == nil and answer or false end
  end
  return answers
end

-- The states of a record; anything else in their place settles nothing.
local STATES = { valid = true, invalid = true, approved = true, rejected = true, closed = true }

-- A refused record keeps its state; one that does not exist has none.
local function isRefused(answer)
  local hasError = type(answer.error_codes) == "string" and answer.error_codes ~= ""
  return hasError and (STATES[answer.status] or answer.status == nil)
end

local function isNothing(value) return value == nil or value == core.null or value == "" end

-- A record is closed where nothing else is said of it.
local function isClosed(answer)
  return answer.status == "closed" and isNothing(answer.error_codes) and isNothing(answer.error_details)
end

-- Sorts the entries by what the reply to the batch says. Returns those in doubt.
local function readReply(self, list, reply)
  local answers, refused, refusals, doubtful = answersOf(reply), {}, {}, {}
  for _, entry in ipairs(list) do
    local answer = answers[entry.id]
    if answer and isRefused(answer) then
      refused[#refused + 1] = entry
      refusals[entry] = { failure = refusalOf(self, answer), state = answer.status or NONE }
    elseif answer and isClosed(answer) then
      add(self, entry, "closed")
    else
      doubtful[#doubtful + 1] = entry
    end
  end
  readRefused(self, refused, refusals)
  return doubtful
end

local closeList

local function closeHalves(self, list)
  local middle = #list // 2
  closeList(self, table.move(list, 1, middle, 1, {}))
  closeList(self, table.move(list, middle + 1, #list, 1, {}))
end

-- Sends a batch. Returns the entries in doubt; nil where it dealt with all of them.
local function post(self, list)
  local run = self.run
  local before = run.now()
  local reply, failure = core.closeBatch(run.records, list, run.limits)
  run:tookSeconds(run.now() - before, #list, reply ~= nil)
  if reply == true then return addClosed(self, list) end
  if reply then return readReply(self, list, reply) end
  local reason = reasonToStop(failure)
  if reason then
    stop(self, reason, failure, list)
  elseif failure.outcome ~= "rejected" then
    return list
  elseif failure.status == 413 and #list > 1 then
    run:limitBatches(#list // 2)
    closeHalves(self, list)
  else
    run.hasBulkRoute = run.hasBulkRoute and failure.status ~= 404 and failure.status ~= 405
    closeEach(self, list)
  end
  return nil
end

-- Closes the entries of a list, with as many rounds as its doubts take. `doubtful`: they may have been sent before.
function closeList(self, list, doubtful)
  for _ = 0, ROUNDS do
    if doubtful then
      self.doubtful = true
      list = readDoubtful(self, list)
      if #list == 0 then return end
    end
    local ours = isOurs(self)
    if self.run.stopped then return stop(self, nil, nil, list) end
    if not ours then return end
    if not self.run.hasBulkRoute then return closeEach(self, list) end
    list = post(self, list)
    if not list or #list == 0 then return end
    doubtful = true
  end
  for _, entry in ipairs(readDoubtful(self, list)) do add(self, entry, "unknown") end
end

--- Closes a batch.
---@param run cloudblue.connect.closing.Run
---@param list cloudblue.connect.closing.Batch
---@return string[]? outcomes by position: "closed", "already", "refused", "unknown" or "notTried"; nil where the batch
--- is another run's by now
---@return table whats by position: the chunk or the failure; nil for a close that a bulk reply reports
function batch.close(run, list)
  local self = setmetatable({
    run = run, list = list, outcomes = {}, whats = {}, doubtful = false, lost = false,
  }, Batch)
  closeList(self, list, list.doubtful)
  if self.lost then return nil, {} end
  return self.outcomes, self.whats
end

return batch
