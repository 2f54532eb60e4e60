-- CHANGELOG.md and the module agree on the version.

local connect = require "cloudblue.connect"

-- The versions of the page, the newest first: { major, minor, patch }.
local function versions()
  local list = {}
  for line in io.lines("CHANGELOG.md") do
    if line:find("^## ") and line ~= "## [Unreleased]" then
      local major, minor, patch = line:match("^## %[(%d+)%.(%d+)%.(%d+)%] %- %d%d%d%d%-%d%d%-%d%d$")
      assert(patch, "no version and date: " .. line)
      table.insert(list, { math.tointeger(major), math.tointeger(minor), math.tointeger(patch) })
    end
  end
  return list
end

local function newer(a, b)
  for i = 1, 3 do
    if a[i] ~= b[i] then return a[i] > b[i] end
  end
  return false
end

describe("CHANGELOG.md", function()
  it("has versions in order, each with its date", function()
    local list = versions()
    for i = 2, #list do assert.is_true(newer(list[i - 1], list[i])) end
  end)

  it("has nothing newer than the module", function()
    local version = {}
    for number in connect._VERSION:gmatch("%d+") do table.insert(version, math.tointeger(number)) end
    assert.equal(3, #version)
    local newest = versions()[1]
    assert.is_false(newest ~= nil and newer(newest, version))
  end)

  it("says what is not released yet, first of all", function()
    for line in io.lines("CHANGELOG.md") do
      if line:find("^## ") then return assert.equal("## [Unreleased]", line) end
    end
    error("no heading")
  end)
end)
