--- The options of `records:closeMany`. What they mean says `meta.lua`.

local core = require "cloudblue.connect.core"

local options = {
  --- Entries of a batch, unless it is said otherwise.
  BATCH_SIZE = 100,
}

local function isPositive(value) return type(value) == "number" and value > 0 and value < math.huge end
local function isCount(value) return math.type(value) == "integer" and value >= 1 end
local function isFunction(value) return type(value) == "function" end
local function isName(value) return type(value) == "string" and value ~= "" and not value:find("\0", 1, true) end

-- name -> test, and what it wants.
local OPTIONS <const> = {
  batchSize = { isCount, "an integer, 1 or more" },
  concurrency = { isCount, "an integer, 1 or more" },
  maxRefused = { function(value) return math.type(value) == "integer" and value >= 0 end, "an integer, 0 or more" },
  maxDuration = { isPositive, "a number of seconds" },
  perSecond = { isPositive, "a number, more than 0" },
  onResult = { isFunction, "a function" },
  onProgress = { isFunction, "a function" },
  shouldStop = { isFunction, "a function" },
  ledger = { isName, "the name of a file, or postgres://…" },
  lease = { isPositive, "a number of seconds" },
}

-- The limits of each call.
local LIMITS <const> = { "timeout", "connectTimeout", "deadline", "retries" }

local NAMES = table.move(LIMITS, 1, #LIMITS, 1, {})
for name in pairs(OPTIONS) do NAMES[#NAMES + 1] = name end

local function isLimit(name)
  for _, limit in ipairs(LIMITS) do
    if name == limit then return true end
  end
  return false
end

--- The limits among the options, for each call of a run.
---@param given table
---@return cloudblue.connect.Limits
function options.limitsOf(given)
  local limits = {}
  for _, name in ipairs(LIMITS) do limits[name] = given[name] end
  return limits
end

--- What is wrong with the options.
---@param given any
---@return string? problem nil where nothing is
function options.problemOf(given)
  if type(given) ~= "table" then return "options must be a table, got " .. type(given) end
  for name, value in pairs(given) do
    local option = OPTIONS[name]
    if option then
      local isFit, wanted = table.unpack(option)
      if not isFit(value) then return ("option '%s' must be %s, got %s"):format(name, wanted, tostring(value)) end
    elseif not isLimit(name) then
      return core.unknownOption(name, NAMES)
    end
  end
  return select(2, core.readLimits(options.limitsOf(given)))
end

return options
