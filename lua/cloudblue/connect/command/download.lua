--- connect-usage download: the spreadsheet of a chunk, or a file of a reconciliation.

local connection = require "cloudblue.connect.command.connection"
local exitcodes = require "cloudblue.connect.command.exitcodes"
local options = require "cloudblue.connect.command.options"

local subcommand = {}

local EXAMPLES <const> = [[
The service gives a usage file out in chunks, one for each hub;
`connect-usage chunks` lists them.

Examples:
   connect-usage download UFC-2026-01-0000-0000-001 -o chunk.xlsx
   connect-usage download UFC-2026-01-0000-0000-001 | sha256sum
   connect-usage download RCN-1 --reconciliation processed -o processed.xlsx]]

--- Describes the subcommand's options.
---@param parser table an argparse command
function subcommand.describe(parser)
  parser:summary("Download the file of a chunk or a reconciliation.")
  parser:description("Downloads a spreadsheet. The file is there as a whole, or not at all.")
  parser:usage("Usage: connect-usage download [OPTION...] ID")
  options.ids(parser:argument("ID", "The id of a chunk, or of a reconciliation."):target("id"))
  parser:group("Options",
    options.add(parser, "-o --output", "The file to write (default: stdout, as is -).", "FILE", "file"),
    parser:flag("-f --force", "Overwrite the file."),
    parser:option("--reconciliation", "A file of a reconciliation: processed or uploaded."):argname("WHICH")
      :choices({ "processed", "uploaded" }))
  connection.describe(parser)
  parser:epilog(EXAMPLES)
end

-- Runs the download into `to`, a path or a function.
local function fetch(client, given, to, limits)
  if given.reconciliation == "processed" then
    return client.usageReconciliations:processedFile(given.id, to, limits)
  elseif given.reconciliation == "uploaded" then
    return client.usageReconciliations:uploadedFile(given.id, to, limits)
  end
  return client.usageChunks:download(given.id, to, limits)
end

-- Whether there is such a file, or something that can't be looked at.
local function exists(path)
  local file, _, code = io.open(path, "rb")
  if file then file:close() end
  local ENOENT <const> = 2
  return file ~= nil or code ~= ENOENT
end

local function toFile(client, given)
  local interrupt = require "cloudblue.connect.command.interrupt"
  local transfer = require "cloudblue.connect.command.transfer"
  local onProgress, clear = transfer.progress(require("cloudblue.connect.core").now)
  local interrupted, bytes, failure = interrupt.close(client, function()
    return fetch(client, given, given.output, { onProgress = onProgress })
  end)
  clear()
  if interrupted and not bytes then return exitcodes.INTERRUPTED end
  if not bytes then return nil, tostring(failure), exitcodes.ofFailure(failure) end
  io.stderr:write(("%s in %s\n"):format(transfer.size(bytes), given.output))
  return exitcodes.DONE
end

-- What is printed before a failure stays printed.
local function toStdout(client, given)
  local output = require "cloudblue.connect.command.output"
  local stream = output.stream(io.stdout)
  local NO_READER <const> = {}
  local done, bytes, failure = pcall(fetch, client, given, function(piece)
    if not stream:write(piece) then error(NO_READER) end
  end)
  if not done and bytes ~= NO_READER then error(bytes, 0) end
  local written, problem, code = stream:finish()
  if not written then return nil, problem, code end
  if not bytes then return nil, tostring(failure) .. "; what was printed is not whole", exitcodes.ofFailure(failure) end
  return exitcodes.DONE
end

-- Why it can't begin; nil where it can.
local function obstacle(given)
  local terminal = require "cloudblue.connect.command.terminal"
  if given.id:find "^UF%-" then
    return ("%s is a usage file, which the service gives out in chunks: connect-usage chunks --where usagefile.id=%s")
      :format(given.id, given.id)
  end
  if not given.output then return terminal.is(io.stdout) and "a spreadsheet is nothing for a terminal; give -o FILE" end
  if not given.force and exists(given.output) then return given.output .. " is there already; --force overwrites it" end
  return nil
end

--- Downloads it.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function subcommand.run(given)
  if given.output == "-" then given.output = nil end
  local wrong = obstacle(given)
  if wrong then return nil, wrong, exitcodes.MISUSED end
  local client <close>, problem, code = connection.open(given)
  if not client then return nil, problem, code end
  if given.output then return toFile(client, given) end
  return toStdout(client, given)
end

return subcommand
