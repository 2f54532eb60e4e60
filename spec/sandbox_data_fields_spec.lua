local fields = require "cloudblue.connect.sandbox.data.fields"

--- The filters that the API's description offers, by collection, and those that it orders by.
local OFFERED = {
  records = "asset.external_id asset.external_uid asset.id asset_external_id asset_external_uid asset_id created_time"
    .. " end_date hub.id item.id item_id part_usage_file__hub__id product.id product_id start_date status usage_file"
    .. " usage_start_time usagefile.id usagefile.schema",
  chunks = "binding.hub.id id provider.id status usagefile.id",
  files = "contract.id contract.name created.at distribution_contract_id environment external_id id marketplace.id"
    .. " marketplace.name marketplace_id name product.id product.name product_id provider.id provider.name provider_id"
    .. " schema status vendor.id vendor.name vendor_id",
  reconciliations = "binding.hub.id partusagefile.id partusagefile.provider.id usagefile.id",
  aggregates = "asset.external_uid asset.id item.id item.local_id item.type",
  rules = "action id item.id item.name rule scope status",
  categories = "id name",
}
local ORDERED = {
  records = "created_time status usage_start_time",
  chunks = "usagefile.id",
  files = "contract.name created.at environment id marketplace.name product.name provider.name schema status"
    .. " vendor.name",
  reconciliations = "partusagefile.id usagefile.id",
  aggregates = "",
  rules = "item.id",
  categories = "name",
}

--- The names of the fields for which `holds` is true, in one line.
local function names(collection, holds)
  local list = {}
  for name, field in pairs(fields.filters(collection)) do
    list[#list + 1] = holds(field) and name or nil
  end
  table.sort(list)
  return table.concat(list, " ")
end

describe("the sandbox's fields", function()
  for collection, offered in pairs(OFFERED) do
    it("are the filters that the description offers for " .. collection .. ", and no others", function()
      assert.are.equal(offered, names(collection, function() return true end))
    end)

    it("order " .. collection .. " as the description says", function()
      assert.are.equal(ORDERED[collection], names(collection, function(field) return field.ordering end))
    end)
  end

  it("know what may be asked of them", function()
    local records = fields.filters("records")
    assert.is_true(records.status.lookups.null and records.status.lookups.ilike)
    assert.is_nil(records.status.lookups.gt)
    assert.is_nil(records["usagefile.schema"].lookups.null)
    assert.is_true(records.start_date.lookups.ge and records.start_date.isTime)
    assert.is_nil(records.start_date.lookups.like)
    assert.is_nil(fields.filters("files")["created.at"].lookups.eq)
  end)

  it("know where the member is, or that none is shown", function()
    local records = fields.filters("records")
    assert.are.same({ "asset", "external_uid" }, records["asset.external_uid"].path)
    assert.are.same({ "usagefile", "id" }, records.usage_file.path)
    assert.are.same({ "events", "created", "at" }, fields.filters("files")["created.at"].path)
    assert.is_nil(records.created_time.path)
  end)

  it("tell what can be selected: what filters look at, and the objects around that", function()
    local selects = fields.selects("records")
    assert.are.same({ "item" }, selects.item)
    assert.are.same({ "asset", "id" }, selects["asset.id"])
    assert.is_nil(selects.params)
    assert.is_nil(selects.id)
  end)
end)
