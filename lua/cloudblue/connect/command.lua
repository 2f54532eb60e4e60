--- The command connect-usage. Each subcommand is a file of its own below command/.

local exitcodes = require "cloudblue.connect.command.exitcodes"
local libraries = require "cloudblue.connect.sandbox.libraries"

local command = {}

--- The subcommands, in the order that --help shows. Each is a file that returns
---     describe(parser, root)   adds its options to an argparse command, of the parser `root`
---     run(options)             → exit code, or nil, the problem, exit code. `options.arguments`: the command line
--- One that is not installed is left out: the sandbox can be installed without the client.
local SUBCOMMANDS = { "close", "status", "list", "show", "chunks", "download", "upload", "completion", "sandbox" }

local function complain(problem)
  io.stderr:write("connect-usage: ", problem, "\n")
end

--- The version that --version shows: that of the module, where its C part can be loaded.
local function version()
  local ok, connect = pcall(require, "cloudblue.connect")
  return "connect-usage " .. (ok and type(connect) == "table" and connect._VERSION or "(the module can't be loaded)")
end

local HINTS <const> = [[
`connect-usage COMMAND --help` shows a command's options and examples. The key
is that of CONNECT_API_KEY. To try it without an account, give
`connect-usage sandbox` and what that prints.]]

local function parserOf(argparse)
  local root = argparse("connect-usage", "Usage reporting with CloudBlue Connect.")
  root:require_command(false)
  root:command_target("command")
  root:help_max_width(79)
  root:epilog(HINTS)
  root:flag("--version", "Show the version and exit."):action(function()
    print(version())
    os.exit(exitcodes.DONE)
  end)
  function root.error(_, problem)
    complain(problem .. " (see --help)")
    os.exit(exitcodes.MISUSED)
  end
  local subcommands = {}
  for _, name in ipairs(SUBCOMMANDS) do
    local module = "cloudblue.connect.command." .. name
    if package.searchpath(module, package.path) then
      subcommands[name] = require(module)
      subcommands[name].describe(root:command(name), root)
    end
  end
  return root, subcommands
end

--- The parser of the whole command line, for what describes it: the manual page.
---@return table parser argparse's
function command.parser()
  return (parserOf(require "argparse"))
end

--- Joins an option and what argparse would take for another one: a negative number, a descending order.
local function joined(arguments)
  local list = {}
  for _, argument in ipairs(arguments) do
    local last = list[#list]
    local isNumber = argument:find("^%-%d") and last and last:find("^%-%-[%w-]+$")
    if isNumber or last == "--order" and argument:find("^%-%l") then
      list[#list] = last .. "=" .. argument
    else
      list[#list + 1] = argument
    end
  end
  return list
end

-- What xpcall returns for an error: the exit code where lua5.4 raised it for SIGINT, else the error with its traceback.
local function traced(problem)
  if type(problem) == "string" and problem:find "interrupted!$" then return exitcodes.INTERRUPTED end
  return debug.traceback(problem, 2)
end

--- Runs the command. What goes wrong is reported on stderr, in one line.
---@param arguments string[] the command line without the program's name
---@return integer code the exit code, of `command/exitcodes.lua`. A wrong command line ends the program
function command.run(arguments)
  local found, argparse = pcall(require, "argparse")
  if not found then
    complain(libraries.missing(argparse) or tostring(argparse))
    return exitcodes.MISUSED
  end
  local root, subcommands = parserOf(argparse)
  local options = root:parse(joined(arguments))
  if not options.command then
    print(root:get_help())
    return exitcodes.DONE
  end
  options.arguments = arguments
  local done, code, problem, problemCode = xpcall(subcommands[options.command].run, traced, options)
  if not done then
    if code == exitcodes.INTERRUPTED then return code end
    local missing = libraries.missing(code)
    if missing then
      complain(missing)
      return exitcodes.MISUSED
    end
    complain("this is an error of connect-usage itself: " .. tostring(code))
    return exitcodes.BROKEN
  end
  if problem then complain(problem) end
  return code or problemCode
end

return command
