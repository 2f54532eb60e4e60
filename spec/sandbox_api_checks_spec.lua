local checks = require "cloudblue.connect.sandbox.api.checks"
local Collection = require "cloudblue.connect.sandbox.data.collection"

--- The message of a refusal.
local function message(refusal)
  return refusal and refusal.json:match("%[\"(.-)\"%]")
end

describe("the sandbox's checks", function()
  it("want strings of some length", function()
    local function problem(object, required)
      return message(checks.strings(object, { a = 3 }, required))
    end
    assert.is_nil(problem({ a = "äöü", b = 1 }))
    assert.is_nil(problem({}))
    assert.are.equal("a: Ensure this field has no more than 3 characters.", problem({ a = "abcd" }))
    assert.are.equal("a: Ensure this field has no more than 3 characters.", problem({ a = "\255\255\255\255" }))
    assert.are.equal("a: Not a valid string.", problem({ a = 1 }))
    assert.are.equal("a: This field is required.", problem({}, { "a" }))
    assert.are.equal("a: This field is required.", problem({ a = "" }, { "a" }))
  end)

  it("want a billing id and a note that are not too long", function()
    assert.is_nil(checks.billing({ external_billing_id = ("x"):rep(255), external_billing_note = ("x"):rep(1000) }))
    assert.is_nil(checks.billing {})
    assert.are.equal("external_billing_id: Ensure this field has no more than 255 characters.",
      message(checks.billing { external_billing_id = ("x"):rep(256) }))
    assert.are.equal("external_billing_note: Ensure this field has no more than 1000 characters.",
      message(checks.billing { external_billing_note = ("x"):rep(1001) }))
    assert.are.equal("external_billing_id: This field is required.",
      message(checks.billing({ external_billing_note = "n" }, { "external_billing_id" })))
  end)

  it("want a spreadsheet that is not empty", function()
    local sheet = { size = 1 }
    assert.are.equal(sheet, (checks.spreadsheet({ f = sheet }, "f")))
    assert.are.equal("f: No file was submitted.", message(select(2, checks.spreadsheet({}, "f"))))
    sheet.size = 0
    assert.are.equal("f: The submitted file is empty.", message(select(2, checks.spreadsheet({ f = sheet }, "f"))))
  end)

  it("find an object, or say that there is none", function()
    local store = { chunks = Collection.new { { id = "UFC-1" } } }
    assert.are.same({ id = "UFC-1" }, (checks.find(store, "chunks", "UFC-1")))
    assert.is_nil(select(2, checks.find(store, "chunks", "UFC-1")))
    local none, refusal = checks.find(store, "chunks", "UFC-2")
    assert.is_nil(none)
    assert.are.same({ 404, "Usage chunk UFC-2 does not exist" }, { refusal.status, message(refusal) })
  end)
end)
