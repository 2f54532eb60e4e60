--- The options of a subcommand that calls the service, and the client that they make.
---
--- The key comes from CONNECT_API_KEY, a file or a command, and never from an argument, which every user of the machine
--- can see. It is in no message.

local exitcodes = require "cloudblue.connect.command.exitcodes"
local options = require "cloudblue.connect.command.options"

local connection = {}

-- ==== Options ========================================================================================================

-- Of the client: name of the setting, then the option, as `options.add` takes it.
local SETTINGS = {
  { "endpoint", "--endpoint", "The service (default: that of CONNECT_ENDPOINT).", "URL", "url" },
  { "timeout", "--timeout", "The longest for one attempt (default: 60).", "SECONDS", "seconds" },
  { "connectTimeout", "--connect-timeout", "The longest until connected (default: 10).", "SECONDS", "seconds" },
  { "deadline", "--deadline", "The longest for a call with retries (default: 300).", "SECONDS", "seconds" },
  { "retries", "--retries", "Further attempts after the first (default: 3).", "COUNT", "retries" },
  { "proxy", "--proxy", "A proxy (default: that of https_proxy).", "URL", "url" },
  { "caFile", "--ca-file", "Certificates to trust, PEM (default: the system's).", "FILE", "file" },
}

--- Adds the options to a subcommand. To be called after its own options, as --help shows them in that order.
---@param parser table an argparse command
function connection.describe(parser)
  local list = {}
  local function add(target, ...) list[#list + 1] = options.add(parser, ...):target(target) end
  add("apiKeyFile", "--api-key-file", "The key, in a file's first line.", "FILE", "file")
  add("apiKeyCommand", "--api-key-command", "The key, as a command's first line.", "COMMAND", "command")
  parser:mutex(list[1], list[2])
  for _, setting in ipairs(SETTINGS) do add(table.unpack(setting)) end
  list[#list + 1] = parser:flag("--allow-plain-http", "Let --endpoint be http: on another machine.")
    :target("allowPlainHttp")
  list[#list + 1] = parser:flag("--verbose", "Print a line for each request on stderr.")
  parser:group("Connection (the key is that of CONNECT_API_KEY unless an option gives it)", table.unpack(list))
end

-- ==== The key ========================================================================================================

local function shellQuoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- Prints the file's name where it belongs to the user and others may use it, as ssh refuses a private key.
local EXPOSED = [[find -L %s -prune -user "$(id -u)" \( -perm -040 -o -perm -020 -o -perm -010 -o -perm -004 ]]
  .. [[-o -perm -002 -o -perm -001 \) -print]]

local function checkPermissions(path)
  local pipe = assert(io.popen(EXPOSED:format(shellQuoted(path:find("^%-") and "./" .. path or path)), "r"))
  local found = pipe:read("l")
  if not pipe:close() then return nil, "its permissions can't be read" end
  if found then return nil, "others may read or change it; keep it from them with chmod 600" end
  return true
end

-- The first line of a file, and whether there is one. A line may end with CR LF.
local function firstLine(file)
  local line, problem = file:read("l")
  if not line then return nil, problem or "it is empty" end
  line = line:gsub("\r$", "")
  if line == "" then return nil, "its first line is empty" end
  return line
end

local function keyOfFile(path)
  local file, problem = io.open(path, "r")
  -- The message of io.open begins with the name.
  if not file then return nil, "--api-key-file " .. problem end
  local line, safe
  safe, problem = checkPermissions(path)
  if safe then line, problem = firstLine(file) end
  file:close()
  if not line then return nil, ("--api-key-file %s: %s"):format(path, problem) end
  return line
end

-- The command must not eat a list that comes by stdin.
local function keyOfCommand(command)
  local pipe = assert(io.popen("exec </dev/null\n" .. command, "r"))
  local line = firstLine(pipe)
  pipe:read("a")
  local done, how, code = pipe:close()
  if not done then return nil, ("--api-key-command: it ended with %s %d"):format(how, code) end
  if not line then return nil, "--api-key-command: it printed no key in its first line" end
  return line
end

-- The key, and what a message calls it.
local function readKey(given)
  if given.apiKeyFile then
    local key, problem = keyOfFile(given.apiKeyFile)
    return key, key and "the key of --api-key-file" or problem
  elseif given.apiKeyCommand then
    local key, problem = keyOfCommand(given.apiKeyCommand)
    return key, key and "the key of --api-key-command" or problem
  end
  local key = os.getenv("CONNECT_API_KEY")
  if key == nil or key == "" then
    return nil, "there is no key: set CONNECT_API_KEY, or give --api-key-file or --api-key-command"
  end
  return key, "CONNECT_API_KEY"
end

-- ==== The client =====================================================================================================

-- A line for each request. A coroutine makes one call at a time.
local function printRequests(client, now)
  local began = setmetatable({}, { __mode = "k" })
  client:addBeforeRequestHook(function() began[coroutine.running()] = now() end)
  client:addAfterResponseHook(function(response)
    local start = began[coroutine.running()]
    io.stderr:write(("%s %s: %s%s%s%s\n"):format(
      response.method, response.url, response.status or response.error,
      start and (", %.3f s"):format(now() - start) or "",
      response.attempt > 1 and (", attempt %d"):format(response.attempt) or "",
      response.confirming and ", to confirm" or ""))
  end)
end

-- What is wrong with a setting, in the words of the command line.
local function inOptions(problem, given, keyName)
  for _, setting in ipairs(SETTINGS) do
    problem = problem:gsub("^option '" .. setting[1] .. "'", setting[2])
  end
  return (problem:gsub("^endpoint", given.endpoint and "--endpoint" or "CONNECT_ENDPOINT"):gsub("^apiKey", keyName)
    :gsub("allowPlainHttp = true", "--allow-plain-http"))
end

--- Makes the client that the options ask for. Nothing is sent.
---@param given table what argparse returned
---@return cloudblue.connect.ConnectClient|nil client to be closed
---@return string? problem beside nil: what is wrong with the command line or the environment
---@return integer? code beside nil: the exit code
function connection.open(given)
  local connect, core = require "cloudblue.connect", require "cloudblue.connect.core"
  local key, name = readKey(given)
  if not key then return nil, name, exitcodes.MISUSED end
  local settings = { apiKey = key, allowPlainHttp = given.allowPlainHttp, userAgent = "connect-usage" }
  for _, setting in ipairs(SETTINGS) do settings[setting[1]] = given[setting[1]] end
  local made, client = pcall(connect.ConnectClient, settings)
  if not made then
    local problem = tostring(client):match("^bad argument #1 to '[^']+' %((.*)%)$")
    if not problem then error(client, 0) end
    return nil, inOptions(problem, given, name), exitcodes.MISUSED
  end
  if given.verbose then printRequests(client, core.now) end
  return client
end

return connection
