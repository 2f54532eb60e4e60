-- What comes between in the other specs: it happens once, where it is to, and the work's results are as always.

local interference = require "spec.support.interference"

local function work(first, second)
  local list = {}
  for number = 1, 50 do list[number] = tostring(number) .. first end
  return #list, second
end

describe("something that comes between", function()
  for kind, step in pairs(interference.kinds) do
    it("happens once at each place of a work, and at none behind it: " .. kind, function()
      local events = interference.count(kind, work, "a", "b")
      assert.is_true(events > 2, events)
      for _, n in ipairs { 1, events // 2 } do
        local times = 0
        local results = interference.at(kind, n, function() times = times + 1 end, work, "a", "b")
        assert.same({ true, 50, "b", n = 3 }, results)
        assert.equal(1, times)
      end
      local happened, results = interference.at(kind, 100000, error, work, "a", "b")
      assert.is_nil(happened)
      assert.same({ true, 50, "b", n = 3 }, results)
      local places = interference.places(kind, events, 4)
      assert.is_true(#places >= 1 and #places < 8 and places[1] == 1 and (places[#places] - 1) % step == 0)
    end)
  end

  it("may raise in a debug hook, and is raised by the work then", function()
    for _, kind in ipairs { "call", "return", "line", "count" } do
      local results = interference.at(kind, 2, function() error({ "mine" }) end, work, "a")
      assert.same({ false, { "mine" }, n = 2 }, results)
    end
  end)

  it("leaves the debug hook as it was", function()
    local before = debug.gethook()
    interference.at("count", 1, function() end, work, "a")
    pcall(interference.at, "call", 1, error, work, "a")
    assert.equal(before, (debug.gethook()))
  end)
end)
