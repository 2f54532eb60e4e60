local outcome = require "cloudblue.connect.command.outcome"

-- A result with these counts, and more.
local function result(counts, more)
  local all = outcome.zeros()
  for name, number in pairs(counts) do all[name] = number end
  local made = { counts = all, again = "connect-usage close a.csv" }
  for name, value in pairs(more or {}) do made[name] = value end
  return made
end

local AGAIN = "connect-usage close a.csv"

describe("the outcome of a run", function()
  for what, case in pairs {
    ["all are closed"] = { 0, nil, { closed = 3, already = 2 } },
    ["there was nothing"] = { 0, nil, {} },
    ["some were refused"] = { 1, "2 were refused", { closed = 3, refused = 2 } },
    ["some are unknown"] = {
      3, "1 may have been closed or not; find out what became of those that are unknown with: " .. AGAIN,
      { closed = 3, refused = 2, unknown = 1 },
    },
    ["some were not tried"] = {
      5, "1 may have been closed or not; go on with: " .. AGAIN, { closed = 3, unknown = 1, notTried = 1 },
    },
    ["the key is refused"] = {
      7, "The service refuses the key, or what it may do: 401; go on with: " .. AGAIN, { closed = 3, notTried = 2 },
      { stopped = "denied", failure = "401" },
    },
    ["the service is not there"] = {
      5, "The service can't be had: refused; go on with: " .. AGAIN, { notTried = 2 },
      { stopped = "service", failure = "refused" },
    },
    ["more are refused than may be"] = {
      1, "Stopped, because more were refused than --max-refused allows: the list or the key may be a wrong one; go on "
        .. "with: " .. AGAIN, { refused = 2, notTried = 2 }, { stopped = "maxRefused" },
    },
    ["the time is over"] = {
      5, "Stopped, because --max-duration is over; go on with: " .. AGAIN, { closed = 1, refused = 2, notTried = 2 },
      { stopped = "maxDuration" },
    },
    ["the time is over when all was done"] = { 0, nil, { closed = 3 }, { stopped = "maxDuration" } },
    ["more are refused than may be when all was done"] = { 1, "3 were refused", { refused = 3 },
      { stopped = "maxRefused" } },
    ["the time is over when some are still unknown"] = {
      5, "Stopped, because --max-duration is over; find out what became of those that are unknown with: " .. AGAIN,
      { closed = 1, unknown = 2 }, { stopped = "maxDuration" },
    },
    ["the ledger can't be written in the end"] = {
      5, "The ledger can't be written: full", { closed = 3 }, { stopped = "ledger", failure = "full" },
    },
    ["the ledger can't be written"] = {
      5, "The ledger can't be written: full; go on with: " .. AGAIN, { closed = 1, unknown = 2, notTried = 2 },
      { stopped = "ledger", failure = "full" },
    },
    ["the input has changed"] = {
      5, "Stopped: a.csv has changed; go on with: " .. AGAIN, { closed = 1, notTried = 2 },
      { stopped = "input", failure = "a.csv has changed" },
    },
    ["it was interrupted"] = {
      130, "Interrupted; go on with: " .. AGAIN, { closed = 1, unknown = 1, notTried = 1 },
      { stopped = "stopped", interrupted = true },
    },
    ["it was interrupted when all was done"] = { 1, "1 were refused", { refused = 1 }, { interrupted = true } },
  } do
    it("has an exit code and a line that says what to do where " .. what, function()
      local code, problem, counts, more = table.unpack(case, 1, 4)
      local made = result(counts, more)
      assert.are.same({ code, problem }, { outcome.code(made), outcome.problem(made) })
    end)
  end

  it("has its counts in a line", function()
    assert.are.equal("closed 1, already 2, refused 3, unknown 4, not tried 5",
      outcome.line { closed = 1, already = 2, refused = 3, unknown = 4, notTried = 5 })
  end)

  it("has counts that can be added", function()
    local one = { closed = 1, already = 2, refused = 3, unknown = 4, notTried = 5 }
    local both = outcome.added(one, one)
    assert.are.same({ closed = 2, already = 4, refused = 6, unknown = 8, notTried = 10 }, both)
    assert.are.same({ 30, 0 }, { outcome.sum(both), outcome.sum(outcome.zeros()) })
  end)
end)
