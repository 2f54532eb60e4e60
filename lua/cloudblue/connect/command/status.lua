--- connect-usage status: what became of the records of a ledger.

local connection = require "cloudblue.connect.command.connection"
local options = require "cloudblue.connect.command.options"

local subcommand = {}

local EXAMPLES <const> = [[
Exit codes: 0 all are closed; 1 some were refused, or --verify found a
difference; 2 there is no such ledger, or --verify would ask another endpoint
than that of the ledger; 3 some are unknown; 5 some were not tried, or --verify
could not read them; 7 the service refuses the key.

Examples:
   connect-usage status january.db
   connect-usage status january.db --refused >refused.csv
   connect-usage status january.db --verify --workers 16]]

--- Describes the subcommand's options.
---@param parser table an argparse command
function subcommand.describe(parser)
  parser:summary("Tell what became of the records of a ledger.")
  parser:description "Tells what became of the records of a ledger. It may be asked while a run goes on."
  parser:usage("Usage: connect-usage status [OPTION...] LEDGER")
  options.file(parser:argument("LEDGER", "The ledger, as it was given to close."), "LEDGER"):target("ledger")
  local refused = parser:flag("--refused", "Print what is not closed, as CSV for close.")
  local verify = parser:flag("--verify", "Read every record that it has as closed, and compare.")
  parser:mutex(refused, verify)
  parser:group("Options", refused, verify,
    options.add(parser, "--workers", "Reads at once, for --verify (default: 16).", "COUNT", "number"),
    parser:flag("--json", "Print objects, one a line; the last has message_type summary."),
    parser:flag("-q --quiet", "No words on stderr but problems."))
  connection.describe(parser)
  parser:epilog(EXAMPLES)
end

--- Tells what became of them.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function subcommand.run(given)
  -- Here, so that the other subcommands do without what these need.
  if given.verify then return require("cloudblue.connect.command.verify").run(given) end
  return require("cloudblue.connect.command.telling").run(given)
end

return subcommand
