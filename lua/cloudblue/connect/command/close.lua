--- connect-usage close: closes the records of a list.

local connection = require "cloudblue.connect.command.connection"
local options = require "cloudblue.connect.command.options"

local subcommand = {}

local DESCRIPTION <const> = [[
Closes usage records, each once, and says what became of each.

FILE is CSV with a header, with the columns id, external_billing_id and
external_billing_note (the last two may be missing, others are left out), or
JSON Lines with the same keys. All of it is checked before anything is sent.]]

local USAGE <const> = [[
Usage: connect-usage close [OPTION...] FILE
       connect-usage close [OPTION...] --where RQL --billing-id TEMPLATE
       connect-usage close [OPTION...] --ledger LEDGER]]

local EXAMPLES <const> = [[
A record that is closed already, under its billing id, counts as done: the same
command can be given again. On a terminal it is asked before anything is sent;
elsewhere --yes is needed.

Exit codes: 0 all are closed; 1 some were refused; 2 usage or input, nothing
was sent; 3 of some it is not known, run it again; 5 stopped early, run it
again; 7 the service refuses the key; 11 another run holds the ledger;
130 interrupted.

Examples:
   connect-usage close january.csv --dry-run
   connect-usage close january.csv --ledger january.db --report refused.csv
   connect-usage close --ledger january.db
   connect-usage close ids.csv --billing-id 'RUN7-{seq}' --note January --yes
   connect-usage close --where 'status=approved&product.id=PRD-1' \
     --billing-id 'RUN7-{id}'
   psql --csv -c 'SELECT …' | connect-usage close - --yes --json]]

local function describeEntries(parser)
  parser:group("What is closed",
    options.file(parser:argument("FILE", "CSV or JSON Lines; - is stdin."), "FILE"):args("?"):target("file"),
    parser:option("--where", "The records that a filter in RQL finds, instead of a file."):argname("RQL"),
    parser:flag("--any-filter", "Send filters that the API does not describe."):target("anyFilter"),
    parser:option("--format", "Of the file: csv or jsonl (default: as its name or its beginning says).")
      :argname("FORMAT"):choices({ "csv", "jsonl" }),
    parser:option("--billing-id", "The billing ids: {seq} is the entry's number, from 1 on, {id} the record's id.")
      :argname("TEMPLATE"):target("billingId"),
    parser:option("--note", "The billing note of every record."):argname("TEXT"),
    parser:flag("--without-billing-id", "Close records without a billing id, too."):target("withoutBillingId"))
end

local function describeRun(parser)
  parser:group("How",
    options.add(parser, "--ledger", "Keep what became of each on disk: a run that was cut off goes on.", "LEDGER",
      "file"),
    options.add(parser, "--workers", "Requests at once (default: 4).", "COUNT", "number"),
    options.add(parser, "--batch-size", "Records of a request (default: 100).", "COUNT", "number"):target("batchSize"),
    options.add(parser, "--per-second", "Records sent in a second, at most.", "COUNT", "positive"):target("perSecond"),
    options.add(parser, "--max-refused", "Stop when more are refused.", "COUNT", "count"):target("maxRefused"),
    options.add(parser, "--max-duration", "Begin nothing more after so long.", "SECONDS", "seconds")
      :target("maxDuration"),
    options.add(parser, "--report", "Write what was not closed into a file, which can be closed again.", "CSV", "file"),
    parser:flag("--dry-run", "Show what would be closed. Nothing is sent but what lists."):target("dryRun"),
    parser:flag("-y --yes", "Don't ask."),
    parser:flag("--json", "Print an object a line: message_type is status, error or, in the last, summary."),
    parser:flag("-q --quiet", "No words on stderr but problems."))
end

--- Describes the subcommand's options.
---@param parser table an argparse command
function subcommand.describe(parser)
  parser:summary("Close usage records, as a file or a filter lists them.")
  parser:description(DESCRIPTION)
  parser:usage(USAGE)
  describeEntries(parser)
  describeRun(parser)
  connection.describe(parser)
  parser:epilog(EXAMPLES)
end

--- Closes the records.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function subcommand.run(given)
  -- Here, so that the other subcommands do without what it needs.
  return require("cloudblue.connect.command.closing").run(given)
end

return subcommand
