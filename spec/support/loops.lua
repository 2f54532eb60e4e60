--- The specs of the loops say the same things of each host: those of loopcases.lua. A host of the spec's own process is
--- driven by `loops.inProcess`; one that is a program of its own runs a script that calls `loopcases.report`.

local assert = require "luassert"
local busted = require "busted"
local folders = require "spec.support.folder"
local loopcases = require "spec.support.loopcases"
local loopservice = require "spec.support.loopservice"

local loops = {}

-- Each record was closed once, whatever the loop did.
local function checkAccount(raw)
  assert.same({}, raw:problems())
  for id, count in pairs(raw:account().closes) do assert.equal(1, count, id) end
end

--- One `it` for each case.
---@param stage table see loopcases.lua; `endpoint` is added, and `run(main)` runs main in a coroutine that may wait in
---  the loop, until the loop ends by itself
function loops.inProcess(stage)
  local raw

  busted.setup(function()
    raw = loopservice.start()
    function stage.endpoint(way) return ("%s/%s/v1"):format(raw.url, way) end
  end)
  busted.teardown(function() raw:stop() end)

  for _, case in ipairs(loopcases.of(stage)) do
    busted.it(case.name, function()
      stage.run(function() case.run(stage) end)
      checkAccount(raw)
    end)
  end
end

local function readResults(text)
  local results = {}
  for part in text:gmatch("([^\0]*)\0") do
    local name, problem = load("return " .. part)()
    results[name] = problem
  end
  return results
end

--- One `it` for each case of a stage that knows its coroutines, which a program of its own has gone through. Lua finds
--- there what it finds here.
---@param run fun(environment: string, folder: Folder): string, boolean runs the program, with the environment as
---  assignments of the shell before its command; returns what it printed, and whether it ended well
function loops.inProgram(run)
  local results, printed, ended

  busted.setup(function()
    local raw <close> = loopservice.start()
    local folder <close> = folders.make()
    local environment = ("%s LOOP_SERVICE='%s' LOOP_RESULTS='%s'"):format(loops.environment(), raw.url,
      folder:path("results"))
    printed, ended = run(environment, folder)
    results = readResults(folder:read("results") or "")
    checkAccount(raw)
  end)

  for _, case in ipairs(loopcases.of { coroutines = true }) do
    busted.it(case.name, function()
      assert(results[case.name], printed)
      assert(results[case.name] == "", results[case.name])
    end)
  end

  busted.it("ends well", function()
    assert(ended, printed)
  end)
end

--- A path of Lua with no relative entries: a host may leave those out.
---@param path string
---@return string
function loops.absolute(path)
  local pipe <close> = assert(io.popen("pwd"))
  local here = pipe:read("l")
  return (path:gsub("[^;]+", function(entry)
    if entry:sub(1, 1) == "/" then return entry end
    return here .. "/" .. entry:gsub("^%./", "")
  end))
end

--- Assignments of the shell that have another program's Lua find what is found here.
---@return string
function loops.environment()
  return ("LUA_PATH_5_4='%s' LUA_CPATH_5_4='%s'"):format(loops.absolute(package.path), loops.absolute(package.cpath))
end

return loops
