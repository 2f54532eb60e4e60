--- connect-usage upload: a spreadsheet for a usage file, which is there or made for it.

local connection = require "cloudblue.connect.command.connection"
local exitcodes = require "cloudblue.connect.command.exitcodes"
local options = require "cloudblue.connect.command.options"

local subcommand = {}

-- The place of an id where there is none yet.
local NEW <const> = "new"

local EXAMPLES <const> = [[
Prints the id of the usage file. The service reads an upload in its own time;
--wait waits for what it finds. Where a reply is lost it is not known whether
the upload arrived (exit code 3); uploading again replaces it.

Examples:
   connect-usage upload UF-2026-01-0000-0003 usage.xlsx
   connect-usage upload new usage.xlsx --product PRD-1 --contract CRD-1
   id=$(connect-usage upload new usage.xlsx --product PRD-1 --contract CRD-1 \
          --yes --wait 600)]]

-- Of a new usage file: name in the API, option, what it is called in --help, description.
local MEMBERS <const> = {
  { "product", "--product", "ID", "Its product. Needed." },
  { "contract", "--contract", "ID", "Its contract. Needed." },
  { "name", "--name", "TEXT", "Its name (default: that of the spreadsheet)." },
  { "description", "--description", "TEXT", "Its description." },
  { "external_id", "--external-id", "TEXT", "Its id in a system of yours." },
  { "currency", "--currency", "CODE", "Its currency, such as USD." },
  { "period", "--period", "FROM/TO", "The dates it is about: 2026-01-01/2026-01-31." },
}

--- Describes the subcommand's options.
---@param parser table an argparse command
function subcommand.describe(parser)
  parser:summary("Upload a spreadsheet of usage.")
  parser:description("Uploads a spreadsheet for a usage file, or for a new one.")
  parser:usage("Usage: connect-usage upload [OPTION...] FILE-ID XLSX\n"
    .. "       connect-usage upload [OPTION...] new XLSX --product ID --contract ID")
  options.ids(parser:argument("FILE-ID", "The id of a usage file, or: new."):target("id"))
  options.file(parser:argument("XLSX", "The spreadsheet."), "XLSX"):target("path")
  parser:group("Options",
    options.add(parser, "--wait", "Wait so long for the service to read it (default: 0).", "SECONDS", "seconds"),
    parser:flag("-y --yes", "Don't ask."),
    parser:flag("--json", "Print the usage file as one line of JSON."))
  local list = {}
  for index, member in ipairs(MEMBERS) do
    list[index] = parser:option(member[2], member[4]):argname(member[3]):target(member[1])
  end
  parser:group("A new usage file", table.unpack(list))
  connection.describe(parser)
  parser:epilog(EXAMPLES)
end

-- ==== The command line ===============================================================================================

local function periodOf(text)
  local DATE <const> = "%d%d%d%d%-%d%d%-%d%d"
  local from, to = text:match("^(" .. DATE .. ")/(" .. DATE .. ")$")
  if not from or from > to then return nil, ("--period must be FROM/TO, two dates in order, not '%s'"):format(text) end
  return { from = from, to = to }
end

-- The object that is to be created.
local function newFile(given)
  local object = { name = given.name or given.path:match "([^/]*)$" }
  for _, name in ipairs { "description", "external_id", "currency" } do object[name] = given[name] end
  for _, name in ipairs { "product", "contract" } do
    if not given[name] then return nil, ("a new usage file needs --%s"):format(name) end
    object[name] = { id = given[name] }
  end
  if not given.period then return object end
  local problem
  object.period, problem = periodOf(given.period)
  if problem then return nil, problem end
  return object
end

local function sizeOf(path)
  local file, problem = io.open(path, "rb")
  if not file then return nil, problem end
  local size = file:seek "end"
  -- A folder can be opened, and has no end.
  local isFile = size and size < math.maxinteger
  file:close()
  if not isFile then return nil, path .. ": it is no file" end
  if size == 0 then return nil, path .. ": it is empty" end
  return size
end

