--- A script of faults while it runs: which request meets which fault.

local faults = require "cloudblue.connect.sandbox.http.faults"

local Script = {}
Script.__index = Script

--- The Lua pattern for a path of `on`.
local function patternOf(path)
  local escaped = path:gsub("[%^%$%(%)%%%.%[%]%+%-%?]", "%%%0")
  return "^" .. escaped:gsub("%*%*", "\0"):gsub("%*", "[^/]+"):gsub("%z", ".*") .. "$"
end

--- Makes a script ready to run; its counts are 0.
---@param rules table[] checked ones, see faults.lua
---@return table script `resets` says whether connections have to be reset
function Script.new(rules)
  local script = setmetatable({ resets = false }, Script)
  for number, given in ipairs(rules) do
    local fault = faults.of(given.fault)
    local rule = { matches = 0, fired = 0, applied = fault.byDefault, replies = fault.replies, resets = fault.resets }
    for name, value in pairs(given) do
      rule[name] = value
    end
    if rule.on ~= "connect" then
      local method, path = rule.on:match("^(%S+) (%S+)$")
      rule.method, rule.pattern = method, patternOf(path)
    end
    rule.nth = rule.nth or 1
    rule.count = rule.count == "all" and math.huge or rule.count or rule.every and math.huge or 1
    rule.every = rule.every or 1
    script[number] = rule
    script.resets = script.resets or fault.resets == true
  end
  return script
end

local function fires(rule)
  local past = rule.matches - rule.nth
  return past >= 0 and past % rule.every == 0 and rule.fired < rule.count
end

local function pick(script, matches)
  local chosen
  for _, rule in ipairs(script) do
    if matches(rule) then
      rule.matches = rule.matches + 1
      if not chosen and fires(rule) then
        rule.fired = rule.fired + 1
        chosen = rule
      end
    end
  end
  return chosen
end

--- The rule that a request meets, if any. Counts the request.
---@param method string
---@param path string without the prefix of the API and without the query
---@return table? rule
function Script:atRequest(method, path)
  return pick(self, function(rule)
    return rule.pattern and (rule.method == "*" or rule.method == method) and path:match(rule.pattern) ~= nil
  end)
end

--- The rule that a new connection meets, if any. Counts the connection.
---@return table? rule
function Script:atConnect()
  return pick(self, function(rule)
    return not rule.pattern
  end)
end

--- What happened to each rule.
---@return table[] rules {on=, fault=, matches=, fired=}
function Script:describe()
  local rules = {}
  for number, rule in ipairs(self) do
    rules[number] = { on = rule.on, fault = rule.fault, matches = rule.matches, fired = rule.fired }
  end
  return rules
end

return Script
