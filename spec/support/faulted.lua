--- A sandbox under a fault, and a client that sees every byte: for the specs of what faults do.
---
---     local f <close> = faulted.start()
---     local received, ending, applied = f:close { fault = "truncate" }

local assert = require "luassert"
local busted = require "busted"
local rawclient = require "spec.support.rawclient"
local sandbox = require "cloudblue.connect.sandbox"

local faulted = {
  --- The record that is closed, and the request that does it.
  ID = "UR-2026-01-0000-0000-0000-0001",
  ON = "POST /usage/records/*/close",
}

---@class Faulted
---@field sandbox Sandbox
local Faulted = {}
Faulted.__index = Faulted

function faulted.start()
  return setmetatable({ sandbox = assert(sandbox.start { records = 5 }) }, Faulted)
end

--- Starts one for all tests of the `describe` that calls this, puts it back to its start before each, and sees after
--- each that it had no problem.
---@param take fun(f: Faulted) is given it
function faulted.share(take)
  local f

  busted.setup(function()
    f = faulted.start()
    take(f)
  end)

  busted.before_each(function()
    f.sandbox:reset()
  end)

  busted.after_each(function()
    assert.same({}, f.sandbox:problems())
  end)

  busted.teardown(function()
    f:stop()
  end)
end

--- The bytes of a request after whose reply the connection ends.
---@param method string
---@param path string
---@param body string? JSON
---@return string bytes
function Faulted:request(method, path, body)
  return rawclient.request(self.sandbox, method, path, body, { "Connection: close" })
end

--- Sends bytes: gives what came back, how it ended, and when.
---@param bytes string
---@param seconds number? to wait for the end
---@return string received
---@return string ending
---@return number[] times
function Faulted:send(bytes, seconds)
  return rawclient.exchange(self.sandbox.port, bytes, seconds)
end

--- Closes the record, once, under a fault: gives what came back, how it ended, whether the close was applied, and
--- when each piece came.
---@param rule table `on` may be left out
---@param seconds number? to wait for the end
---@return string received
---@return string ending
---@return boolean applied
---@return number[] times
function Faulted:close(rule, seconds)
  rule.on = rule.on or faulted.ON
  self.sandbox:reset()
  self.sandbox:configure { faults = { rule } }
  local bytes = self:request("POST", "/usage/records/" .. faulted.ID .. "/close", "{\"external_billing_id\":\"B\"}")
  local received, ending, times = self:send(bytes, seconds)
  local journal = self.sandbox:journal()
  local applied = #journal == 1 and journal[1].external_billing_id == "B"
  assert(self.sandbox:record(faulted.ID).status == (applied and "closed" or "approved"))
  assert(self.sandbox:faults()[1].fired == 1)
  return received, ending, applied, times
end

--- The status of a reply.
---@param received string
---@return string?
function faulted.status(received)
  return received:match("^HTTP/1.1 (%d+)")
end

--- The body of a reply.
---@param received string
---@return string?
function faulted.body(received)
  return received:match("\r\n\r\n(.*)$")
end

--- Stops the sandbox; it must have had no problem.
function Faulted:stop()
  local problems = self.sandbox:problems()
  self.sandbox:stop()
  assert(#problems == 0, problems[1])
end

Faulted.__close = Faulted.stop

return faulted
