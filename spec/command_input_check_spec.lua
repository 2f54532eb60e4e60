local billing = require "cloudblue.connect.command.billing"
local check = require "cloudblue.connect.command.input.check"
local csventries = require "cloudblue.connect.command.input.csventries"

-- Checks a text of CSV. Returns as check.run does.
local function run(text, rules, onEntry)
  local file = assert(io.tmpfile())
  file:write(text)
  return check.run(function()
    file:seek "set"
    return csventries.of(file)
  end, billing.rules(rules or {}), onEntry)
end

local HEADER = "id,external_billing_id,external_billing_note\n"

describe("the check of an input", function()
  it("counts its entries", function()
    local numbers = {}
    local facts = run(HEADER .. "UR-1,B-1,\nUR-2,B-2,n\n", {}, function(number) numbers[#numbers + 1] = number end)
    assert.are.same({ 2, 0, {} }, { facts.entries, facts.repeated, facts.ignored })
    assert.are.same({ 1, 2 }, numbers)
    assert.are.equal(0, run(HEADER).entries)
  end)

  it("finds a record that stands there twice in the same way", function()
    local facts = run(HEADER .. "UR-1,B-1,\nUR-2,B-2,\nUR-1,B-1,\nUR-1,B-1,\n")
    assert.are.same({ 2, 2, { [3] = true, [4] = true } }, { facts.entries, facts.repeated, facts.repeats })
  end)

  it("takes an id that is only listed twice for one entry, whatever a template makes of its number", function()
    local facts = run("id\nUR-1\nUR-2\nUR-1\n", { template = billing.template "R-{seq}" })
    assert.are.same({ 2, 1 }, { facts.entries, facts.repeated })
  end)

  it("has a fingerprint for each block, in which every part of every entry counts", function()
    local function blocks(change)
      local rows = { "id,external_billing_id,external_billing_note" }
      for number = 1, 2500 do rows[number + 1] = ("UR-%d,B-%d,n"):format(number, number) end
      change(rows)
      return run(table.concat(rows, "\n")).blocks
    end
    local all = blocks(function() end)
    assert.are.equal(3, #all)
    for _, row in ipairs { "UR-x,B-1500,n", "UR-1500,B-x,n", "UR-1500,B-1500,x", "UR-1500,B-1500," } do
      local changed = blocks(function(rows) rows[1501] = row end)
      assert.are.same({ true, false, true }, { all[1] == changed[1], all[2] == changed[2], all[3] == changed[3] })
    end
  end)

  for what, case in pairs {
    ["a wrong id"] = { HEADER .. "UR-1,B,\n..,B,\n", "id is '..', which a URL resolves to another path", 3, 1 },
    ["no id"] = { HEADER .. "UR-1,B,\n,B,\n", "id is empty", 3, 1 },
    ["a record twice in different ways"] = {
      HEADER .. "UR-1,B-1,\nUR-2,B-2,\nUR-1,B-3,\n",
      "UR-1 stands in line 2 already, with another billing id or note", 4, 1,
    },
    ["a note that differs"] = {
      HEADER .. "UR-1,B-1,\nUR-1,B-1,n\n", "UR-1 stands in line 2 already, with another billing id or note", 3, 1,
    },
    ["a billing id that only some have"] = {
      HEADER .. "UR-1,B-1,\nUR-2,,n\n",
      "there is no external_billing_id here, but elsewhere (--without-billing-id lets that be)", 3, 6,
    },
    ["neither billing id nor note"] = {
      "id\nUR-1\n", "there is no external_billing_id: give --billing-id, --note or --without-billing-id", 2, 1,
    },
    ["notes without billing ids"] = {
      "id,external_billing_note\nUR-1,n\n",
      "there is no external_billing_id: give --billing-id or --without-billing-id", 2, 1,
    },
    ["billing ids in a column of another spelling"] = {
      "id,External Billing_ID,external_billing_note\nUR-1,B-1,n\n", "there is no external_billing_id ('External "
        .. "Billing_ID' is left out, for it is spelled otherwise): give --billing-id or --without-billing-id", 2, 1,
    },
    ["what is no CSV"] = { HEADER .. 'UR-1,"B\n', "the quote that begins here is not closed", 2, 6 },
  } do
    it("refuses " .. what .. " by its place", function()
      local facts, problem, line, column = run(case[1])
      assert.are.same({ nil, table.unpack(case, 2) }, { facts, problem, line, column })
    end)
  end

  it("refuses a billing id beside a template", function()
    assert.are.same({ nil, "there is a billing id here, and --billing-id makes another", 3, 6 },
      { run(HEADER .. "UR-1,,\nUR-2,B-2,\n", { template = billing.template "R-{seq}" }) })
  end)

  it("lets a note for all do, and no billing id where that is said", function()
    assert.is_truthy(run("id,external_billing_note\nUR-1,n\n", { withoutBillingId = true }))
    assert.is_truthy(run("id\nUR-1\n", { note = "n" }))
    assert.is_truthy(run("id\nUR-1\n", { withoutBillingId = true }))
    assert.is_truthy(run(HEADER .. "UR-1,B-1,\nUR-2,,\n", { withoutBillingId = true }))
  end)
end)
