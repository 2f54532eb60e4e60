-- Every Lua block of README.md is run by itself against a sandbox, as a user would who copies it; what stands in the
-- block of plain text behind it is what it prints.

local sandbox = require "cloudblue.connect.sandbox"

-- The blocks: { line=, code=, output=nil|string }.
local function readBlocks(path)
  local blocks, fence, text = {}, nil, nil
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    local mark = line:match("^```(%a*)%s*$")
    if mark and not fence then
      fence, text = mark, {}
    elseif mark then
      local code = table.concat(text, "\n") .. "\n"
      if fence == "lua" then
        table.insert(blocks, { line = number - #text, code = code })
      elseif fence == "text" and #blocks > 0 then
        blocks[#blocks].output = code
      end
      fence = nil
    elseif fence then
      table.insert(text, line)
    end
  end
  assert(not fence, "a block that does not end")
  return blocks
end

-- Runs a script in a process and a folder of its own. Gives what it printed and whether it succeeded.
local function run(code, environment)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  local file = assert(io.open(folder .. "/script.lua", "w"))
  file:write(code)
  file:close()
  local assignments = {}
  for name, value in pairs(environment) do table.insert(assignments, ("%s='%s'"):format(name, value)) end
  local pipe = assert(io.popen(("cd %s && %s %s script.lua 2>&1")
    :format(folder, table.concat(assignments, " "), os.getenv("LUA") or "lua5.4")))
  local output = pipe:read("a")
  local done = pipe:close()
  os.execute("rm -r " .. folder)
  return output, done == true
end

-- Lua's search paths, with the folders of this tree written out: the script runs elsewhere.
local function absolute(path)
  local pipe <close> = assert(io.popen("pwd"))
  local here = pipe:read("l")
  return (path:gsub("[^;]+", function(entry) return entry:find("^/") and entry or here .. "/" .. entry end))
end

-- What the table of promises points at: { line=, path=, title=nil|string }.
local function readProofs(path)
  local proofs, number = {}, 0
  for line in io.lines(path) do
    number = number + 1
    local proof = line:match("^|.*| (`spec/.*) |$")
    local file
    for quote, text in (proof or ""):gmatch('([`"])(.-)%1') do
      if quote == "`" and text:find("^spec/") then
        file = text
        table.insert(proofs, { line = number, path = file })
      elseif quote == '"' then
        table.insert(proofs, { line = number, path = file, title = text })
      end
    end
  end
  return proofs
end

local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

describe("README.md", function()
  local running
  local blocks = readBlocks("README.md")

  setup(function() running = assert(sandbox.start { records = 250 }) end)
  teardown(function() running:stop() end)
  before_each(function() running:reset() end)

  it("shows scripts", function()
    assert.is_true(#blocks >= 8, #blocks .. " blocks")
  end)

  for _, block in ipairs(blocks) do
    it(("runs the script in line %d"):format(block.line), function()
      local output, done = run(block.code, {
        CONNECT_ENDPOINT = running.endpoint,
        CONNECT_API_KEY = running.apiKey,
        LUA_PATH_5_4 = absolute(package.path),
        LUA_CPATH_5_4 = absolute(package.cpath),
      })
      assert.is_true(done, output)
      if block.output then assert.equal(block.output, output) end
      assert.same({}, running:problems())
    end)
  end

  it("proves its promises by tests that are there", function()
    local proofs = readProofs("README.md")
    assert.is_true(#proofs >= 30, #proofs .. " proofs")
    for _, proof in ipairs(proofs) do
      local found = contents(proof.path):find(proof.title or "", 1, true)
      assert.is_truthy(found, ("line %d: %s has no test %q"):format(proof.line, proof.path, proof.title))
    end
  end)
end)
