local faults = require "cloudblue.connect.sandbox.http.faults"

describe("the sandbox's faults", function()
  local ON = "POST /usage/records/*/close"

  it("may be asked for in a script", function()
    assert.is_true(faults.check {})
    assert.is_true(faults.check {
      { on = "connect", fault = "hang", seconds = 0.5 },
      { on = ON, fault = "status", status = 599, headers = { Location = "/x" }, every = 2 },
      { on = "* /**", fault = "alter", set = { id = "x" }, without = { "status" }, closeAs = "B" },
    })
  end)

  it("say what is known of them", function()
    assert.are.same({ true, true, true }, {
      faults.of("reset-middle").byDefault, faults.of("reset-middle").replies, faults.of("reset-middle").resets,
    })
    assert.is_false(faults.of("status").byDefault)
    assert.is_nil(faults.of("nonsense"))
  end)

  it("are refused where a script of them means nothing", function()
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
