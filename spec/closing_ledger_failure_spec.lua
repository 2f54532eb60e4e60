-- The failures of a ledger: raised within it, returned by its methods.

local failure = require "cloudblue.connect.closing.ledger.failure"

describe("a ledger's failure", function()
  it("names the ledger, in one line", function()
    local made = failure.new("run.db", "the disk\nis full")
    assert.equal("ledger", made.kind)
    assert.equal("unsent", made.outcome)
    assert.is_nil(made.errorCode)
    assert.equal("ledger run.db: the disk is full", tostring(made))
  end)

  it("names no password, whatever is in it", function()
    for text, shown in pairs {
      ["run.db"] = "run.db",
      ["postgres://u@h:5432/d#x"] = "postgres://u@h:5432/d#x",
      ["postgres://u:s3cret@h/d#x"] = "postgres://u:***@h/d#x",
      ["postgres://u:s3/cr@et@h/d"] = "postgres://u:***@h/d",
      ["--ledger=postgres://u:s3cret@h/d"] = "--ledger=postgres://u:***@h/d",
      ["postgres://u@h/d?password=s3cret&a=b"] = "postgres://u@h/d?password=***&a=b",
    } do
      assert.equal(shown, failure.shown(text))
    end
  end)

  it("has a code where the ledger is another run's", function()
    local _, made = failure.catch(failure.raise, "run.db", "another run has it", "locked")
    assert.equal("locked", made.errorCode)
    assert.equal("locked: ledger run.db: another run has it", tostring(made))
  end)

  it("is returned where it was raised; nothing else is", function()
    assert.same({ 1, nil, 3, n = 3 }, table.pack(failure.catch(function(...) return ... end, 1, nil, 3)))
    local done, problem = pcall(failure.catch, error, "a bug", 0)
    assert.is_false(done)
    assert.equal("a bug", problem)
    local other = { kind = "api" }
    done, problem = pcall(failure.catch, error, other)
    assert.is_false(done)
    assert.equal(other, problem)
  end)
end)
