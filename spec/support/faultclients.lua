--- The clients of random runs: with random options, and with hooks that watch their calls and let others meddle.

local connect = require "cloudblue.connect"
local faultmeddling = require "spec.support.faultmeddling"
local faultscripts = require "spec.support.faultscripts"

local pick = faultscripts.pick

local faultclients = {}

-- Seconds of an attempt: where faults let it wait, and where nothing does. The judge reads the order of requests in the
-- sandbox's log: a sandbox that is slower than that (TEST_SLOWNESS, see scene.lua) would log them late.
local SHORT, LONG = 0.05 * (tonumber(os.getenv "TEST_SLOWNESS") or 1), 20

--- Draws options of a client. `short` says whether an attempt may run out of time.
---@param chance fun(n: integer): integer
---@param short boolean
---@return table options
---@return boolean watched whether it is to be seen which calls run out of time
function faultclients.options(chance, short)
  local options = { maxResponseBytes = faultscripts.MOST, retries = pick(chance, { 3, 3, 3, 0, 1, 2, 5 }) }
  options.timeout = short and SHORT or LONG
  options.deadline = pick(chance, { 300, 300, 300, 300, 60, 10, 3, 1, 0.1, 0.3 })
  return options, short or options.deadline < LONG
end

local function watchTimes(client, callOf)
  client:addAfterResponseHook(function(response)
    if response.error and response.error:find("timeout", 1, true) then callOf().timedOut = true end
  end)
end

--- Makes a client.
---@param endpoint string
---@param apiKey string
---@param run table
---@param callOf fun(): table the call that a hook is called for
---@return table client
function faultclients.new(endpoint, apiKey, run, callOf)
  local client = connect.ConnectClient(endpoint, apiKey, run.options)
  local function meddle() faultmeddling.inHook(client, callOf()) end
  client:addBeforeRequestHook(meddle)
  client:addAfterResponseHook(meddle)
  if run.watched then watchTimes(client, callOf) end
  return client
end

return faultclients
