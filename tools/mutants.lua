-- Changes the sources at random, one place at a time, and sees whether the tests notice. `make mutants` runs it:
--
--   MUTANTS=100      how many changes that compile and make a difference
--   SEED=n           of the random choice; printed, so that a run can be repeated with as many jobs
--   FILES=pattern    a Lua pattern that the paths of the changed files have
--   MUTANT_JOBS=n    how many at once, each in a copy of the tree below $BUILD/mutants; as many as there are processors
--
-- A change that compiles to the same does not count. First come the tests named after the changed file, then all
-- others; tests that hang have noticed. What nobody noticed is listed. It takes minutes for each survivor.

package.path = "./?.lua;" .. package.path
local mutation = require "tools.mutation"

local BUILD <const> = os.getenv "BUILD" or "build"
local LUA <const> = os.getenv "LUA" or "lua5.4"

local function number(name, default)
  return math.tointeger(tonumber(os.getenv(name))) or default
end

local function lines(command)
  local list = {}
  local pipe <close> = assert(io.popen(command))
  for line in pipe:lines() do table.insert(list, line) end
  return list
end

-- ---------------------------------------------------------------- a copy of the tree

---@class Copy
---@field root string
---@field seconds number? that all tests take
local Copy = {}
Copy.__index = Copy

function Copy:read(path)
  local file <close> = io.open(self.root .. "/" .. path, "rb")
  return file and file:read("a")
end

function Copy:write(path, text)
  local file <close> = assert(io.open(self.root .. "/" .. path, "wb"))
  assert(file:write(text))
end

-- Runs a command in the copy, with nothing of what finds the tree it was copied from. Gives whether it succeeded.
function Copy:run(command, seconds)
  local clean = "env -u LUA_PATH_5_4 -u LUA_CPATH_5_4 -u MAKEFLAGS -u MAKELEVEL BUILD=build"
  return os.execute(("cd '%s' && ulimit -v 8000000 && %s timeout -k 5 %d %s >mutant.log 2>&1 </dev/null"):format(
    self.root, clean, math.ceil(seconds), command)) == true
end

-- -O1 -g0: quick, and equal code gives equal objects. A function without its last return is no mutant.
function Copy:make(targets)
  return self:run("make -s OPT='-O1 -g0 -Werror=return-type' " .. targets, 600)
end

function Copy.new(root)
  assert(os.execute(("rm -rf '%s' && mkdir -p '%s' && tar -c --exclude=./build --exclude=./.git . | tar -x -C '%s'")
    :format(root, root, root)))
  local copy = setmetatable({ root = root }, Copy)
  assert(copy:make("all core-tests"), root .. ": the copy does not build, see mutant.log there")
  return copy
end

function Copy:busted(specs, seconds)
  return self:run(("sh tools/with-env.sh busted --lua='%s' --no-keep-going %s"):format(LUA, specs), seconds)
end

-- ---------------------------------------------------------------- the tests

-- The tests that are named after a source file: programs of spec/core, and specs.
function Copy:named(path)
  local name = path:match("/cb[cl]_([%w_]+)%.c$") or path:match("^lua/cloudblue/connect/(.+)%.lua$"):gsub("/", "_")
  local programs, specs = {}, {}
  local program = path:match("^src/core/(.+)%.c$")
  if program and self:read(("spec/core/%s_test.c"):format(program)) then table.insert(programs, program .. "_test") end
  for _, each in ipairs { name, name:match("^[^_]+") } do
    local spec = ("spec/%s_spec.lua"):format(each)
    if spec ~= specs[1] and self:read(spec) then table.insert(specs, spec) end
  end
  return programs, specs
end

-- Whether all tests pass, those named after the file first.
function Copy:passes(path)
  local programs, specs = self:named(path)
  local seconds = self.seconds and 3 * self.seconds + 30 or 3600
  local core = path:find("^src/core/")
  if core and not self:make("core-tests") then return false end
  for _, program in ipairs(programs) do
    if not self:run("build/spec/core/" .. program, seconds) then return false end
  end
  if #specs > 0 and not self:busted(table.concat(specs, " "), seconds) then return false end
  for _, source in ipairs(core and lines "ls spec/core/*_test.c" or {}) do
    if not self:run("build/spec/core/" .. source:match("([%w_]+)%.c$"), seconds) then return false end
  end
  for _ = 1, 3 do
    if self:busted("--exclude-pattern=page", seconds) then return true end
    -- A spec that measures time fails now and then among all others: it is heard again by itself.
    local spec = self:read("mutant.log"):match("%-> (spec/[%w_]+%.lua)")
    if not spec or not self:busted(spec, seconds) then return false end
  end
  return false
