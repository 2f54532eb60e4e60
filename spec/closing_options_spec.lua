-- The options of closeMany: what is wrong with them is said before anything is sent.

local options = require "cloudblue.connect.closing.options"
local scene = require "spec.support.scene"
local service = require "spec.support.service"

local problemOf = options.problemOf
local NAN <const> = 0 / 0

describe("The options of closeMany", function()
  it("may be left out, each of them", function()
    assert.is_nil(problemOf {})
  end)

  it("are each what they must be", function()
    assert.is_nil(problemOf {
      batchSize = 1, concurrency = 1, maxRefused = 0, maxDuration = 0.5, perSecond = 0.1, onResult = print,
      onProgress = print, shouldStop = print, ledger = "run.db", lease = 60, timeout = 1, connectTimeout = 1,
      deadline = 1, retries = 0,
    })
  end)

  local WRONG = {
    batchSize = { "an integer, 1 or more", 0, 1.0, "10", math.huge },
    concurrency = { "an integer, 1 or more", 0, -1, 2.5 },
    maxRefused = { "an integer, 0 or more", -1, 0.5 },
    maxDuration = { "a number of seconds", 0, -1, math.huge, NAN, "5" },
    perSecond = { "a number, more than 0", 0, math.huge, NAN },
    onResult = { "a function", 1, setmetatable({}, { __call = print }) },
    onProgress = { "a function", "print" },
    shouldStop = { "a function", true },
    ledger = { "the name of a file, or postgres://…", "", "run.db\0", 7, true },
    lease = { "a number of seconds", 0, NAN },
  }
  for name, values in pairs(WRONG) do
    it(("say what %s must be, and what it is"):format(name), function()
      for index = 2, #values do
        assert.equal(("option '%s' must be %s, got %s"):format(name, values[1], tostring(values[index])),
          problemOf { [name] = values[index] })
      end
    end)
  end

  it("are a table", function()
    for _, value in ipairs { 5, "batchSize", true, print } do
      assert.equal("options must be a table, got " .. type(value), problemOf(value))
    end
  end)

  it("are known, or the nearest one is named", function()
    assert.equal("unknown option 'batchsize'; the nearest known one is 'batchSize'", problemOf { batchsize = 1 })
    assert.equal("unknown option 'retry'; the nearest known one is 'retries'", problemOf { retry = 1 })
  end)

  it("are checked with the limits of each call", function()
    assert.matches("^option 'timeout' must be a number", problemOf { timeout = "x" })
    assert.matches("^option 'retries' must be", problemOf { retries = -1 })
  end)

  it("hold the limits of each call", function()
    assert.same({ timeout = 5, retries = 0 }, options.limitsOf { timeout = 5, retries = 0, batchSize = 3 })
  end)

  it("are an argument of closeMany, and nothing is sent", function()
    local s <close> = scene.start {}
    local records = s.client.usageRecords
    assert.equal("bad argument #2 to 'closeMany' (option 'perSecond' must be a number, more than 0, got 0)",
      service.misuse(function() records:closeMany({}, { perSecond = 0 }) end))
    assert.same({}, s:requests())
  end)
end)
