local child = require "spec.support.child"
local intent = require "cloudblue.connect.command.intent"

-- Options of a command line that need not ask.
local function given(options)
  options.yes = true
  return options
end

describe("what the options of close ask for", function()
  it("may be a file, a condition, or what a ledger holds", function()
    for _, options in ipairs {
      { file = "a.csv" }, { file = "-", format = "csv", ledger = "l" }, { ledger = "l" },
      { where = "status=approved", billingId = "{id}" }, { where = "status=approved", note = "n" },
      { where = "status=approved", withoutBillingId = true },
    } do
      assert.is_nil(intent.contradiction(given(options)))
    end
  end)

  for problem, options in pairs {
    ["FILE and --where exclude each other"] = { file = "a.csv", where = "x=1" },
    ["give FILE or --where, or --ledger to go on with what that holds"] = {},
    ["--billing-id and --note are for FILE and --where; the ledger holds its own"] = { ledger = "l", note = "n" },
    ["--format is for FILE"] = { where = "x=1", format = "csv", note = "n" },
    ["--where needs --billing-id, or --note, or else --without-billing-id"] = { where = "x=1" },
  } do
    it("is refused: " .. problem, function() assert.are.equal(problem, intent.contradiction(given(options))) end)
  end

  it("has to be confirmed where there is no terminal to ask at", function()
    local printed = child.run [[
      local intent = require "cloudblue.connect.command.intent"
      print(intent.contradiction { file = "a.csv" })
      print(intent.contradiction { file = "a.csv", yes = true })
      print(intent.contradiction { file = "a.csv", dryRun = true })]]
    assert.are.equal("there is no terminal to ask at: give --yes to close records, or --dry-run\nnil\nnil\n", printed)
  end)

  it("says how billing ids and notes come about", function()
    local rules = assert(intent.rules { billingId = "R-{seq}", note = "n" })
    assert.are.same({ "R-7", "n" }, { rules:apply(7, "UR-1") })
    assert.are.same({ nil, "--billing-id: a brace stands alone: {seq} and {id} are placeholders" },
      { intent.rules { billingId = "{" } })
  end)

  it("has no numbers for a list that is another one the next time, unless a ledger keeps them", function()
    local _, problem = intent.rules { billingId = "R-{seq}", where = "status=approved" }
    assert.is_truthy(problem:find("^%-%-billing%-id with {seq} needs %-%-ledger beside %-%-where: "))
    assert.is_truthy(intent.rules { billingId = "R-{seq}", where = "status=approved", ledger = "l" })
    assert.is_truthy(intent.rules { billingId = "R-{id}", where = "status=approved" })
  end)

  it("can be said again, as it is typed into a shell", function()
    assert.are.equal("connect-usage close a.csv --note 'it'\\''s January' --billing-id 'R-{seq}' ''",
      intent.again { arguments = { "close", "a.csv", "--note", "it's January", "--billing-id", "R-{seq}", "" } })
  end)

  it("is said again without a password or a key", function()
    assert.are.equal("connect-usage close '--ledger=postgres://u:***@h/d' --proxy 'http://me:***@proxy' "
      .. [[--api-key-command 'echo '\''ApiKey SU-1:***'\''']],
      intent.again { arguments = { "close", "--ledger=postgres://u:s3cret@h/d", "--proxy", "http://me:s3cret@proxy",
        "--api-key-command", "echo 'ApiKey SU-1:s3cret'" } })
    -- What is no URL stays as it is.
    assert.are.equal("connect-usage close --note 'see http://wiki: ask bob@x'",
      intent.again { arguments = { "close", "--note", "see http://wiki: ask bob@x" } })
  end)

  it("goes on by the ledger alone where the list came by a pipe", function()
    local arguments = { "close", "-", "--ledger", "run.db" }
    assert.are.equal("connect-usage close --ledger run.db",
      intent.again { arguments = arguments, file = "-", ledger = "run.db" })
    assert.are.equal("connect-usage close -", intent.again { arguments = { "close", "-" }, file = "-" })
  end)
end)