end

-- ---------------------------------------------------------------- one change

-- What a file compiles to; nil where it does not.
function Copy:compiled(path)
  if path:find("%.lua$") then
    local chunk = load(self:read(path), "=")
    return chunk and string.dump(chunk, true)
  end
  local object = "build/obj/" .. path:gsub("c$", "o")
  return self:make(object) and self:read(object)
end

-- "killed", "survived", or nil for a change that does not count.
function Copy:try(path, site)
  local text, before = self:read(path), self:compiled(path)
  self:write(path, mutation.apply(text, site))
  local after, verdict = self:compiled(path), nil
  if after and after ~= before then
    verdict = self:make("all") and self:passes(path) and "survived" or "killed"
  end
  self:write(path, text)
  assert(self:make("all core-tests"))
  return verdict
end

-- Every site of every file that the pattern has, in an order that the seed chooses.
function Copy:shuffled(pattern, seed)
  local list, find = {}, "find src lua -name '*.c' -o -name '*.lua' ! -name meta.lua"
  for _, path in ipairs(lines(("cd '%s' && %s | LC_ALL=C sort"):format(self.root, find))) do
    if path:find(pattern) then
      for _, site in ipairs(mutation.sites(self:read(path), path:match("%.(%a+)$"))) do
        table.insert(list, { path = path, site = site })
      end
    end
  end
  math.randomseed(seed)
  for i = #list, 2, -1 do
    local j = math.random(i)
    list[i], list[j] = list[j], list[i]
  end
  return list
end

-- ---------------------------------------------------------------- the jobs

-- Job `job` of `jobs` takes every so-many-th site until it has tried `quota`. Prints a line for each.
local function work(job, jobs, quota, pattern, seed)
  local copy, tried = Copy.new(("%s/mutants/%d"):format(BUILD, job)), 0
  local start = os.time()
  if not copy:passes("lua/cloudblue/connect/init.lua") then error("the tests fail without a change, see mutant.log") end
  copy.seconds = os.time() - start
  local list = copy:shuffled(pattern, seed)
  for i = job, #list, jobs do
    if tried == quota then return end
    local path, site = list[i].path, list[i].site
    local verdict = copy:try(path, site)
    if verdict then tried = tried + 1 end
    local line = ("%s %s:%d %s"):format(verdict or "same", path, site.line, site.what)
    io.stderr:write(line, "\n")
    print(line)
    if verdict == "survived" then
      local before, after = mutation.lines(copy:read(path), site)
      print("  -" .. before:gsub("\n", "\n  -"))
      print("  +" .. after:gsub("\n", "\n  +"))
    end
  end
end

-- Starts the jobs, adds up what they print, and shows the survivors.
local function main()
  local mutants, seed = number("MUTANTS", 100), number("SEED", os.time())
  local jobs = math.min(number("MUTANT_JOBS", tonumber(lines("nproc")[1])), mutants)
  local counts, survivors, pipes = { killed = 0, survived = 0, same = 0 }, {}, {}
  for job = 1, jobs do
    local quota = mutants // jobs + (job <= mutants % jobs and 1 or 0)
    pipes[job] = assert(io.popen(("%s tools/mutants.lua %d %d %d '%s' %d"):format(
      LUA, job, jobs, quota, os.getenv "FILES" or "", seed)))
  end
  for _, pipe in ipairs(pipes) do
    local verdict
    for line in pipe:lines() do
      local first = line:match("^%l+")
      if first then
        verdict = first
        counts[verdict] = counts[verdict] + 1
      end
      if verdict == "survived" then table.insert(survivors, line) end
    end
    assert(pipe:close(), "a job failed")
  end
  print(("\nseed %d: %d mutants, %d killed, %d survived (%d others did not compile or made no difference)"):format(
    seed, counts.killed + counts.survived, counts.killed, counts.survived, counts.same))
  print(table.concat(survivors, "\n"))
end

if #arg == 0 then
  main()
else
  work(math.tointeger(arg[1]), math.tointeger(arg[2]), math.tointeger(arg[3]), arg[4], math.tointeger(arg[5]))
end
