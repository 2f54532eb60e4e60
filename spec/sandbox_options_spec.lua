local options = require "cloudblue.connect.sandbox.options"

describe("the sandbox's options", function()
  it("have defaults", function()
    local complete = assert(options.complete {})
    assert.are.same({ 0, "127.0.0.1", 1000, true },
      { complete.port, complete.host, complete.records, complete.bulkRoute })
    assert.are.same({ "approved" }, complete.statuses)
  end)

  it("are refused when they are not what they must be", function()
    local problems = {
      [{ prot = 1 }] = "unknown option 'prot'",
      [{ listening = false }] = "unknown option 'listening'",
      [{ port = 65536 }] = "option 'port' must be a port from 0 to 65535",
      [{ port = "8080" }] = "option 'port' must be a port from 0 to 65535",
      [{ host = "" }] = "option 'host' must be a string that is not empty",
      [{ records = -1 }] = "option 'records' must be a count, a list of records, or a function",
      [{ records = 1.5 }] = "option 'records' must be a count, a list of records, or a function",
      [{ statuses = {} }] = "option 'statuses' must be a list of valid, invalid, approved, rejected, closed",
      [{ statuses = { "aproved" } }] = "option 'statuses' must be a list of valid, invalid, approved, rejected, closed",
      [{ chunkStatuses = "ready" }] = "option 'chunkStatuses' must be a list of draft, ready, closed, failed",
      [{ bulkRoute = 1 }] = "option 'bulkRoute' must be true or false",
      [{ strictFilters = "no" }] = "option 'strictFilters' must be true or false",
      [{ bulkRows = -1 }] = "option 'bulkRows' must be an integer that is not negative",
      [{ seed = 1.5 }] = "option 'seed' must be an integer that is not negative",
      [{ keepAlive = -1 }] = "option 'keepAlive' must be a number of seconds",
      [{ downloadBytes = "1" }] = "option 'downloadBytes' must be an integer that is not negative",
      [{ faults = { {} } }] = "option 'faults' must be a script of faults; rule 1: there is no fault 'nil'",
    }
    for given, problem in pairs(problems) do
      assert.are.same({ nil, problem }, { options.complete(given) })
    end
  end)

  it("are fewer while a sandbox runs", function()
    assert.is_true(options.check({ listening = false, bulkRoute = false, faults = {} }, true))
    assert.are.same({ nil, "option 'port' can't be changed while the sandbox runs" },
      { options.check({ port = 1 }, true) })
  end)

  it("take records from a function", function()
    local complete = assert(options.complete {
      records = function(index)
        return index <= 3 and { id = "R-" .. index } or nil
      end,
    })
    assert.are.same({ { id = "R-1" }, { id = "R-2" }, { id = "R-3" } }, complete.records)
  end)

  it("refuse an amount that could not be written exactly", function()
    assert.are.same({ nil, "records.2.amount has more than the 14 significant digits that lua-cjson writes" },
      { options.complete { records = { { amount = 1.5 }, { amount = 1234567890123.45 } } } })
  end)
end)
