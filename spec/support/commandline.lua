--- Runs connect-usage the way a user does, and reads what it prints.

local commandline = {}

--- Runs connect-usage to its end: gives what it printed (both streams) and its exit code. `environment` is shell
--- words before the command.
function commandline.run(arguments, environment)
  local command = (environment or "") .. " lua5.4 bin/connect-usage " .. arguments
  local pipe = assert(io.popen(command .. " 2>&1; echo \"exit $?\""))
  local text = pipe:read("a")
  pipe:close()
  local printed, code = text:match("^(.*)exit (%d+)\n$")
  return printed, tonumber(code)
end

--- As `run`, with the two streams apart: gives what is on stdout, what is on stderr, and the exit code. `before` is
--- shell text before the command, `behind` after it (a redirection, a pipe).
function commandline.streams(arguments, before, behind)
  local path = os.tmpname()
  local command = ("{ %s lua5.4 bin/connect-usage %s; echo $? >&3; } 2>%s 3>%s.code %s")
    :format(before or "", arguments, path, path, behind or "")
  local pipe = assert(io.popen(command))
  local printed = pipe:read("a")
  pipe:close()
  local function take(name)
    local file <close> = assert(io.open(name))
    os.remove(name)
    return file:read("a")
  end
  return printed, take(path), tonumber(take(path .. ".code"))
end

--- The shell words that point the command to a running sandbox.
function commandline.to(sandbox)
  return ("CONNECT_ENDPOINT='%s' CONNECT_API_KEY='%s'"):format(sandbox.endpoint, sandbox.apiKey)
end

--- The environment of a Lua that finds only these folders' modules, besides those of this project.
function commandline.only(path, cpath)
  return string.format("env -u LUA_INIT LUA_PATH_5_4='lua/?.lua;lua/?/init.lua;%s' LUA_CPATH_5_4='%s'", path, cpath)
end

--- The folders in which a module's file lies: those of a Lua path or cpath as it is searched here.
function commandline.folderOf(module, path)
  return (assert(package.searchpath(module, path)):gsub("/" .. module .. "%.%w+$", ""))
end

--- Starts connect-usage sandbox and reads its first lines; `stop(signal)` ends it.
function commandline.serve(arguments)
  local command = "lua5.4 bin/connect-usage sandbox " .. arguments .. " 2>&1"
  local pipe = assert(io.popen(command .. " & pid=$!; echo $pid; wait $pid; echo \"exit $?\""))
  local served = { pid = pipe:read("l"), first = pipe:read("l"), second = pipe:read("l"), third = pipe:read("l") }
  function served.stop(signal)
    assert(os.execute("kill -" .. signal .. " " .. served.pid))
    local rest = pipe:read("a")
    pipe:close()
    return rest:match("^(.*)exit (%d+)\n$")
  end
  return served
end

return commandline
