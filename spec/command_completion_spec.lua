local commandline = require "spec.support.commandline"

describe("connect-usage completion", function()
  -- What bash offers for the last of these words.
  local function completed(...)
    local script = [[. /dev/stdin; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
      _connect-usage && echo "${COMPREPLY[*]}"]]
    local words = "connect-usage '" .. table.concat({ ... }, "' '") .. "'"
    local pipe <close> = assert(io.popen(("lua5.4 bin/connect-usage completion bash | bash -c '%s' bash %s")
      :format(script, words)))
    return pipe:read "l"
  end

  it("lets bash complete subcommands, options and what they may be", function()
    assert.are.equal("sandbox", completed "sand")
    assert.are.equal("--columns", completed("list", "--col"))
  end)

  it("has scripts for zsh and fish", function()
    assert.is_truthy(commandline.run("completion zsh"):find("^#compdef connect%-usage\n"))
    assert.is_truthy(commandline.run("completion fish"):find("complete -c connect-usage", 1, true))
  end)

  it("knows no other shell", function()
    local printed, code = commandline.run "completion csh"
    assert.are.same({ "connect-usage: argument 'SHELL' must be one of 'bash', 'zsh', 'fish' (see --help)\n", 2 },
      { printed, code })
  end)
end)
