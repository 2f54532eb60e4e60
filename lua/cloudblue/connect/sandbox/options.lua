--- The options of a sandbox: their defaults and what they may be.

local faults = require "cloudblue.connect.sandbox.http.faults"
local json = require "cloudblue.connect.sandbox.json"

local options = {}

local function isString(value)
  return type(value) == "string" and value ~= "", "a string that is not empty"
end

local function isKey(value)
  local isOne = type(value) == "string" and value:find("^%S.*%S$") ~= nil and not value:find("%c")
  return isOne, "a key: not empty, without blanks around it, without control characters"
end

local function isBoolean(value)
  return type(value) == "boolean", "true or false"
end

local function isSeconds(value)
  return type(value) == "number" and value >= 0 and value < 1e9, "a number of seconds"
end

local function isCount(value)
  return type(value) == "number" and math.tointeger(value) ~= nil and value >= 0, "an integer that is not negative"
end

local function isPort(value)
  local count = isCount(value)
  return count and value <= 65535, "a port from 0 to 65535"
end

--- A check for a list of the given words, with at least one entry.
local function isListOf(...)
  local words = {}
  for _, word in ipairs { ... } do
    words[word] = true
  end
  local wanted = "a list of " .. table.concat({ ... }, ", ")
  return function(value)
    if type(value) ~= "table" or #value == 0 then
      return false, wanted
    end
    for _, entry in ipairs(value) do
      if not words[entry] then
        return false, wanted
      end
    end
    return true, wanted
  end
end

local function isRecords(value)
  if isCount(value) then
    return true
  end
  return type(value) == "table" or type(value) == "function", "a count, a list of records, or a function"
end

local function isScript(value)
  local ok, problem = faults.check(value)
  return ok, "a script of faults; " .. (problem or "")
end

local fileStatuses = isListOf("draft", "uploading", "uploaded", "invalid", "processing", "ready", "rejected", "pending",
  "accepted", "closed", "deleted")

---@class SandboxOptions
---@field port? integer the port to listen on; 0 (the default) takes a free one
---@field host? string the address to listen on, 127.0.0.1
---@field apiKey? string the one Authorization value that is accepted
---@field records? integer|table[]|fun(index: integer): table? how many records, or which (1000)
---@field statuses? string[] the statuses that generated records have in turn ({"approved"})
---@field files? string[] the statuses of the seeded usage files; the first file has the records
---@field chunks? integer how many chunks an accepted usage file has (2)
---@field chunkStatuses? string[] the statuses that chunks have in turn ({"ready"})
---@field bulkRoute? boolean whether POST /usage/records/close-records exists (true)
---@field bulkRows? integer how many records that route takes at most (1000)
---@field bulkBytes? integer how many bytes its body may have (5,000,000)
---@field strictFilters? boolean whether a filter that the API doesn't know is an error (true)
---@field shuffleLists? boolean whether a list without an ordering has another order each time (false)
---@field seed? integer what the order of equal entries is drawn from (1)
---@field uploadRecords? integer how many records an uploaded spreadsheet holds (10)
---@field uploadReads? integer how many reads of a file it takes until its upload is processed (0)
---@field downloadBytes? integer the size of generated downloads (16384)
---@field faults? table[] what goes wrong, see http/faults.lua
---@field requestLog? integer how many requests are remembered (10000)
---@field bodyLog? integer how many bytes of a request's body are remembered (1048576)
---@field keepAlive? number seconds that an idle connection is kept (60)
---@field verbose? boolean whether a line is printed for each request (false)

--- name → {default, check, whether it can be changed while the sandbox runs}
local KNOWN = {
  port = { 0, isPort },
  host = { "127.0.0.1", isString },
  apiKey = { "ApiKey SU-000-000-000:not-a-secret", isKey, true },
  records = { 1000, isRecords },
  statuses = { { "approved" }, isListOf("valid", "invalid", "approved", "rejected", "closed") },
  files = { { "accepted", "ready", "pending", "draft" }, fileStatuses },
  chunks = { 2, isCount },
  chunkStatuses = { { "ready" }, isListOf("draft", "ready", "closed", "failed") },
  bulkRoute = { true, isBoolean, true },
  bulkRows = { 1000, isCount, true },
  bulkBytes = { 5000000, isCount, true },
  strictFilters = { true, isBoolean, true },
  shuffleLists = { false, isBoolean, true },
  seed = { 1, isCount },
  uploadRecords = { 10, isCount, true },
  uploadReads = { 0, isCount, true },
  downloadBytes = { 16384, isCount, true },
  faults = { {}, isScript, true },
  requestLog = { 10000, isCount },
  bodyLog = { 1048576, isCount },
  keepAlive = { 60, isSeconds },
  verbose = { false, isBoolean, true },
}

--- For `configure` alone: whether the port is open.
local RUNNING = { listening = { true, isBoolean, true } }

--- Checks options.
---@param given table<string, any>
---@param running boolean whether these are for a running sandbox (configure) or a new one
---@return true|nil ok
---@return string? problem the first thing that is wrong
function options.check(given, running)
  for name, value in pairs(given) do
    local known = KNOWN[name] or running and RUNNING[name]
    if not known then
      return nil, string.format("unknown option '%s'", tostring(name))
    elseif running and not known[3] then
      return nil, string.format("option '%s' can't be changed while the sandbox runs", name)
    end
    local ok, wanted = known[2](value)
    if not ok then
      return nil, string.format("option '%s' must be %s", name, wanted)
    end
  end
  return true
end

--- The records of a list, or those that a function returns; lua-cjson must be able to write every number.
local function givenRecords(records)
  local list = records
  if type(records) == "function" then
    list = {}
    for index = 1, math.huge do
      local record = records(index)
      if record == nil then
        break
      end
      list[index] = record
    end
  end
  local where = json.inexact(list, "records")
  if where then
    return nil, where .. " has more than the 14 significant digits that lua-cjson writes"
  end
  return list
end

--- The options a sandbox runs with: the given ones, checked, and the defaults.
---@param given table<string, any>
---@return table<string, any>|nil complete
---@return string? problem
function options.complete(given)
  local ok, problem = options.check(given, false)
  if not ok then
    return nil, problem
  end
  local complete = {}
  for name, known in pairs(KNOWN) do
    complete[name] = known[1]
    if given[name] ~= nil then
      complete[name] = given[name]
    end
  end
  if type(complete.records) ~= "number" then
    complete.records, problem = givenRecords(complete.records)
  end
  if problem then
    return nil, problem
  end
  return complete
end

return options
