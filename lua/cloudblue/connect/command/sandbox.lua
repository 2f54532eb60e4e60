--- connect-usage sandbox: a local Connect that serves until it is interrupted.

local subcommand = {}

local function count(text)
  local number = math.tointeger(tonumber(text))
  if not number or number < 0 then
    return nil, "'" .. text .. "' is not a number of things"
  end
  return number
end

local function port(text)
  local number = count(text)
  if not number or number > 65535 then
    return nil, "'" .. text .. "' is not a port from 0 to 65535"
  end
  return number
end

--- Describes the subcommand's options.
---@param parser table an argparse command
function subcommand.describe(parser)
  parser:summary("Serve a local Connect to test against.")
  parser:description("Serves a local Connect, with data in memory, until SIGINT or SIGTERM.")
  parser:option("--port", "The port; 0 takes a free one.", "8080"):convert(port):argname("PORT")
  parser:option("--host", "The address to listen on.", "127.0.0.1"):argname("ADDRESS")
  parser:option("--records", "How many usage records there are.", "1000"):convert(count):argname("COUNT")
  parser:option("--api-key", "The key that is let in."):argname("KEY"):target("apiKey")
  parser:option("--faults", "A script of faults, a JSON file (docs/sandbox.md)."):argname("FILE")
  parser:option("--download-bytes", "The size of downloads."):convert(count):argname("BYTES"):target("downloadBytes")
  parser:flag("--no-bulk-route", "Answer POST /usage/records/close-records with 404."):target("noBulkRoute")
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
  local ok, wrong = require("cloudblue.connect.sandbox.faults").check(json.native(script))
  if not ok then
    return nil, string.format("%s: %s", path, wrong)
  end
  return script
end

--- Serves until SIGINT or SIGTERM.
---@param options table what argparse gave
---@return true|nil ok
---@return string? problem
function subcommand.run(options)
  local loaded, sandbox = pcall(require, "cloudblue.connect.sandbox")
  if not loaded then
    return nil, "the sandbox needs lua-http and lua-cjson: " .. sandbox:match("^[^\n]*")
  end
  local script, unreadable
  if options.faults then
    script, unreadable = readFaults(options.faults)
  end
  if unreadable then
    return nil, unreadable
  end
  local signal = require "cqueues.signal"
  -- Blocked before the thread starts, so that only the listener below ever takes them.
  signal.block(signal.SIGINT, signal.SIGTERM)
  local listener = signal.listen(signal.SIGINT, signal.SIGTERM)
  local running, problem = sandbox.start {
    port = options.port,
    host = options.host,
    records = options.records,
    apiKey = options.apiKey,
    downloadBytes = options.downloadBytes,
    bulkRoute = not options.noBulkRoute,
    faults = script,
  }
  if not running then
    return nil, problem
  end
  introduce(running, options.records)
  listener:wait()
  print(summary(running:counts()))
  running:stop()
  return true
end

return subcommand
