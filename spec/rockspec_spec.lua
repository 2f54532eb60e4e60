-- What the rockspecs say. tools/parts/rock.sh builds and installs the rocks, and compares that with the tree.

local CLIENT = "rockspec/cloudblue-connect-scm-1.rockspec"
local SANDBOX = "rockspec/cloudblue-connect-sandbox-scm-1.rockspec"
local COMMAND = "rockspec/cloudblue-connect-usage-scm-1.rockspec"

local function load(path)
  local rockspec = {}
  assert(loadfile(path, "t", rockspec))()
  return rockspec
end

local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

--- Fails unless the Makefile has the target and the variables that a rockspec names.
local function checkMake(rockspec)
  local makefile = contents("Makefile")
  assert.equal("make", rockspec.build.type)
  assert.is_truthy(makefile:find("\n" .. rockspec.build.install_target .. ":", 1, true))
  for name in pairs(rockspec.build.variables) do
    assert.is_truthy(makefile:find("$(" .. name .. ")", 1, true), name .. " is no variable of the Makefile")
  end
end

describe("the client's rockspec", function()
  local rockspec = load(CLIENT)

  it("needs a Lua that the module was tried with, lua-cjson and libcurl, and nothing else to build", function()
    assert.same({ "lua >= 5.4, < 5.6", "lua-cjson >= 2.1.0" }, rockspec.dependencies)
    assert.same({ CURL = { library = "curl" } }, rockspec.external_dependencies)
  end)

  it("builds by the Makefile, in a folder that the environment does not choose", function()
    checkMake(rockspec)
    assert.equal("build", rockspec.build.variables.BUILD)
  end)

  it("has busted run the tests", function()
    assert.equal("busted", rockspec.test.type)
  end)
end)

--- The first words of the modules that Lua files require, besides those of this project.
local function required(files)
  local found = {}
  local pipe <close> = assert(io.popen("cat $(find " .. files .. " -name '*.lua')"))
  local text = pipe:read("a")
  for module in text:gmatch("require%(?[ ,]*\"([%w_]+)") do found[module] = true end
  for module in text:gmatch("pcall%(require, \"([%w_]+)") do found[module] = true end
  found.cloudblue = nil
  return found
end

local ROCKS <const> = { argparse = "argparse", cjson = "lua-cjson", cqueues = "cqueues", http = "http",
  openssl = "luaossl", socket = "luasocket", term = "lua-term" }

--- Fails unless a rockspec declares the libraries that its files require, some others, and no more.
local function checkDependencies(rockspec, files, others)
  local declared, wanted = {}, { lua = true }
  for _, dependency in ipairs(rockspec.dependencies) do declared[dependency:match("^%S+")] = true end
  for module in pairs(required(files)) do wanted[ROCKS[module] or module] = true end
  for _, rock in ipairs(others) do wanted[rock] = true end
  assert.same(wanted, declared)
end

local function checkLikeClient(rockspec)
  local client = load(CLIENT)
  assert.same({ client.version, client.description.license }, { rockspec.version, rockspec.description.license })
end

describe("the sandbox's rockspec", function()
  local rockspec = load(SANDBOX)

  it("declares every library that the sandbox requires", function()
    checkDependencies(rockspec, "lua/cloudblue/connect/sandbox*", {})
  end)

  it("is installed by the Makefile and compiles nothing", function()
    checkMake(rockspec)
    assert.is_false(rockspec.build.build_pass)
    assert.is_nil(rockspec.external_dependencies)
  end)

  it("stands alone: without the client and the command", function()
    assert.is_nil(rockspec.build.install)
  end)

  it("has the version and the licence of the client's", function() checkLikeClient(rockspec) end)
end)

describe("the command's rockspec", function()
  local rockspec = load(COMMAND)

  it("declares the other rocks, every library that the command requires, and that of a ledger", function()
    checkDependencies(rockspec, "lua/cloudblue/connect/command*",
      { "cloudblue-connect", "cloudblue-connect-sandbox", "argparse", "luasql-sqlite3" })
  end)

  it("is installed by the Makefile and compiles nothing", function()
    checkMake(rockspec)
    assert.is_false(rockspec.build.build_pass)
  end)

  it("brings the command", function()
    assert.same({ ["connect-usage"] = "bin/connect-usage" }, rockspec.build.install.bin)
    assert.matches("^#!", contents("bin/connect-usage"))
  end)

  it("has the version and the licence of the client's", function() checkLikeClient(rockspec) end)
end)
