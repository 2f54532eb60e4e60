--- The faults, and what a script of them may say. script.lua runs one.
---
--- A rule is a table:
---
---     {on = "POST /usage/records/*/close", nth = 2, count = 3, fault = "reset-after"}
---
--- `on` is a method (or *) and a path without /public/v1; `*` stands for one segment, `**` for any
--- number. `on = "connect"` counts connections and goes with refuse and hang only. The rule fires at
--- its nth match (1) and at the matches after it, `count` times (1; "all" for ever); with `every = n`
--- at every n-th match from there on (and then for ever). Where several rules would fire, the first
--- does; every rule counts all its matches. The other members belong to the fault, see FAULTS.

local faults = {}

local function isSeconds(value)
  return type(value) == "number" and value >= 0
end

local function isCount(value)
  return type(value) == "number" and math.tointeger(value) ~= nil and value >= 0
end

local function isPositive(value)
  return isCount(value) and value > 0
end

local function isBoolean(value)
  return type(value) == "boolean"
end

local function isString(value)
  return type(value) == "string"
end

local function isStatus(value)
  return isCount(value) and value >= 200 and value <= 999
end

local function isTable(value)
  return type(value) == "table"
end

--- Names and values as they stand in the head of a reply, or behind its body.
local function isHeaders(value)
  for name, text in pairs(isTable(value) and value or { false }) do
    if type(name) ~= "string" or not name:find("^[%w_-]+$") or type(text) ~= "string" or text:find("%c") then
      return false
    end
  end
  return true
end

local function isNames(value)
  for _, name in ipairs(isTable(value) and value or { false }) do
    if type(name) ~= "string" then
      return false
    end
  end
  return true
end

--- What a rule may have besides, whatever its fault is.
local COMMON = {
  on = isString,
  fault = isString,
  nth = isPositive,
  every = isPositive,
  count = function(value)
    return value == "all" or isPositive(value)
  end,
  closeAs = isString,
}

--- fault → its members with their checks. `applied` is whether the request takes effect: where it is
--- listed as a member, a rule may say so; `byDefault` is what holds otherwise. `replies` says that the
--- fault needs the right reply: of a request that takes no effect, the reply which it would have got.
local FAULTS = {
  -- The connection is reset before the body is read; the port is closed for `seconds`.
  ["refuse"] = { byDefault = false, resets = true, seconds = isSeconds },
  -- No reply; the connection is closed after `seconds`, or never.
  ["hang"] = { byDefault = false, seconds = isSeconds, applied = isBoolean },
  -- Applied and answered, `seconds` late.
  ["delay"] = { byDefault = true, seconds = isSeconds },
  -- The reply comes in pieces of `bytes` (64), `seconds` (0.001) apart.
  ["slow"] = { byDefault = true, replies = true, seconds = isSeconds, bytes = isPositive },
  ["reset-before"] = { byDefault = false, resets = true },
  ["reset-after"] = { byDefault = true, resets = true },
  -- Reset after `bytes` of the reply's body (half of it).
  ["reset-middle"] = { byDefault = true, replies = true, resets = true, bytes = isCount, applied = isBoolean },
  -- Closed in order after `bytes` of the reply's body (half of it).
  ["truncate"] = { byDefault = true, replies = true, bytes = isCount, applied = isBoolean },
  -- The right reply with other members (`set`), with some left out (`without`), or with another 2xx `status`; in a
  -- list, each entry. A refusal comes as it is.
  ["alter"] = {
    byDefault = true,
    replies = true,
    set = isTable,
    without = isNames,
    status = isStatus,
    applied = isBoolean,
  },
  -- In chunks, with `trailers` behind them and `bytes` (0) more of such; with `cut` the last line of all is missing
  -- and the connection is closed.
  ["trailers"] = {
    byDefault = true,
    replies = true,
    trailers = isHeaders,
    bytes = isCount,
    cut = isBoolean,
    applied = isBoolean,
  },
  -- Packed by gzip, with so many bytes `missing` (0) at its end, and a Content-Length of what is there.
  ["gzip"] = { byDefault = true, replies = true, missing = isCount, applied = isBoolean },
  -- 200 with a body that is no JSON.
  ["garbage"] = { byDefault = true, applied = isBoolean },
  -- 200 without a body.
  ["empty"] = { byDefault = true, applied = isBoolean },
  -- `status` with an error object, with a page of HTML when `plain`, or with the given `body` of JSON; `headers`
  -- besides.
  ["status"] = {
    byDefault = false,
    status = isStatus,
    applied = isBoolean,
    plain = isBoolean,
    body = isString,
    headers = isHeaders,
    retryAfter = function(value)
      return isCount(value) or isString(value)
    end,
    retryAfterDate = isSeconds,
  },
  -- 200 with a valid JSON body of `bytes` (70,000,000).
  ["oversized"] = { byDefault = true, bytes = isPositive, applied = isBoolean },
}

local AT_CONNECT = { refuse = true, hang = true }

local function checkRule(rule)
  local fault = type(rule) == "table" and FAULTS[rule.fault]
  if not fault then
    return type(rule) == "table" and string.format("there is no fault '%s'", tostring(rule.fault)) or "must be a table"
  elseif type(rule.on) ~= "string" or rule.on ~= "connect" and not rule.on:match("^%S+ /%S*$") then
    return "'on' must be a method and a path, or \"connect\""
  elseif rule.on == "connect" and not AT_CONNECT[rule.fault] then
    return "only refuse and hang can happen at connect"
  elseif rule.fault == "status" and not rule.status then
    return "'status' is missing"
  end
  for name, value in pairs(rule) do
    local check = COMMON[name] or type(fault[name]) == "function" and fault[name]
    if not check then
      return string.format("a %s has no '%s'", rule.fault, tostring(name))
    elseif not check(value) then
      return string.format("'%s' is not what it must be", name)
    end
  end
  return nil
end

--- Checks a script.
---@param script any
---@return true|nil ok
---@return string? problem
function faults.check(script)
  if type(script) ~= "table" then
    return nil, "must be a list of rules"
  end
  for number, rule in ipairs(script) do
    local problem = checkRule(rule)
    if problem then
      return nil, string.format("rule %d: %s", number, problem)
    end
  end
  if next(script) ~= nil and #script == 0 then
    return nil, "must be a list of rules"
  end
  return true
end

--- What is known of a fault.
---@param name string an existing one
---@return {byDefault: boolean, replies: boolean?, resets: boolean?} fault
function faults.of(name)
  return FAULTS[name]
end

return faults
