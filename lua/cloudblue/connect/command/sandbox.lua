--- connect-usage sandbox: a local Connect that serves until it is interrupted.

local exitcodes = require "cloudblue.connect.command.exitcodes"
local libraries = require "cloudblue.connect.sandbox.libraries"
local options = require "cloudblue.connect.command.options"

local subcommand = {}

--- Describes the subcommand's options.
---@param parser table an argparse command
function subcommand.describe(parser)
  parser:summary("Serve a local Connect to test against.")
  parser:description("Serves a local Connect, with data in memory, until SIGINT or SIGTERM.")
  parser:usage("Usage: connect-usage sandbox [OPTION...]")
  options.add(parser, "--port", "The port; 0 takes a free one.", "PORT", "port"):default("8080")
  options.add(parser, "--host", "The address to listen on.", "ADDRESS", "address"):default("127.0.0.1")
  options.add(parser, "--records", "How many usage records there are.", "COUNT", "count"):default("1000")
  options.add(parser, "--api-key", "The key that is let in.", "KEY", "key"):target("apiKey")
  options.add(parser, "--faults", "A script of faults, a JSON file (docs/sandbox.md).", "FILE", "file")
  options.add(parser, "--download-bytes", "The size of downloads.", "BYTES", "count"):target("downloadBytes")
  parser:flag("--no-bulk-route", "Answer POST /usage/records/close-records with 404."):target("noBulkRoute")
  parser:flag("--lenient-filters", "Leave out unknown filters, as the service does."):target("lenientFilters")
  parser:flag("--verbose", "Print a line for each request.")
end

local function shellQuoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function introduce(running, records)
  print(string.format("The sandbox serves %d usage records at %s", records, running.endpoint))
  print(string.format(
    "For a client: export CONNECT_ENDPOINT=%s CONNECT_API_KEY=%s",
    shellQuoted(running.endpoint),
    shellQuoted(running.apiKey)
  ))
  print("Ctrl-C ends it.")
  io.stdout:flush()
end

local function summary(counts)
  local statuses = {}
  for status in pairs(counts) do
    statuses[#statuses + 1] = status
  end
  table.sort(statuses)
  for number, status in ipairs(statuses) do
    statuses[number] = string.format("%d %s", counts[status], status)
  end
  return "Usage records: " .. (statuses[1] and table.concat(statuses, ", ") or "none")
end

--- Reads a script of faults.
---@param path string
---@return table|nil script
---@return string? problem
local function readFaults(path)
  local file, problem = io.open(path, "rb")
  if not file then
    return nil, problem
  end
  local text = file:read("a")
  file:close()
  local json = require "cloudblue.connect.sandbox.json"
  local script
  script, problem = json.decode(text)
  if problem then
    return nil, string.format("%s is no JSON: %s", path, problem)
  end
  local ok, wrong = require("cloudblue.connect.sandbox.http.faults").check(json.integers(script))
  if not ok then
    return nil, string.format("%s: %s", path, wrong)
  end
  return script
end

--- The options of the sandbox that the command line stands for.
local function sandboxOptions(given, script)
  return {
    port = given.port,
    host = given.host,
    records = given.records,
    apiKey = given.apiKey,
    downloadBytes = given.downloadBytes,
    bulkRoute = not given.noBulkRoute,
    strictFilters = not given.lenientFilters,
    verbose = given.verbose or false,
    faults = script,
  }
end

--- Serves until SIGINT or SIGTERM.
---@param given table what argparse returned
---@return integer|nil code the exit code
---@return string? problem
---@return integer? code beside a problem
function subcommand.run(given)
  local loaded, sandbox = pcall(require, "cloudblue.connect.sandbox")
  if not loaded then
    return nil, libraries.missing(sandbox) or tostring(sandbox), exitcodes.MISUSED
  end
  local script, wrong
  if given.faults then
    script, wrong = readFaults(given.faults)
    if not script then
      return nil, wrong, exitcodes.FAILED
    end
  end
  local settings = sandboxOptions(given, script)
  script, wrong = require("cloudblue.connect.sandbox.options").check(settings, false)
  if not script then
    return nil, wrong, exitcodes.MISUSED
  end
  local signal = require "cqueues.signal"
  -- Blocked before the thread starts, so that only the listener below ever takes them.
  signal.block(signal.SIGINT, signal.SIGTERM)
  local listener = signal.listen(signal.SIGINT, signal.SIGTERM)
  local running, problem, isMissing = sandbox.start(settings)
  if not running then
    return nil, problem, isMissing and exitcodes.MISUSED or exitcodes.FAILED
  end
  introduce(running, given.records)
  listener:wait()
  print(summary(running:counts()))
  running:stop()
  return exitcodes.DONE
end

return subcommand
