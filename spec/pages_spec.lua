-- The pages of the documentation do what they say: each is followed in a fresh copy of the sources, in one shell with
-- one sandbox, as its reader would (spec/support/page.lua says how). A page that links to the README's section
-- "To try it" goes on where that section ends. Every link between pages leads somewhere.

local folders = require "spec.support.folder"
local page = require "spec.support.page"
local socket = require "cqueues.socket"

local START <const> = "To try it"
local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

-- How many blocks of each page are for a console, so that none becomes one unseen.
local CONSOLE <const> = { ["README.md"] = 2, ["docs/nightly.md"] = 6 }

local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local function lines(command)
  local list = {}
  local pipe <close> = assert(io.popen(command))
  for line in pipe:lines() do table.insert(list, line) end
  return list
end

local function freePort()
  local server = assert(socket.listen("127.0.0.1", 0))
  assert(server:listen())
  local _, _, port = server:localname()
  server:close()
  return port
end

-- The blocks that a reader has been through when he begins this page.
local function before(path, text)
  local blocks = {}
  if path == "README.md" or not text:find("README.md#" .. START:lower():gsub(" ", "-"), 1, true) then return blocks end
  for _, block in ipairs(page.blocks(contents "README.md")) do
    if block.section == START then table.insert(blocks, block) end
  end
  assert(#blocks > 0)
  -- Lines of the README, which are not those of the page.
  for _, block in ipairs(blocks) do block.line = -block.line end
  return blocks
end

-- The first line of a C block that is not in a program of examples/, in the order of the block.
local function missingInExamples(code)
  local missing
  for _, path in ipairs(lines "ls examples/*.c") do
    local text, position = contents(path), 1
    missing = nil
    for line in code:gmatch("[^\n]+") do
      local _, last = text:find(line:match("^%s*(.-)%s*$"), position, true)
      if not last then missing = line break end
      position = last + 1
    end
    if not missing then return nil end
  end
  return missing
end

-- The file that a link on the page leads to.
local function targetOf(path, link)
  if link.path == "" then return path end
  local target = (path:match("^.*/") or "") .. link.path
  while target:find "[^/]+/%.%./" do target = target:gsub("[^/]+/%.%./", "", 1) end
  return target
end

describe("the links", function()
  local pages = lines "ls *.md src/*.md docs/*.md"

  for _, path in ipairs(pages) do
    it(("of %s lead to files and headings that are there"):format(path), function()
      for _, link in ipairs(page.links(contents(path))) do
        local target = targetOf(path, link)
        local file <close> = assert(io.open(target))
        if link.anchor then
          assert.is_true(page.anchors(file:read("a"))[link.anchor], ("%s has no #%s"):format(target, link.anchor))
        end
      end
    end)
  end

  it("of the README lead to every page", function()
    local linked = { ["README.md"] = true }
    for _, link in ipairs(page.links(contents "README.md")) do linked[link.path] = true end
    for _, path in ipairs(pages) do assert.is_true(linked[path], "no link to " .. path) end
  end)
end)

describe("the README", function()
  it("is read in one go", function()
    local _, count = contents("README.md"):gsub("\n", "")
    assert.is_true(count <= 150, count .. " lines")
  end)
end)

describe("the documentation", function()
  local copy

  setup(function()
    copy = folders.make()
    assert(os.execute(("tar -c --exclude=./build --exclude=./.git . | tar -x -C %s"):format(copy.root)))
  end)
  teardown(function() copy:stop() end)

  -- The first one finds nothing built.
  for _, path in ipairs(lines "ls CONTRIBUTING.md README.md docs/*.md") do
    describe(path, function()
      local text = contents(path)
      local blocks = page.blocks(text)
      local console, results = 0, nil

      setup(function()
        local all = before(path, text)
        table.move(blocks, 1, #blocks, #all + 1, all)
        results = page.follow(all, { root = copy.root, port = freePort(), seconds = 300 * SLOWNESS })
      end)

      for _, block in ipairs(blocks) do
        if block.kind == "c" then
          it(("shows in line %d what a program in examples/ has"):format(block.line), function()
            assert.is_nil(missingInExamples(block.code))
          end)
        elseif block.kind == "console" then
          console = console + 1
        else
          it(("says in line %d what comes of it"):format(block.line), function()
            local result = assert(results[block.line], "a block before it has failed")
            assert(result.done, result.printed)
            if block.expected then assert(page.prints(block.expected, result.printed), result.printed) end
          end)
        end
      end

      it("has as many blocks for a console as are known", function()
        assert.equal(CONSOLE[path] or 0, console)
      end)
    end)
  end
end)
