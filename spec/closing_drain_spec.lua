-- records:drain, with a loop that closes what it lists.

local scene = require "spec.support.scene"
local service = require "spec.support.service"

local misuse = service.misuse

local APPROVED = { status = "approved" }

describe("drain", function()
  it("hands every match over once, though each that is closed leaves the list", function()
    local s <close> = scene.start { client = { maxResponseBytes = 1000000 } }
    local records, times = s.client.usageRecords, {}
    local left, stays = records:drain(APPROVED, function(record)
      times[record.id] = (times[record.id] or 0) + 1
      return records:close(record.id, "B-" .. record.id) ~= nil
    end)
    assert.equal(1000, left)
    assert.equal(0, stays)
    for _, n in pairs(times) do assert.equal(1, n) end
    assert.equal(1000, #scene.applied(s.sandbox, "close"))
    assert.equal(0, assert(records:count(APPROVED)))
  end)

  it("leaves what stays where it is, and ends when nothing new comes", function()
    local s <close> = scene.start { client = { maxResponseBytes = 1000000 } }
    local records, times = s.client.usageRecords, {}
    local number = 0
    local left, stays = records:drain(APPROVED, function(record)
      times[record.id] = (times[record.id] or 0) + 1
      number = number + 1
      return number % 3 ~= 0 and records:close(record.id, "B-1") ~= nil
    end)
    assert.equal(667, left)
    assert.equal(333, stays)
    for _, n in pairs(times) do assert.equal(1, n) end
    assert.equal(333, assert(records:count(APPROVED)))
  end)

  it("raises the failure where the list can't be had", function()
    local s <close> = scene.start { faults = { { on = "GET /usage/records", fault = "status", status = 403 } } }
    local done, failure = pcall(s.client.usageRecords.drain, s.client.usageRecords, APPROVED, print)
    assert.is_false(done)
    assert.equal(403, failure.status)
  end)

  it("takes the limits of its calls", function()
    local s <close> = scene.start { faults = { { on = "GET /usage/records", fault = "status", status = 500 } } }
    local done, failure = pcall(s.client.usageRecords.drain, s.client.usageRecords, APPROVED, print, { retries = 0 })
    assert.is_false(done)
    assert.equal(1, failure.attempts)
  end)

  it("refuses what is no function, wrong limits, and one argument too many", function()
    local s <close> = scene.start {}
    local records = s.client.usageRecords
    assert.equal("bad argument #2 to 'drain' (fn must be a function, got nil)",
      misuse(function() records:drain(APPROVED) end))
    assert.matches("^bad argument #3 to 'drain' %(option 'timeout' must be a number",
      misuse(function() records:drain(APPROVED, print, { timeout = "x" }) end))
    assert.equal("bad argument #3 to 'drain' (options must be a table, got number)",
      misuse(function() records:drain(APPROVED, print, 5) end))
    assert.equal("bad argument #4 to 'drain' (one argument too many: a number)",
      misuse(function() records:drain(APPROVED, print, {}, 1) end))
    assert.same({}, s:requests())
  end)
end)
