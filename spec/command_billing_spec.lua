local billing = require "cloudblue.connect.command.billing"

describe("a template of billing ids", function()
  it("puts in the entry's number and the record's id", function()
    for template, made in pairs {
      ["RUN7-{seq}"] = "RUN7-12", ["{id}"] = "UR-1", ["{seq}/{id}/{seq}."] = "12/UR-1/12.", ["RUN7"] = "RUN7",
    } do
      assert.are.equal(made, billing.template(template)(12, "UR-1"))
    end
  end)

  it("tells whether it numbers", function()
    assert.is_true(select(3, billing.template "a{seq}"))
    assert.is_false(select(3, billing.template "a{id}"))
  end)

  it("refuses other placeholders, braces that stand alone, and nothing", function()
    for template, problem in pairs {
      ["a{b}"] = "there is no placeholder {b}: {seq} is the entry's number, {id} the record's id",
      ["{seq}{}"] = "there is no placeholder {}: {seq} is the entry's number, {id} the record's id",
      ["a{seq"] = "a brace stands alone: {seq} and {id} are placeholders",
      ["seq}"] = "a brace stands alone: {seq} and {id} are placeholders",
      ["{{seq}}"] = "a brace stands alone: {seq} and {id} are placeholders",
      [" "] = "it is empty",
    } do
      assert.are.same({ template, nil, problem }, { template, billing.template(template) })
    end
  end)
end)

describe("the billing id and the note of an entry", function()
  local template = billing.template "RUN7-{seq}"

  it("are its own", function()
    assert.are.same({ "B-1", "n" }, { billing.rules({}):apply(1, "UR-1", "B-1", "n") })
    assert.are.same({ nil, nil }, { billing.rules({}):apply(1, "UR-1") })
  end)

  it("are those that the options make", function()
    assert.are.same({ "RUN7-3", "n" }, { billing.rules({ template = template, note = "n" }):apply(3, "UR-1") })
  end)

  it("are not both", function()
    assert.are.same({ false, "there is a billing id here, and --billing-id makes another", "external_billing_id" },
      { billing.rules({ template = template }):apply(1, "UR-1", "B-1") })
    assert.are.same({ false, "there is a note here, and --note gives another", "external_billing_note" },
      { billing.rules({ note = "n" }):apply(1, "UR-1", "B-1", "m") })
  end)
end)
