local faults = require "cloudblue.connect.sandbox.http.faults"
local Script = require "cloudblue.connect.sandbox.http.script"

describe("the sandbox's script of faults", function()
  local function script(rules)
    assert(faults.check(rules))
    return Script.new(rules)
  end

  --- The faults that a number of equal requests meet.
  local function met(made, count, method, path)
    local found = {}
    for number = 1, count do
      local rule = made:atRequest(method or "POST", path or "/usage/records/UR-1/close")
      found[number] = rule and rule.fault or "-"
    end
    return table.concat(found, " ")
  end

  local ON = "POST /usage/records/*/close"

  it("fires once, at the first match, unless it says otherwise", function()
    assert.are.equal("hang - -", met(script { { on = ON, fault = "hang" } }, 3))
  end)

  it("fires from the nth match on, count times", function()
    assert.are.equal("- - hang hang -", met(script { { on = ON, fault = "hang", nth = 3, count = 2 } }, 5))
    assert.are.equal("- hang hang hang", met(script { { on = ON, fault = "hang", nth = 2, count = "all" } }, 4))
  end)

  it("fires at every nth match", function()
    assert.are.equal("hang - hang - hang", met(script { { on = ON, fault = "hang", every = 2 } }, 5))
    assert.are.equal("- hang - - hang -", met(script { { on = ON, fault = "hang", nth = 2, every = 3, count = 2 } }, 6))
  end)

  it("lets the first of its rules fire, and counts for all of them", function()
    local made = script { { on = ON, fault = "hang", nth = 2 }, { on = ON, fault = "empty", count = 2 } }
    assert.are.equal("empty hang empty -", met(made, 4))
    assert.are.same({
      { on = ON, fault = "hang", matches = 4, fired = 1 },
      { on = ON, fault = "empty", matches = 4, fired = 2 },
    }, made:describe())
  end)

  it("knows paths with stars", function()
    local function matches(on, method, path)
      return met(script { { on = on, fault = "hang" } }, 1, method, path) == "hang"
    end
    assert.is_true(matches("* /usage/records/*", "GET", "/usage/records/UR-1"))
    assert.is_true(matches("GET /usage/**", "GET", "/usage/records/UR-1/close"))
    assert.is_true(matches("GET /usage/records/UR-1.5", "GET", "/usage/records/UR-1.5"))
    assert.is_false(matches("GET /usage/records/UR-1.5", "GET", "/usage/records/UR-1x5"))
    assert.is_false(matches("GET /usage/records/*", "POST", "/usage/records/UR-1"))
    assert.is_false(matches("GET /usage/records/*", "GET", "/usage/records/UR-1/close"))
    assert.is_false(matches("GET /usage/records/*", "GET", "/usage/records/"))
    assert.is_false(matches("GET /records/*", "GET", "/usage/records/UR-1"))
  end)

  it("counts connections apart from requests", function()
    local made = script { { on = "connect", fault = "refuse" }, { on = ON, fault = "hang" } }
    assert.are.equal("refuse", made:atConnect().fault)
    assert.is_nil(made:atConnect())
    assert.are.equal("hang -", met(made, 2))
  end)

  it("knows which of its faults need LuaSocket", function()
    assert.is_true(script({ { on = ON, fault = "reset-after" } }).resets)
    assert.is_false(script({ { on = ON, fault = "hang" } }).resets)
  end)

  it("knows by default whether the request takes effect", function()
    local expected = {
      refuse = false, hang = false, ["reset-before"] = false, status = false, delay = true, slow = true,
      ["reset-after"] = true, ["reset-middle"] = true, truncate = true, garbage = true, empty = true, oversized = true,
      alter = true, trailers = true, gzip = true,
    }
    for fault, applied in pairs(expected) do
      local made = script { { on = ON, fault = fault, status = fault == "status" and 500 or nil } }
      assert.are.same({ fault, applied }, { fault, made[1].applied })
    end
    assert.is_true(script({ { on = ON, fault = "status", status = 500, applied = true } })[1].applied)
    assert.is_false(script({ { on = ON, fault = "garbage", applied = false } })[1].applied)
  end)
end)
