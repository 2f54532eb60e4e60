--- The report of a run: what was not closed, as CSV that can be given back as input.

local keys = require "cloudblue.connect.command.input.keys"
local output = require "cloudblue.connect.command.output"

local report = {}

local HEADER <const> = { keys.ID, keys.BILLING_ID, keys.NOTE, "outcome", "message" }

-- What a report lists.
local LISTED <const> = { refused = true, unknown = true, notTried = true }

local Report = {}
Report.__index = Report

--- A line of a report.
---@param entry cloudblue.connect.Entry
---@param outcome string
---@param message string?
---@return string line
function report.line(entry, outcome, message)
  -- In one line, whatever the service says.
  message = (message or ""):gsub("[%c]+", " ")
  local billingId, note = entry.external_billing_id or "", entry.external_billing_note or ""
  return output.csvLine { entry.id, billingId, note, outcome, message }
end

--- The first line of a report.
---@return string line
function report.header()
  return output.csvLine(HEADER)
end

--- Begins a report. The file is there when it is whole: it may be the very input of the run.
---@param path string
---@return table|nil report
---@return string? problem
function report.open(path)
  local partial = path .. ".partial"
  local file, problem = io.open(partial, "wb")
  if not file then return nil, problem end
  local self = setmetatable({ path = path, partial = partial, file = file, count = 0 }, Report)
  self:write(report.header())
  return self
end

-- Keeps the first problem; `finish` returns it.
function Report:write(line)
  local written, problem = self.file:write(line)
  if not written then self.problem = self.problem or problem end
end

--- Adds an entry, unless it is closed.
---@param entry cloudblue.connect.Entry
---@param outcome string
---@param message string?
function Report:add(entry, outcome, message)
  if not LISTED[outcome] then return end
  self.count = self.count + 1
  self:write(report.line(entry, outcome, message))
end

--- Ends the report: from now on it is there.
---@return boolean? done
---@return string? problem beside nil
function Report:finish()
  local closed, problem = self.file:close()
  problem = self.problem or not closed and problem or nil
  if not problem then
    local renamed
    renamed, problem = os.rename(self.partial, self.path)
    if renamed then return true end
  end
  return nil, ("%s can't be written: %s"):format(self.path, problem)
end

--- Leaves no report.
function Report:drop()
  self.file:close()
  os.remove(self.partial)
end

return report
