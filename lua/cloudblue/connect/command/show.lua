--- connect-usage show: single usage records.

local connection = require "cloudblue.connect.command.connection"
local options = require "cloudblue.connect.command.options"
local showing = require "cloudblue.connect.command.showing"

local subcommand = {}

local EXAMPLES <const> = [[
Examples:
   connect-usage show UR-2026-01-0000-0000-0000-0001
   connect-usage show --json UR-1 UR-2 | jq -r '[.id, .status] | @tsv']]

--- Describes the subcommand's options.
---@param parser table an argparse command
function subcommand.describe(parser)
  parser:summary("Show usage records by their ids.")
  parser:description("Shows usage records, field by field.")
  parser:usage("Usage: connect-usage show [OPTION...] ID...")
  options.ids(parser:argument("ID", "Ids of usage records."):target("ids"):args("+"))
  parser:group("Options", parser:flag("--json", "Print each as one line of JSON."))
  connection.describe(parser)
  parser:epilog(EXAMPLES)
end

--- Prints them.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function subcommand.run(given) return showing.run(given, "usageRecords") end

return subcommand
