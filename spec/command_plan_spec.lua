local plan = require "cloudblue.connect.command.plan"
local scene = require "spec.support.scene"

-- Records of a service that answers every page of a reading with the next of these lists, and then a count.
local function listing(readings)
  local records = { reading = 0 }
  function records:all(query, options)
    assert.are.same({ "status=approved", { limit = 1000 } }, { query, options })
    self.reading = self.reading + 1
    local index, list = 0, readings[self.reading].ids
    return function()
      index = index + 1
      return list[index] and { id = list[index], status = "approved" }
    end
  end
  function records:count() return readings[self.reading].total end
  return records
end

describe("the list of a condition", function()
  it("has each record once, and how many are in which state", function()
    local s <close> = scene.start { client = { maxResponseBytes = 4000000 } }
    assert(s.client.usageRecords:close(scene.RECORD, "B"))
    local pages = {}
    local list = assert(plan.read(s.client.usageRecords, "", function(count) pages[#pages + 1] = count end))
    assert.are.same({ 1000, { approved = 999, closed = 1 } }, { #list.ids, list.statuses })
    assert.is_nil(list.total)
    assert.are.same({ 1000 }, pages)
  end)

  it("is read again until it has had as many records as the service counts", function()
    local records = listing {
      { ids = { "a", "b", "b" }, total = 4 }, { ids = { "b", "c", "a" }, total = 4 }, { ids = { "d", "a" }, total = 4 },
    }
    local list = plan.read(records, "status=approved")
    assert.are.same({ ids = { "a", "b", "c", "d" }, statuses = { approved = 4 } }, list)
    assert.are.equal(3, records.reading)
  end)

  it("begins anew where records have left the list", function()
    local records = listing { { ids = { "a", "b", "c" }, total = 2 }, { ids = { "c", "b" }, total = 2 } }
    assert.are.same({ "c", "b" }, plan.read(records, "status=approved").ids)
  end)

  it("is not to be had where it does not hold still", function()
    local readings = {}
    for index = 1, 9 do readings[index] = { ids = { "a", "b" }, total = 3 } end
    local records = listing(readings)
    assert.are.same({ { "a", "b" }, 3 }, { plan.read(records, "status=approved").ids,
      plan.read(listing(readings), "status=approved").total })
    assert.are.equal(5, records.reading)
  end)

  it("is not to be had where the service fails; errors of the program are raised", function()
    local s <close> = scene.start { faults = { { on = "GET /usage/records", fault = "status", status = 401 } } }
    local list, failure = plan.read(s.client.usageRecords, "status=approved")
    assert.are.same({ nil, 401 }, { list, failure.status })
    assert.has_error(function() plan.read({ all = function() error("slip", 0) end }, "") end, "slip")
  end)
end)
