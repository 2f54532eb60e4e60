-- man.lua : prints the manual page of connect-usage, in roff, made of what --help says. `make install` writes it; so it
-- can't differ from the command.

local command = require "cloudblue.connect.command"
local connect = require "cloudblue.connect"

-- ==== roff ===========================================================================================================

local function codePoint(char) return ("\\[u%04X]"):format(utf8.codepoint(char)) end

-- A text that roff prints as it stands: a line must not begin with a dot or an apostrophe, and roff reads ASCII.
local function escaped(text)
  return (text:gsub("\\", "\\e"):gsub("-", "\\-"):gsub("%f[^\n\0]([.'])", "\\&%1")
    :gsub("[\xC2-\xF4][\x80-\xBF]+", codePoint))
end

local function put(...)
  io.write(...)
  io.write "\n"
end

local function section(name) put('.SH "', name:upper(), '"') end

-- Lines that are printed one by one, indented as they are.
local function verbatim(text)
  put ".nf"
  put(escaped(text))
  put ".fi"
end

-- ==== What argparse knows ============================================================================================

-- "-o, --output FILE" and its description.
local function element(item)
  local labels = item:_get_label_lines()
  put ".TP"
  put(".B ", (escaped(table.concat(labels, " ")):gsub("\n", " ")))
  put(escaped(item:_get_description()))
end

-- The groups of a subcommand besides that of the connection, which has a section of its own.
local CONNECTION <const> = "^Connection"

local function groupsOf(parser)
  local own, connection = {}, nil
  for _, group in ipairs(parser._groups) do
    if group.name:find(CONNECTION) then connection = group else own[#own + 1] = group end
  end
  return own, connection
end

-- What stands in no group but -h.
local function ungrouped(parser)
  local grouped = {}
  for _, group in ipairs(parser._groups) do
    for _, item in ipairs(group) do grouped[item] = true end
  end
  local items = {}
  for _, kind in ipairs { "_arguments", "_options" } do
    for _, item in ipairs(parser[kind]) do
      if not grouped[item] and not (item._aliases and item._aliases[1] == "-h") then items[#items + 1] = item end
    end
  end
  return items
end

local function subcommand(parser)
  put('.SS "', parser._name, '"')
  verbatim((parser:get_usage():gsub("^Usage: ", ""):gsub("\n +connect%-usage", "\nconnect-usage")))
  put ".PP"
  put(escaped(parser._description or ""))
  for _, item in ipairs(ungrouped(parser)) do element(item) end
  local own, connection = groupsOf(parser)
  for _, group in ipairs(own) do
    for _, item in ipairs(group) do element(item) end
  end
  if connection then
    put ".PP"
    put "It also has the options of the connection, below."
  end
  if parser._epilog then
    put ".PP"
    verbatim(parser._epilog)
  end
  return connection
end

-- ==== The page =======================================================================================================

-- The codes of lua/cloudblue/connect/command/exitcodes.lua.
local CODES <const> = {
  { 0, "Everything was done." },
  { 1, "Something was not: records were refused, or what was asked for does not exist." },
  { 2, "The command line or the input is wrong. Nothing was sent." },
  { 3, "It is not known what became of some records. The same command finds out." },
  { 5, "Stopped early for a reason that passes. The same command goes on." },
  { 7, "The service refuses the key, or what it may do." },
  { 11, "Another run holds the ledger." },
  { 70, "An error of connect-usage itself." },
  { 130, "Interrupted." },
  { 141, "Whoever read the output has gone." },
}

local ENVIRONMENT <const> = {
  { "CONNECT_API_KEY", "The key, as the service wants it in Authorization: ApiKey SU-000-000-000:secret. A file of "
    .. "--api-key-file that belongs to the user must not be open to others, as ssh has it of its keys." },
  { "CONNECT_ENDPOINT", "The service's URL." },
  { "https_proxy, no_proxy", "Proxies, as curl reads them." },
  { "NO_COLOR", "Where it is set and not empty, nothing is coloured." },
}

local function pairsOf(list)
  for _, pair in ipairs(list) do
    put ".TP"
    put(".B ", escaped(tostring(pair[1])))
    put(escaped(pair[2]))
  end
end

local root = command.parser()
put('.TH CONNECT\\-USAGE 1 "" "cloudblue\\-connect ', escaped(connect._VERSION), '" "User Commands"')
section "Name"
put "connect\\-usage \\- usage reporting with CloudBlue Connect"
section "Synopsis"
put ".B connect\\-usage"
put ".I COMMAND"
put "[\\fIOPTION\\fR...] [\\fIARGUMENT\\fR...]"
section "Description"
put(escaped("Closes, lists and shows the usage records of CloudBlue Connect, and sends and fetches usage files. "
  .. "Results go to stdout, words to stderr."))
for _, item in ipairs(ungrouped(root)) do element(item) end
put ".TP"
put(".B ", escaped "-h, --help")
put "Shows help, of a command where it stands behind one."
section "Commands"
local connection
for _, parser in ipairs(root._commands) do connection = subcommand(parser) or connection end
section "The connection"
for _, item in ipairs(connection or {}) do element(item) end
section "Exit status"
pairsOf(CODES)
section "Environment"
pairsOf(ENVIRONMENT)
