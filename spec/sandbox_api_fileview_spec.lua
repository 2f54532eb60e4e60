local fileview = require "cloudblue.connect.sandbox.api.fileview"
local options = require "cloudblue.connect.sandbox.options"
local Store = require "cloudblue.connect.sandbox.data.store"

describe("the sandbox's usage files, as they are shown,", function()
  local store, file

  before_each(function()
    local statuses = { "valid", "invalid", "approved", "rejected", "closed", "closed" }
    store = Store.new(assert(options.complete { records = 6, statuses = statuses }))
    file = store.files.list[1]
  end)

  it("have statistics of their records in lists", function()
    local shown = fileview.listed(store, file)
    assert.are.same({ uploaded = 6, validated = 4, pending = 1, accepted = 3, closed = 2, billed = 2 }, shown.stats)
    assert.is_nil(shown.records)
    assert.is_nil(shown.sub_status)
    assert.is_nil(file.stats)
  end)

  it("have the numbers of their records and links to what was uploaded by themselves", function()
    store.uploads[file.id] = { usage = {} }
    local shown = fileview.detailed(store, { headers = { host = "host:1" } }, file)
    assert.are.same({ valid = 4, invalid = 2, closed = 2 }, shown.records)
    local link = "http://host:1/media/" .. file.id .. "/usage.xlsx"
    assert.are.same({ link, link }, { shown.usage_file_uri, shown.processed_file_uri })
    assert.is_nil(shown.reconciliation_file_uri)
    assert.are.equal(file.sub_status, shown.sub_status)
  end)

  it("are flat when they are new", function()
    local shown = fileview.created(file)
    assert.are.same({ "PRD-000-000-001", "VA-000-000", "2026-01-01T00:00:00+00:00", "2026-01-31T23:59:59+00:00" },
      { shown.product_id, shown.vendor, shown.start_datetime_utc, shown.end_datetime_utc })
  end)
end)
