local faults = require "cloudblue.connect.sandbox.http.faults"

describe("the sandbox's script of faults", function()
  local function script(rules)
    assert(faults.check(rules))
    return faults.new(rules)
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

  it("is refused when it means nothing", function()
    local problems = {
      ["rule 1: must be a table"] = { "hang" },
      ["rule 1: there is no fault 'hung'"] = { { on = ON, fault = "hung" } },
      ["rule 2: 'on' must be a method and a path, or \"connect\""] = {
        { on = ON, fault = "hang" }, { on = "POST", fault = "hang" },
      },
      ["rule 1: only refuse and hang can happen at connect"] = { { on = "connect", fault = "slow" } },
      ["rule 1: 'status' is missing"] = { { on = ON, fault = "status" } },
      ["rule 1: 'status' is not what it must be"] = { { on = ON, fault = "status", status = 99 } },
      ["rule 2: 'status' is not what it must be"] = {
        { on = ON, fault = "status", status = 999 }, { on = ON, fault = "status", status = 1000 },
      },
      ["rule 1: 'set' is not what it must be"] = { { on = ON, fault = "alter", set = "id" } },
      ["rule 1: 'without' is not what it must be"] = { { on = ON, fault = "alter", without = { 1 } } },
      ["rule 1: 'trailers' is not what it must be"] = { { on = ON, fault = "trailers", trailers = { a = "b\r\n" } } },
      ["rule 1: 'headers' is not what it must be"] = { { on = ON, fault = "status", status = 500, headers = { "x" } } },
      ["rule 1: 'missing' is not what it must be"] = { { on = ON, fault = "gzip", missing = -1 } },
      ["rule 1: 'nth' is not what it must be"] = { { on = ON, fault = "hang", nth = 0 } },
      ["rule 1: 'count' is not what it must be"] = { { on = ON, fault = "hang", count = "some" } },
      ["rule 1: a reset-before has no 'applied'"] = { { on = ON, fault = "reset-before", applied = true } },
      ["rule 1: a hang has no 'secs'"] = { { on = ON, fault = "hang", secs = 1 } },
      ["must be a list of rules"] = { on = ON, fault = "hang" },
    }
    for problem, rules in pairs(problems) do
      assert.are.same({ nil, problem }, { faults.check(rules) })
    end
    assert.are.same({ nil, "must be a list of rules" }, { faults.check("hang") })
  end)
end)
