--- connect-usage list: usage records.

local connection = require "cloudblue.connect.command.connection"
local listing = require "cloudblue.connect.command.listing"

local subcommand = {}

---@type cloudblue.connect.command.List
local RECORDS <const> = {
  collection = "records", property = "usageRecords",
  table = { "id", "status", "usage", "external_billing_id" },
  csv = {
    "id", "external_billing_id", "external_billing_note", "status", "usage", "start_date", "end_date", "item.id",
    "item.name", "asset.id", "asset.external_id", "product_id", "usagefile.id",
  },
}

local EXAMPLES <const> = [[
Filters: asset.external_id, asset.external_uid, asset.id, asset_external_id,
asset_external_uid, asset_id, created_time, end_date, hub.id, item.id, item_id,
part_usage_file__hub__id, product.id, product_id, start_date, status,
usage_file, usage_start_time, usagefile.id, usagefile.schema.
Orderings: created_time, status, usage_start_time.

Examples:
   connect-usage list --where status=approved --limit 20
   connect-usage list --where 'status=approved&product.id=P-1' --complete >a.csv
   connect-usage list --where 'ge(created_time,2026-01-01)' --columns id,usage
   connect-usage list --json | jq -r 'select(.usage > 100) | .id'

The CSV can be given to `connect-usage close` when each line has a billing id
in the column external_billing_id.]]

--- Describes the subcommand's options.
---@param parser table an argparse command
function subcommand.describe(parser)
  parser:summary("List usage records.")
  parser:description("Lists usage records: as a table on a terminal, else as CSV.")
  parser:usage("Usage: connect-usage list [OPTION...]")
  listing.describe(parser)
  connection.describe(parser)
  parser:epilog(EXAMPLES)
end

--- Prints the list.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function subcommand.run(given) return listing.run(given, RECORDS) end

return subcommand
