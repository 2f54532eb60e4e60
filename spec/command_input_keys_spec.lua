local keys = require "cloudblue.connect.command.input.keys"

describe("the keys of an entry", function()
  it("are the API's; what a report has beside them is left out in silence", function()
    local known, reported = {}, {}
    for _, name in ipairs { "id", "external_billing_id", "external_billing_note", "outcome", "message", "ID", "" } do
      known[name], reported[name] = keys.isKnown(name) or nil, keys.isReported(name) or nil
    end
    assert.are.same({ [keys.ID] = true, [keys.BILLING_ID] = true, [keys.NOTE] = true }, known)
    assert.are.same({ outcome = true, message = true }, reported)
  end)

  it("are recognised where they differ in letter case and blanks only", function()
    for name, key in pairs {
      ["ID"] = keys.ID, [" id "] = keys.ID, ["External_Billing_Id"] = keys.BILLING_ID,
      ["external billing id"] = keys.BILLING_ID, ["EXTERNAL_BILLING_NOTE\t"] = keys.NOTE,
    } do
      assert.are.equal(key, keys.meant(name))
    end
    assert.is_nil(keys.meant "billing_id")
  end)
end)
