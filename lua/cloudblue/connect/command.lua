--- The command connect-usage. Each subcommand is a file of its own below command/.

local libraries = require "cloudblue.connect.sandbox.libraries"

local command = {}

--- The subcommands, in the order that --help shows. Each file returns {name=, describe=, run=}.
local SUBCOMMANDS = { "sandbox" }

--- Exit codes: something failed; the command was called the wrong way, or can't begin.
local FAILED, MISUSED = 1, 2

local function complain(problem)
  io.stderr:write("connect-usage: ", problem, "\n")
end

--- The version that --version shows: that of the module, where its C part can be loaded.
local function version()
  local ok, connect = pcall(require, "cloudblue.connect")
  return "connect-usage " .. (ok and type(connect) == "table" and connect._VERSION or "(the module can't be loaded)")
end

local function parserOf(argparse)
  local root = argparse("connect-usage", "Usage reporting with CloudBlue Connect.")
  root:require_command(false)
  root:command_target("command")
  root:flag("--version", "Show the version and exit."):action(function()
    print(version())
    os.exit(0)
  end)
  function root.error(_, problem)
    complain(problem .. " (see --help)")
    os.exit(MISUSED)
  end
  local subcommands = {}
  for _, name in ipairs(SUBCOMMANDS) do
    local subcommand = require("cloudblue.connect.command." .. name)
    subcommand.describe(root:command(name))
    subcommands[name] = subcommand
  end
  return root, subcommands
end

--- Joins an option and a negative number after it, which argparse would take for another option.
local function joined(arguments)
  local list = {}
  for _, argument in ipairs(arguments) do
    local last = list[#list]
    if argument:find("^%-%d") and last and last:find("^%-%-[%w-]+$") then
      list[#list] = last .. "=" .. argument
    else
      list[#list + 1] = argument
    end
  end
  return list
end

--- Runs the command. What goes wrong is reported on stderr, in one line.
---@param arguments string[] the command line without the program's name
---@return integer code the exit code: 0; 1 for a failure; 2 where a library is missing. A wrong command line
--- ends the program with 2
function command.run(arguments)
  local found, argparse = pcall(require, "argparse")
  if not found then
    complain(libraries.missing(argparse) or tostring(argparse))
    return MISUSED
  end
  local root, subcommands = parserOf(argparse)
  local options = root:parse(joined(arguments))
  if not options.command then
    print(root:get_help())
    return 0
  end
  local ok, problem, canNotBegin = subcommands[options.command].run(options)
  if ok then
    return 0
  end
  complain(problem)
  return canNotBegin and MISUSED or FAILED
end

return command
