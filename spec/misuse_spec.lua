-- Argument errors of the functions that are written in Lua.

local misuse = require "cloudblue.connect.misuse"

--- What is raised, with the position before it.
local function raised(work, ...)
  local done, message = pcall(work, ...)
  assert.is_false(done)
  return (message:gsub("^%./", ""))
end

--- Stands for a method, and for one that checks its arguments in a function of its own.
local function direct(level) misuse.argument("all", 2, "no such option", level) end
local function indirect(level) direct(level) end
local function more(level, ...) misuse.more("all", 2, level, ...) end

local function here(offset)
  return "spec/misuse_spec.lua:" .. debug.getinfo(2, "l").currentline + offset .. ": "
end

describe("an argument error", function()
  it("names the argument and the method, says what is wrong, and has the caller's place", function()
    local place = here(1)
    assert.equal(place .. "bad argument #2 to 'all' (no such option)", raised(function() direct(2) end))
    place = here(1)
    assert.equal(place .. "bad argument #2 to 'all' (no such option)", raised(function() indirect(3) end))
  end)
end)

describe("an argument too many", function()
  it("is the first value behind the last argument, at the caller's place", function()
    local place, problem = here(1), "bad argument #%d to 'all' (one argument too many: a %s)"
    assert.equal(place .. problem:format(3, "table"), raised(function() more(2, {}) end))
    assert.matches(problem:format(4, "boolean"), raised(more, 1, nil, false, 5), 1, true)
  end)

  it("is none where nil stands there, however often", function()
    more(1)
    more(1, nil, nil, nil)
  end)
end)
