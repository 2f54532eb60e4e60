--- Random scripts of faults for faultruns.lua and faultcrowds.lua, and the chance that they are made from.

local faultscripts = {
  --- Replies of more bytes are too large for the client of a run.
  MOST = 32768,
}

local MOST = faultscripts.MOST

--- A generator (splitmix64): gives an integer from 1 to n.
---@param seed integer
---@return fun(n: integer): integer chance
function faultscripts.chance(seed)
  local state = seed
  return function(n)
    state = state + 0x9E3779B97F4A7C15
    local z = state
    z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z ~ (z >> 27)) * 0x94D049BB133111EB
    return ((z ~ (z >> 31)) >> 1) % n + 1
  end
end

--- One of a list.
---@param chance fun(n: integer): integer
---@param list table
function faultscripts.pick(chance, list)
  return list[chance(#list)]
end

local pick = faultscripts.pick

local CLOSES = {
  "POST /usage/records/*/close", "POST /usage/records/close-records", "POST /usage/records/*/close-records",
  "POST /usage/chunks/*/close",
}
local READS = { "GET /usage/records/*", "GET /usage/chunks/*", "GET /usage/records", "GET /**" }
local MANY = { "POST /**", "POST /usage/**", "* /**" }
-- Calls besides whose replies have to be read.
local READ_REPLIES = { "PUT /**", "POST /products/**", "POST /usage/reconciliations" }
local FEW = {
  "PUT /**", "DELETE /**", "POST /products/**", "POST /usage/chunks/*/regenerate", "POST /usage/reconciliations",
  "GET /usage/chunks/*/download",
}

local function anywhere(chance)
  return pick(chance, pick(chance, { CLOSES, MANY, MANY, READS, FEW }))
end

--- A wish to come later, or none, in the ways it can be written.
local function wish(chance, rule)
  local way = chance(5)
  if way == 1 then rule.retryAfter = chance(40) - 1 end
  if way == 2 then rule.retryAfterDate = chance(40) - 1 end
  if way == 3 then rule.retryAfter = pick(chance, { "soon", "-1", "1.5", "" }) end
  return rule
end

--- The faults. Each gives a rule without `on`, or with it where it makes sense there alone. Nowhere does a service say
--- what isn't so: a refusal, 429 and 503 with Retry-After say that nothing was done, 2xx that it was. (2xx with an
--- unreadable body may come without effect, where a call needs to read it.)
local FAULTS = {
  function(chance) return { fault = "refuse", seconds = chance(3) == 1 and chance(60) / 1000 or nil } end,
  function(chance) return { fault = "hang", applied = chance(2) == 1, short = true } end,
  function(chance) return { fault = "delay", seconds = chance(120) / 1000, short = chance(3) > 1 } end,
  function(chance) return { fault = "slow", bytes = 15 + chance(64), seconds = 0.001, short = chance(3) == 1 } end,
  function() return { fault = "reset-before" } end,
  function() return { fault = "reset-after" } end,
  function(chance) return { fault = "reset-middle", bytes = chance(2) == 1 and chance(300) - 1 or nil } end,
  function(chance) return { fault = "truncate", bytes = chance(2) == 1 and chance(300) - 1 or nil } end,
  function(chance) return { on = pick(chance, pick(chance, { CLOSES, READS, READ_REPLIES })), fault = "garbage" } end,
  function(chance) return { on = pick(chance, pick(chance, { CLOSES, READS, READ_REPLIES })), fault = "empty" } end,
  function(chance) return { on = pick(chance, CLOSES), fault = "garbage", applied = false } end,
  function(chance) return { on = pick(chance, CLOSES), fault = "empty", applied = false } end,
  function(chance) return { fault = "oversized", bytes = MOST + chance(MOST), applied = chance(2) == 1 } end,
  function(chance) return wish(chance, { fault = "status", status = 429, plain = chance(3) == 1 }) end,
  function(chance) return wish(chance, { fault = "status", status = 503 }) end,
  function(chance)
    return { fault = "status", status = pick(chance, { 500, 502, 503, 504 }), applied = chance(2) == 1,
      plain = chance(3) == 1 }
  end,
  -- Any status that settles nothing: a redirect, 408, and all from 500 on.
  function(chance)
    local status = pick(chance, { 299 + chance(100), 408, 499 + chance(100) })
    return wish(chance, { fault = "status", status = status, applied = status ~= 503 and chance(2) == 1,
      plain = chance(3) == 1 })
  end,
  function(chance)
    return { fault = "status", status = pick(chance, { 400, 401, 403, 404, 405, 409, 422, 428, 451, 499 }) }
  end,
  -- A 2xx about something else, or that does not say what was asked for. (Another billing id would be a lie.)
  function(chance)
    return { on = pick(chance, CLOSES), fault = "alter", applied = chance(2) == 1,
      set = pick(chance, { { id = "UR-OTHER" }, { status = "approved" }, { status = "closing" }, { id = 5 } }) }
  end,
  function(chance)
    return { on = pick(chance, CLOSES), fault = "alter", set = {}, without = pick(chance, { { "id" }, { "status" } }),
      applied = chance(2) == 1 }
  end,
  function(chance)
    return { on = pick(chance, { "GET /usage/records/*", "GET /usage/chunks/*" }), fault = "alter",
      set = { id = "UR-OTHER" } }
  end,
  -- Trailers, also too many of them, and a reply that breaks off before its last line.
  function(chance)
    return { fault = "trailers", trailers = { ["Retry-After"] = "9", ["X-Id"] = "UR-OTHER" },
      bytes = chance(4) == 1 and 2 * MOST or chance(200) - 1, cut = chance(3) == 1 }
  end,
  function(chance) return { fault = "gzip", missing = pick(chance, { 0, 1, 4, 8, 9, 20, 60 }) } end,
  function(chance)
    return { on = "connect", fault = "refuse", seconds = chance(2) == 1 and chance(40) / 1000 or nil }
  end,
  function() return { on = "connect", fault = "hang", short = true } end,
}

--- A script of up to 8 rules, and whether attempts must be short because of it.
---@param chance fun(n: integer): integer
---@return table[] script
---@return boolean short
function faultscripts.make(chance)
  local script, short = {}, false
  for number = 1, chance(9) - 1 do
    local rule = pick(chance, FAULTS)(chance)
    rule.on = rule.on or anywhere(chance)
    rule.nth = pick(chance, { 1, 1, 1, 2, 2, 3, 4, 6 })
    rule.count = pick(chance, { 1, 1, 1, 2, 3, "all" })
    if chance(5) == 1 then rule.every, rule.count = chance(3), nil end
    if rule.on ~= "connect" and chance(8) == 1 then rule.closeAs = "THEIRS-" .. number end
    short = short or rule.short == true
    rule.short = nil
    script[number] = rule
  end
  return script, short
end

-- A fault that a call may meet. Those for closes are for nothing else; those that take long are rarer.
local function faultFor(chance, call)
  local rule
  repeat
    rule = pick(chance, FAULTS)(chance)
    local isFit = rule.on ~= "connect" and (not rule.on or call.kind == "close")
  until isFit and not (rule.short and chance(4) > 1)
  rule.on = nil
  return rule
end

--- Rules for calls that run at once, addressed to each by the path of its own request, or of the one that confirms:
--- there the count of requests is that call's, whatever the others do.
---@param chance fun(n: integer): integer
---@param calls table[]
---@return table[] script
---@return boolean short
function faultscripts.address(chance, calls)
  local script, short = {}, false
  for _, call in ipairs(calls) do
    for _ = 1, pick(chance, { 0, 0, 1, 1, 2, 3 }) do
      local rule = faultFor(chance, call)
      rule.on = chance(4) == 1 and call.probe and "GET " .. call.probe or call.method .. " " .. call.path
      rule.nth, rule.count = pick(chance, { 1, 1, 1, 2, 3 }), pick(chance, { 1, 1, 1, 2, "all" })
      if chance(12) == 1 then rule.closeAs = "THEIRS" end
      short = short or rule.short == true
      rule.short = nil
      script[#script + 1] = rule
    end
  end
  return script, short
end

return faultscripts
