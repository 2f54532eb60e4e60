local exitcodes = require "cloudblue.connect.command.exitcodes"

describe("the exit codes", function()
  it("are those that scripts know", function()
    assert.are.same({
      DONE = 0, FAILED = 1, MISUSED = 2, UNDECIDED = 3, STOPPED = 5, DENIED = 7, HELD = 11, BROKEN = 70,
      INTERRUPTED = 130, UNREAD = 141, ofFailure = exitcodes.ofFailure,
    }, exitcodes)
  end)

  it("say of a failed call what to do: nothing, call again, look at the key", function()
    for _, case in ipairs {
      { 1, { kind = "api", outcome = "rejected", status = 404 } },
      { 1, { kind = "decode", outcome = "rejected", status = 200 } },
      { 1, { kind = "file", outcome = "unsent" } },
      { 3, { kind = "transport", outcome = "unknown" } },
      { 5, { kind = "transport", outcome = "unsent" } },
      { 5, { kind = "transport", outcome = "rejected" } },
      { 5, { kind = "cancelled", outcome = "rejected" } },
      { 5, { kind = "http", outcome = "rejected", status = 502 } },
      { 5, { kind = "api", outcome = "rejected", status = 429 } },
      { 7, { kind = "api", outcome = "rejected", status = 401 } },
      { 7, { kind = "http", outcome = "rejected", status = 403 } },
    } do
      local code, failure = table.unpack(case)
      assert.are.same({ code, failure }, { exitcodes.ofFailure(failure), failure })
    end
  end)
end)
