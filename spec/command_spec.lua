local child = require "spec.support.child"
local commandline = require "spec.support.commandline"

local run, only, folderOf = commandline.run, commandline.only, commandline.folderOf

describe("connect-usage", function()
  it("shows its help when it is told nothing", function()
    local printed, code = run ""
    assert.are.equal(0, code)
    assert.is_truthy(printed:find("Usage: connect-usage", 1, true))
    assert.is_truthy(printed:find("sandbox  +Serve a local Connect"))
    assert.are.equal(printed, (run "--help"))
  end)

  it("shows its version", function()
    local printed, code = run "--version"
    assert.are.equal(0, code)
    assert.is_truthy(printed:find("^connect%-usage %d+%.%d+"), printed)
  end)

  it("says in one line what is wrong with its arguments, and exits with 2", function()
    for arguments, problem in pairs {
      ["nonsense"] = "unknown command 'nonsense'",
      ["--nonsense"] = "unknown option '--nonsense'",
      ["sandbox --nonsense"] = "unknown option '--nonsense'",
      ["sandbox --port x"] = "--port must be a port from 0 to 65535, not 'x'",
      ["sandbox --port 65536"] = "--port must be a port from 0 to 65535, not '65536'",
      ["sandbox --port"] = "option '--port' requires an argument",
      ["sandbox --records -5"] = "--records must be a count, not '-5'",
      ["sandbox --records=-5"] = "--records must be a count, not '-5'",
      ["sandbox --records 1.5"] = "--records must be a count, not '1.5'",
      ["sandbox --records ''"] = "--records must be a count, not ''",
      ["sandbox --api-key ''"] = "--api-key must be a key, not ''",
      ["sandbox --api-key '  '"] = "--api-key must be a key, not '  '",
      ["sandbox --host ''"] = "--host must be an address, not ''",
      ["sandbox --download-bytes -1"] = "--download-bytes must be a count, not '-1'",
    } do
      assert.are.same({ arguments, "connect-usage: " .. problem .. " (see --help)\n", 2 },
        { arguments, run(arguments) })
    end
    assert.are.same({ "connect-usage: option 'apiKey' must be a key: not empty, without blanks around it, "
      .. "without control characters\n", 2 }, { run "sandbox --api-key ' ApiKey SU-1:x'" })
  end)

  it("says in one line which library is missing and how to get it, and exits with 2", function()
    local function line(module, debian, rock)
      return string.format("connect-usage: the Lua module %s is missing: install it with `apt install %s` or with "
        .. "`luarocks install %s`\n", module, debian, rock)
    end
    local argparse = folderOf("argparse", package.path) .. "/?.lua"
    assert.are.same({ line("argparse", "lua-argparse", "argparse"), 2 }, { run("sandbox", only("", "")) })
    local printed, code = run("sandbox", only(argparse, ""))
    assert.are.same({ 2, 1 }, { code, select(2, printed:gsub("\n", "")) })
    assert.is_truthy(printed:find("^connect%-usage: the Lua module %g+ is missing: install it with `apt install "))
    assert.are.same({ line("term", "lua-term", "lua-term"), 2 }, { run("list", only(argparse, "")) })
  end)

  it("says so too where lua-http is the one that is missing", function()
    local path, cpath = os.tmpname(), package.cpath
    os.remove(path)
    -- Everything that Lua 5.4 finds here, and lua-http nowhere.
    local program = "package.loaded['cloudblue.connect.sandbox.libraries'] = nil\n"
      .. "require('cloudblue.connect.sandbox.libraries').older = ''\n"
      .. "os.exit(require('cloudblue.connect.command').run({ 'sandbox', '--port', '0' }), true)\n"
    local file = assert(io.open(path, "w"))
    file:write(program)
    file:close()
    local folder = folderOf("cqueues", package.path)
    local pipe = assert(io.popen(only(folder .. "/?.lua", cpath) .. " lua5.4 " .. path .. " 2>&1; echo \"exit $?\""))
    local printed = pipe:read("a")
    pipe:close()
    os.remove(path)
    assert.are.equal("connect-usage: the Lua module http.h1_connection is missing: install it with "
      .. "`apt install lua-http` or with `luarocks install http`\nexit 2\n", printed)
  end)

  -- Runs `prepare` and the command in a Lua of its own.
  local function runAfter(prepare, arguments)
    return child.run(prepare .. ("\nlocal code = require('cloudblue.connect.command').run(%s)\nprint('exit', code)")
      :format(arguments))
  end

  it("leaves out the subcommands that are not installed", function()
    local printed = runAfter([[
      local search = package.searchpath
      function package.searchpath(name, ...)
        if name:find "command%.sandbox$" then return nil, "" end
        return search(name, ...)
      end]], "{}")
    assert.is_truthy(printed:find("Usage: connect-usage", 1, true))
    assert.is_nil(printed:find("\n   sandbox ", 1, true))
  end)

  it("reports the problem of a subcommand in one line, and exits as that says", function()
    assert.are.equal("connect-usage: there is none\nexit\t5\n", runAfter([[
      package.loaded['cloudblue.connect.command.sandbox'] =
        { describe = function() end, run = function() return nil, "there is none", 5 end }]], "{ 'sandbox' }"))
  end)

  it("exits with 70 for an error of its own, with the place of it", function()
    local printed = runAfter([[
      package.loaded['cloudblue.connect.command.sandbox'] =
        { describe = function() end, run = function() error "no way" end }]], "{ 'sandbox' }")
    assert.is_truthy(printed:find("^connect%-usage: this is an error of connect%-usage itself: [^\n]*: no way\n"))
    assert.is_truthy(printed:find("\nexit\t70\n$"), printed)
  end)
end)
