-- How misuse is refused inside the RQL modules.

local refusal = require "cloudblue.connect.rql.refusal"

describe("a refusal", function()
  it("is caught as nil and a message that begins with the place", function()
    assert.same({ nil, "a.$in[2]: no value" }, { refusal.catch(refusal.raise, "a.$in[2]", "no value") })
    assert.same({ nil, "no filter" }, { refusal.catch(refusal.raise, "", "no filter") })
  end)

  it("passes through every call between", function()
    local function deep(level)
      if level == 0 then refusal.raise("a", "no") end
      return (deep(level - 1))
    end
    assert.same({ nil, "a: no" }, { refusal.catch(deep, 20) })
  end)
end)

describe("what refuses nothing", function()
  it("gets its arguments and gives its result", function()
    assert.equal("a, 2", refusal.catch(function(...) return table.concat({ ... }, ", ") end, "a", 2))
    assert.same({}, { refusal.catch(function() end) })
  end)

  it("has its errors left as they are, whatever they are", function()
    for _, mistake in ipairs { "a text", { message = "no refusal" }, setmetatable({}, { message = 1 }), false, 5 } do
      local done, raised = pcall(refusal.catch, error, mistake, 0)
      assert.is_false(done)
      assert.is_true(rawequal(mistake, raised))
    end
    assert.same({ false }, { pcall(refusal.catch, error) })
  end)
end)