-- What is to be done: the size, and the new file where one is to be made. Or nil, and what is wrong.
local function plan(given)
  local terminal = require "cloudblue.connect.command.terminal"
  local made, problem, size
  if given.id == NEW then
    made, problem = newFile(given)
  else
    for _, member in ipairs(MEMBERS) do
      if given[member[1]] then problem = ("%s is for a new usage file, not for %s"):format(member[2], given.id) end
    end
  end
  if not problem then size, problem = sizeOf(given.path) end
  if problem then return nil, problem end
  if not given.yes and not terminal.canAsk() then return nil, "there is no terminal to ask at: give --yes to upload" end
  return { size = size, object = made }
end

local function isWanted(given, what, client)
  if given.yes then return true end
  local terminal, transfer = require "cloudblue.connect.command.terminal", require "cloudblue.connect.command.transfer"
  local target = what.object and ("a new usage file '%s'"):format(what.object.name) or given.id
  return terminal.ask(("Upload %s (%s) to %s at %s?"):format(
    given.path, transfer.size(what.size), target, client.endpoint))
end

-- ==== The upload =====================================================================================================

local function say(text, ...) io.stderr:write("connect-usage: ", text:format(...), "\n") end

local function failed(failure) return nil, tostring(failure), exitcodes.ofFailure(failure) end

local function send(client, id, path)
  local transfer = require "cloudblue.connect.command.transfer"
  local onProgress, clear = transfer.progress(require("cloudblue.connect.core").now)
  local file, failure = client.usageFiles:upload(id, path, { onProgress = onProgress })
  clear()
  if not file then return nil, failure end
  return file == true and { id = id } or file
end

-- The states of a file that the service has still to read.
local UNDER_WAY <const> = { draft = true, uploading = true, uploaded = true, processing = true }

local SHORTEST <const>, LONGEST <const> = 0.25, 10

-- Reads the file until the service has read the upload, or the time is over.
local function waitUntilRead(client, id, seconds)
  local core = require "cloudblue.connect.core"
  local ends, pause = core.now() + seconds, SHORTEST
  while true do
    local file, failure = client.usageFiles:get(id)
    if not file then return nil, failure end
    local left = ends - core.now()
    if not UNDER_WAY[file.status] or left <= 0 then return file end
    core.pause(client, math.min(pause, left))
    pause = math.min(pause * 2, LONGEST)
  end
end

-- What the service found in it.
local function judge(file)
  if UNDER_WAY[file.status] then
    return nil, ("%s is still %s; connect-usage upload does not wait any longer"):format(file.id, file.status),
      exitcodes.STOPPED
  elseif file.status == "invalid" then
    local detail = type(file.error_detail) == "string" and ": " .. file.error_detail or ""
    return nil, ("%s is invalid%s"):format(file.id, detail), exitcodes.FAILED
  end
  return exitcodes.DONE
end

local function report(given, file)
  local output = require "cloudblue.connect.command.output"
  local stream = output.stream(io.stdout)
  stream:write((given.json and output.json(file) or file.id) .. "\n")
  return stream:finish()
end

-- The id of a new usage file; nil, the problem and the exit code.
local function create(client, object)
  local made, failure = client.usageFiles:create(object)
  if not made then return failed(failure) end
  if made == true or not made.id then
    return nil, "the service does not show the id of the usage file that it made", exitcodes.UNDECIDED
  end
  say("the usage file %s was made", made.id)
  return made.id
end

-- Uploads to a usage file that is there, and prints what came of it.
local function fill(client, given, id)
  local file, failure = send(client, id, given.path)
  if file and given.wait then file, failure = waitUntilRead(client, id, given.wait) end
  if not file then return failed(failure) end
  local done, problem, code = report(given, file)
  if not done then return nil, problem, code end
  if given.wait then return judge(file) end
  return exitcodes.DONE
end

--- Uploads it.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function subcommand.run(given)
  local what, wrong = plan(given)
  if not what then return nil, wrong, exitcodes.MISUSED end
  local client <close>, problem, code = connection.open(given)
  if not client then return nil, problem, code end
  if not isWanted(given, what, client) then return nil, "Nothing was sent", exitcodes.MISUSED end
  if not what.object then return fill(client, given, given.id) end
  local id
  id, problem, code = create(client, what.object)
  if not id then return nil, problem, code end
  local done
  done, problem, code = fill(client, given, id)
  if problem and not problem:find(id, 1, true) then problem = ("%s; the usage file is %s"):format(problem, id) end
  return done, problem, code
end

return subcommand
