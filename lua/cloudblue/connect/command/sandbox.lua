--- connect-usage sandbox: a local Connect that serves until it is interrupted.

local libraries = require "cloudblue.connect.sandbox.libraries"

local subcommand = {}

local function countOf(text)
  local number = math.tointeger(tonumber(text))
  return number and number >= 0 and number or nil
end

local function portOf(text)
  local number = countOf(text)
  return number and number <= 65535 and number or nil
end

local function wordOf(text)
  return text:find("%S") and text or nil
end

--- Adds an option whose argument `read` converts; it returns nil for what is not `wanted`.
local function addOption(parser, name, description, argument, read, wanted)
  local option = parser:option(name, description):argname(argument)
  return option:convert(function(text)
    local value = read(text)
    return value, value == nil and string.format("%s must be %s, not '%s'", name, wanted, text) or nil
  end)
end

--- Describes the subcommand's options.
---@param parser table an argparse command
function subcommand.describe(parser)
  parser:summary("Serve a local Connect to test against.")
  parser:description("Serves a local Connect, with data in memory, until SIGINT or SIGTERM.")
  addOption(parser, "--port", "The port; 0 takes a free one.", "PORT", portOf, "a port from 0 to 65535"):default("8080")
  addOption(parser, "--host", "The address to listen on.", "ADDRESS", wordOf, "an address"):default("127.0.0.1")
  addOption(parser, "--records", "How many usage records there are.", "COUNT", countOf, "a count"):default("1000")
  addOption(parser, "--api-key", "The key that is let in.", "KEY", wordOf, "a key"):target("apiKey")
  parser:option("--faults", "A script of faults, a JSON file (docs/sandbox.md)."):argname("FILE")
  addOption(parser, "--download-bytes", "The size of downloads.", "BYTES", countOf, "a count"):target("downloadBytes")
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
local function sandboxOptions(options, script)
  return {
    port = options.port,
    host = options.host,
    records = options.records,
    apiKey = options.apiKey,
    downloadBytes = options.downloadBytes,
    bulkRoute = not options.noBulkRoute,
    strictFilters = not options.lenientFilters,
    verbose = options.verbose or false,
    faults = script,
  }
end

--- Serves until SIGINT or SIGTERM.
---@param options table what argparse returned
---@return true|nil ok
---@return string? problem
---@return boolean? canNotBegin whether the command line is wrong or a library is missing
function subcommand.run(options)
  local loaded, sandbox = pcall(require, "cloudblue.connect.sandbox")
  if not loaded then
    return nil, libraries.missing(sandbox) or tostring(sandbox), true
  end
  local script, wrong
  if options.faults then
    script, wrong = readFaults(options.faults)
    if not script then
      return nil, wrong
    end
  end
  local given = sandboxOptions(options, script)
  script, wrong = require("cloudblue.connect.sandbox.options").check(given, false)
  if not script then
    return nil, wrong, true
  end
  local signal = require "cqueues.signal"
  -- Blocked before the thread starts, so that only the listener below ever takes them.
  signal.block(signal.SIGINT, signal.SIGTERM)
  local listener = signal.listen(signal.SIGINT, signal.SIGTERM)
  local running, problem, isMissing = sandbox.start(given)
  if not running then
    return nil, problem, isMissing
  end
  introduce(running, options.records)
  listener:wait()
  print(summary(running:counts()))
  running:stop()
  return true
end

return subcommand
