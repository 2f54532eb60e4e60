local alloctorture = require "spec.support.alloctorture"

-- `make torture` tries every allocation; here it is every so-manieth.
local EVERY = tonumber(os.getenv "ALLOC_EVERY") or 7

describe("memory that ends during a call", function()
  it("gives a memory error or a failure, leaves the state usable, leaks nothing, and the journal agrees", function()
    local passed, points, report = alloctorture.run(EVERY)
    assert(passed, report)
    print(("%d allocation points tried (every %dth; make torture tries each)"):format(points, EVERY))
    assert.is_true(points > 10000 // EVERY)
  end)
end)
