--- Lua code that runs in the middle of the calls of faultruns.lua and faultcrowds.lua: in hooks, in finalizers that the
--- collector calls, and at any place (interference.lua).

local faultscripts = require "spec.support.faultscripts"
local interference = require "spec.support.interference"

local pick = faultscripts.pick

local faultmeddling = {}

-- What is done: each is given the client, and the call.
local acts = {
  collect = function() collectgarbage() end,
  -- A finalizer that makes a call of its own with the same client, and drives what is in flight.
  finalizer = function(client)
    setmetatable({}, { __gc = function() client:request("GET", "/usage/aggregates", { retries = 0 }) end })
    collectgarbage()
  end,
  -- Somebody else may have closed the client.
  nested = function(client) pcall(client.request, client, "GET", "/usage/aggregates", { retries = 0 }) end,
  close = function(client, call)
    call.closed = true
    client:close()
  end,
  closingFinalizer = function(client, call)
    setmetatable({}, { __gc = function()
      call.closed = true
      client:close()
    end })
    collectgarbage()
  end,
  -- A debug hook at some later instruction, in the middle of the module's own Lua calls, too.
  debugHook = function(client, call)
    debug.sethook(function()
      debug.sethook()
      call.closed = true
      client:close()
    end, "", call.meddleAt * 7)
  end,
}

local MEDDLERS = { "collect", "finalizer", "nested", "close", "closingFinalizer", "debugHook" }
local ANYWHERE = { "collect", "nested", "close" }

-- The collector is one for all calls: what has it call finalizers needs a call that runs alone.
local ALONE = { "call", "return", "line", "count", "finalizer" }
local AT_ONCE = { "call", "return", "line", "count" }

--- Draws what comes between in a call. Where calls run at once, one that closes the client ends them all: that is to be
--- rarer.
---@param chance fun(n: integer): integer
---@param call table
---@param run table
function faultmeddling.draw(chance, call, run)
  call.meddle = chance(run.crowd and 10 or 3) == 1 and pick(chance, MEDDLERS) or nil
  call.meddleAt = chance(4)
  if call.meddle or chance(run.crowd and 10 or 4) ~= 1 then return end
  local kind = pick(chance, run.crowd and AT_ONCE or ALONE)
  call.interference = { kind = kind, n = 1 + (chance(kind == "count" and 150 or 40) - 1) * interference.kinds[kind],
    act = pick(chance, ANYWHERE) }
end

--- To be called in each hook of a call: in one of them, something else is done.
---@param client table
---@param call table
function faultmeddling.inHook(client, call)
  if call.busy or not call.meddle then return end
  call.events = (call.events or 0) + 1
  if call.events ~= call.meddleAt then return end
  call.busy = true
  acts[call.meddle](client, call)
  call.busy = false
end

-- What pcall of the call returned, packed.
local function results(call, client, chunk)
  local between = call.interference
  if not between then return table.pack(pcall(call.perform, client, chunk)) end
  local function act()
    call.busy = true
    acts[between.act](client, call)
    call.busy = false
  end
  return (select(2, interference.at(between.kind, between.n, act, call.perform, client, chunk)))
end

--- Makes a call, with what comes between, and notes what it returns or raises.
---@param call table `closed` where the client may be
---@param client table
---@param chunk table? the object whose method it uses
function faultmeddling.perform(call, client, chunk)
  local done, result, failure = table.unpack(results(call, client, chunk), 1, 3)
  if tostring(client):find("closed", 1, true) then call.closed = true end
  if not done and call.closed and not call.begun and tostring(result):find("the client is closed", 1, true) then
    call.failure = { kind = "cancelled", outcome = "unsent", attempts = 0 } -- before it began
  elseif not done then
    call.raised = tostring(result)
  else
    call.result, call.failure = result, result == nil and failure or nil
  end
end

--- Whether what comes between is a call, which blocks.
---@param call table
---@return boolean
function faultmeddling.blocks(call)
  local act = call.meddle or call.interference and call.interference.act
  return act == "nested" or act == "finalizer"
end

--- What comes between, in words.
---@param call table
---@return string
function faultmeddling.describe(call)
  local place = call.interference
  return call.meddle or place and ("%s at %s %d"):format(place.act, place.kind, place.n) or "nothing"
end

return faultmeddling
