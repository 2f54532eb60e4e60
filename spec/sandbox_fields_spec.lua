local fields = require "cloudblue.connect.sandbox.fields"

--- The filters that the API's description offers, by collection (its `in: query` parameters).
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

describe("the sandbox's fields", function()
  for collection, names in pairs(OFFERED) do
    it("hold every filter that the description offers for " .. collection, function()
      for name in names:gmatch("%S+") do
        assert.is_truthy(fields.of(collection)[name], name)
      end
    end)
  end

  it("know where a member is, and of what kind", function()
    local records = fields.of("records")
    assert.are.same({ name = "asset.external_uid", path = { "asset", "external_uid" } }, records["asset.external_uid"])
    assert.are.equal("number", records.amount.kind)
    assert.are.equal("object", records.item.kind)
    assert.are.equal("list", records.params.kind)
    assert.is_nil(records.status.kind)
    assert.are.same({ "events", "created", "by", "name" }, fields.of("files")["events.created.by.name"].path)
    assert.are.same({ "events", "created", "at" }, fields.of("files")["created.at"].path)
    assert.is_nil(records["asset.nosuch"])
  end)
end)
