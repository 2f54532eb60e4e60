--- The command connect-usage. Each subcommand is a file of its own below command/.

local argparse = require "argparse"

local command = {}

--- The subcommands, in the order that --help shows. Each file gives {name=, describe=, run=}.
local SUBCOMMANDS = { "sandbox" }

--- The version that --version shows: that of the module, where its C part can be loaded.
local function version()
  local ok, connect = pcall(require, "cloudblue.connect")
  return "connect-usage " .. (ok and type(connect) == "table" and connect._VERSION or "(the module can't be loaded)")
end

local function parser()
  local root = argparse("connect-usage", "Usage reporting with CloudBlue Connect.")
  root:require_command(false)
  root:command_target("command")
  root:flag("--version", "Show the version and exit."):action(function()
    print(version())
    os.exit(0)
  end)
  local subcommands = {}
  for _, name in ipairs(SUBCOMMANDS) do
    local subcommand = require("cloudblue.connect.command." .. name)
    subcommand.describe(root:command(name))
    subcommands[name] = subcommand
  end
  return root, subcommands
end

--- Runs the command. Usage errors are told on stderr and end the program (by argparse).
---@param arguments string[] the command line without the program's name
---@return integer code the exit code: 0, or 1 for a failure that was told on stderr
function command.run(arguments)
  local root, subcommands = parser()
  local options = root:parse(arguments)
  if not options.command then
    print(root:get_help())
    return 0
  end
  local ok, problem = subcommands[options.command].run(options)
  if ok then
    return 0
  end
  io.stderr:write("connect-usage: ", problem, "\n")
  return 1
end

return command
