--- What a run did not close: the first of it in words, all of it in the report.

local ledgers = require "cloudblue.connect.command.ledgers"
local report = require "cloudblue.connect.command.report"

local refusals = {}

-- So many are said in words.
local SHOWN <const> = 10

local Refusals = {}
Refusals.__index = Refusals

--- Begins to note what is not closed.
---@param given {report: string?, ledger: string?} options of the command line
---@return table|nil refusals
---@return string? problem
function refusals.open(given)
  local self = setmetatable({ ledger = given.ledger, count = 0, shown = {} }, Refusals)
  if given.report then
    local problem
    self.report, problem = report.open(given.report)
    if not self.report then return nil, problem end
  end
  return self
end

-- A failure in a line. What was called, and where, is no news here.
local function wordsOf(what)
  if what == nil then return nil end
  local code = what.errorCode and what.errorCode .. ": " or ""
  return (what.status or 0) >= 300 and ("%d %s%s"):format(what.status, code, what.message) or code .. what.message
end

--- Notes what became of an entry.
---@param entry cloudblue.connect.Entry
---@param outcome string
---@param what any the failure, if any
function Refusals:add(entry, outcome, what)
  local words = outcome ~= "closed" and outcome ~= "already" and wordsOf(what) or nil
  if outcome == "refused" or outcome == "unknown" then
    self.count = self.count + 1
    if self.count <= SHOWN then
      self.shown[self.count] = ("%s: %s%s"):format(outcome, entry.id, words and ": " .. words or "")
    end
  end
  -- With a ledger the report is of all that it holds, not of this run alone.
  if self.report and not self.ledger then self.report:add(entry, outcome, words) end
end

local function sayShown(self, voice)
  for _, words in ipairs(self.shown) do voice:say(words) end
  local more = self.count - #self.shown
  if more > 0 then voice:say(("and %d more%s"):format(more, self.report and "" or "; --report lists them")) end
end

--- Says what there is to say, and finishes the report.
---@param voice table
function Refusals:finish(voice)
  sayShown(self, voice)
  if not self.report then return end
  local done, problem = true, nil
  if self.ledger then
    done, problem = ledgers.eachUnclosed(self.ledger, function(...) self.report:add(...) end)
  end
  if done then done, problem = self.report:finish() end
  if not done then
    voice:warn("--report: " .. problem)
    return
  end
  if self.report.count > 0 then
    voice:say(("%s has what was not closed; it can be given to `connect-usage close`."):format(self.report.path))
  end
end

--- Leaves no report.
function Refusals:drop()
  if self.report then self.report:drop() end
end

return refusals
