local alloctorture = require "spec.support.alloctorture"

describe("memory that ends at any allocation of a call", function()
  it("gives a memory error or a failure, leaves the state usable, leaks nothing, and the journal agrees", function()
    local passed, points, report = alloctorture.run(1)
    assert(passed, report)
    print(("%d allocation points tried"):format(points))
    assert.is_true(points > 10000)
  end)
end)
