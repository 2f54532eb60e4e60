-- The script of docs/nightly.md, with a connect-usage that ends as each list says: which lists it goes on to, where
-- it leaves them, and how it ends. spec/pages_spec.lua runs it with the real one.

local cqueues = require "cqueues"

local folders = require "spec.support.folder"
local page = require "spec.support.page"

-- Ends with the number in the list. One that says "wait" is under way until there is a file `go`, whatever signals
-- come.
local STAND_IN <const> = [[
#!/bin/sh
read -r code <"$2"
echo "$2" >>ran
if [ "$code" = wait ]; then
  trap '' INT TERM
  until [ -e go ]; do sleep 0.01; done
  code=0
fi
exit "$code"
]]

describe("the nightly script", function()
  local folder

  before_each(function()
    folder = folders.make()
    local file <close> = assert(io.open "docs/nightly.md")
    for _, block in ipairs(page.blocks(file:read "a")) do
      if block.name == "nightly.sh" then folder:write("nightly.sh", block.code) end
    end
    folder:write("connect-usage", STAND_IN)
    assert(os.execute(("cd %s && chmod +x connect-usage && mkdir todo ledgers look done"):format(folder.root)))
  end)
  after_each(function() folder:stop() end)

  -- Starts it with a list for each code. Returns the pipe, of which the first line is its process.
  local function start(codes)
    for index, code in ipairs(codes) do folder:write(("todo/%d.csv"):format(index), code .. "\n") end
    return assert(io.popen(("PATH=%s:$PATH sh %s %s & echo $!; wait $!; echo $?"):format(
      folder.root, folder:path "nightly.sh", folder.root)))
  end

  -- Runs it. Returns its exit code, and how many lists it went on to.
  local function run(...)
    local pipe <close> = start { ... }
    pipe:read "l"
    local code = tonumber(pipe:read "l")
    local _, count = folder:read("ran"):gsub("\n", "")
    return code, count
  end

  local function isThere(name) return os.rename(folder:path(name), folder:path(name)) == true end

  it("ends with what is to be taken up again, else with what a person has to look at", function()
    for _, case in ipairs {
      { 0, 0, 0 }, { 1, 0, 1 }, { 5, 1, 5, 0 }, { 3, 3, 1, 2 }, { 2, 1, 2, 0 }, { 70, 70, 1 }, { 0, 11, 0 },
    } do
      assert.are.same({ case[1], #case - 1 }, { run(table.unpack(case, 2)) })
      assert(os.execute(("cd %s && rm -f ran todo/* look/* done/*"):format(folder.root)))
    end
  end)

  it("ends with 1 until somebody has taken away what is to be looked at", function()
    assert.are.equal(5, (run(1, 5)))
    folder:write("todo/2.csv", "0\n")
    assert.are.equal(1, (run()))
    assert(os.execute("rm " .. folder:path "look/1.csv"))
    assert.are.equal(0, (run()))
    assert.is_true(isThere "done/2.csv")
  end)

  it("goes on to no other list where it is stopped", function()
    for _, code in ipairs { 130, 143 } do assert.are.same({ 130, 1 }, { run(code, 0) }) folder:write("ran", "") end
  end)

  it("ends with 130 after the list that it was at when it got SIGTERM", function()
    local pipe <close> = start { "wait", 0 }
    local pid = pipe:read "l"
    repeat cqueues.sleep(0.01) until isThere "ran"
    assert(os.execute("kill -TERM " .. pid))
    folder:write("go", "")
    assert.are.equal("130", pipe:read "l")
    assert.are.same({ true, true }, { isThere "done/1.csv", isThere "todo/2.csv" })
  end)
end)
