local fingerprint = require "cloudblue.connect.command.input.fingerprint"

describe("a fingerprint", function()
  it("is the same for the same texts", function()
    for length = 0, 40 do
      local text = ("é-x"):rep(20):sub(1, length)
      assert.are.equal(fingerprint(3, text), fingerprint(3, text .. ""))
    end
  end)

  it("is another one for other texts, other orders, and nothing at all", function()
    local met = {}
    local function add(number)
      assert.is_nil(met[number])
      met[number] = true
    end
    add(fingerprint(0, nil))
    for length = 0, 40 do add(fingerprint(0, ("\0"):rep(length))) end
    for number = 1, 20000 do add(fingerprint(0, ("UR-2026-01-%04d-%04d"):format(number // 100, number % 100))) end
    assert.are_not.equal(fingerprint(fingerprint(0, "a"), "b"), fingerprint(fingerprint(0, "b"), "a"))
    assert.are_not.equal(fingerprint(fingerprint(0, "ab"), ""), fingerprint(fingerprint(0, "a"), "b"))
  end)
end)
