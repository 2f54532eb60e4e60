--- connect-usage completion: what lets a shell complete the command's words.

local exitcodes = require "cloudblue.connect.command.exitcodes"

local subcommand = {}

local EXAMPLES <const> = [[
Examples:
   source <(connect-usage completion bash)
   connect-usage completion zsh >~/.zfunc/_connect-usage

`make install` installs these scripts.]]

-- What argparse calls it.
local WRITERS <const> = { bash = "get_bash_complete", zsh = "get_zsh_complete", fish = "get_fish_complete" }

--- Describes the subcommand's options.
---@param parser table an argparse command
---@param root table the parser whose words are completed
function subcommand.describe(parser, root)
  subcommand.root = root
  parser:summary("Print a completion script for a shell.")
  parser:description("Prints a script by which bash, zsh or fish completes the command's words.")
  parser:usage("Usage: connect-usage completion SHELL")
  parser:argument("SHELL", "bash, zsh or fish."):target("shell"):argname("SHELL"):choices({ "bash", "zsh", "fish" })
  parser:epilog(EXAMPLES)
end

--- Prints it.
---@param given table what argparse returned
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function subcommand.run(given)
  local output = require "cloudblue.connect.command.output"
  local stream = output.stream(io.stdout)
  stream:write(subcommand.root[WRITERS[given.shell]](subcommand.root))
  local done, problem, code = stream:finish()
  if not done then return nil, problem, code end
  return exitcodes.DONE
end

return subcommand
