--- connect-usage chunks: the chunks of usage files, a part of the file for each hub.

local connection = require "cloudblue.connect.command.connection"
local exitcodes = require "cloudblue.connect.command.exitcodes"
local listing = require "cloudblue.connect.command.listing"
local options = require "cloudblue.connect.command.options"
local showing = require "cloudblue.connect.command.showing"

local subcommand = {}

---@type cloudblue.connect.command.List
local CHUNKS <const> = {
  collection = "chunks", property = "usageChunks",
  table = { "id", "status", "usagefile.id", "external_billing_id" },
  csv = {
    "id", "external_billing_id", "external_billing_note", "status", "usagefile.id", "usagefile.name",
    "binding.hub.id", "provider.id",
  },
}

local EXAMPLES <const> = [[
Filters: binding.hub.id, id, provider.id, status, usagefile.id.
Orderings: usagefile.id.

Examples:
   connect-usage chunks --where status=ready
   connect-usage chunks UFC-2026-01-0000-0000-001
   connect-usage download UFC-2026-01-0000-0000-001 -o chunk.xlsx]]

--- Describes the subcommand's options.
---@param parser table an argparse command
function subcommand.describe(parser)
  parser:summary("List chunks of usage files, or show some.")
  parser:description("Lists the chunks of usage files, or shows some field by field.")
  parser:usage("Usage: connect-usage chunks [OPTION...]\n       connect-usage chunks [OPTION...] ID...")
  options.ids(parser:argument("ID", "Ids of chunks; without, they are listed."):target("ids"):args("*"))
  listing.describe(parser)
  connection.describe(parser)
  parser:epilog(EXAMPLES)
end

-- What belongs to a list alone.
local LIST_ONLY <const> = {
  where = "--where", limit = "--limit", order = "--order", columns = "--columns", csv = "--csv",
  anyFilter = "--any-filter",
}

--- Prints the list, or the chunks.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function subcommand.run(given)
  if #given.ids == 0 then return listing.run(given, CHUNKS) end
  for name, option in pairs(LIST_ONLY) do
    if given[name] ~= nil then return nil, option .. " goes with a list, not with ids", exitcodes.MISUSED end
  end
  return showing.run(given, CHUNKS.property)
end

return subcommand
