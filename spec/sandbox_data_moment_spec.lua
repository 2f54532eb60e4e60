local moment = require "cloudblue.connect.sandbox.data.moment"

describe("the sandbox's dates and times", function()
  it("are numbers of seconds since 1970, in UTC", function()
    for text, seconds in pairs {
      ["1970-01-01"] = 0,
      ["1970-01-01T00:00:01Z"] = 1,
      ["1969-12-31T23:59:59+00:00"] = -1,
      ["2000-02-29T12:00"] = 951825600,
      ["2001-03-01 00:00:00"] = 983404800,
      ["2026-01-31T10:00:00+00:00"] = 1769853600,
      ["2026-01-31T11:30:00+01:30"] = 1769853600,
      ["2026-01-31T05:00:00-0500"] = 1769853600,
      ["2026-01-31T05:00-05"] = 1769853600,
      ["2026-1-31T10:00:00.25Z"] = 1769853600.25,
    } do
      assert.are.same({ text, seconds }, { text, moment.read(text) })
    end
  end)

  it("agree with the system's calendar", function()
    for _, seconds in ipairs { -86400, 68169600, 951782399, 951782400, 1709164800, 4107542399, 4107542400 } do
      assert.are.equal(seconds, moment.read(moment.write(seconds)))
    end
    assert.is_true(math.abs(moment.read(moment.write()) - os.time()) <= 1)
  end)

  it("are nothing where they are none", function()
    for _, text in ipairs { "", "2026", "2026-13-01", "2026-00-01", "2026-01-32", "2026-01-00", "2026-01-31T", "now",
      "2026-01-31T10", "2026-01-31T10:00:00+1", "2026-01-31T10:00x", "2026-01-31 10:00:00 PM" } do
      assert.is_nil(moment.read(text), text)
    end
    assert.is_nil(moment.read(nil))
    assert.is_nil(moment.read({}))
  end)
end)
