-- Files that are larger than what the client may hold. With 1 GiB: spec/torture/bigfiles_torture.lua.

local bigfiles = require "spec.support.bigfiles"

describe("a file of 64 MiB", function()
  local scene

  setup(function()
    scene = bigfiles.start(64 * bigfiles.MIB)
  end)

  teardown(function()
    scene:stop()
  end)

  for _, way in ipairs(bigfiles.ways) do
    it(("goes by %s whole, and less than 8 MiB of it are in memory at a time"):format(way), function()
      local result = scene:run(way)
      assert.equal(64 * bigfiles.MIB, result.size)
      assert.is_true(result.same)
      assert.is_true(result.grown < 8 * 1024, result.grown .. " KiB")
    end)
  end

  it("that a reader gives in one piece goes whole, and is not copied", function()
    local result = scene:run(bigfiles.piece)
    assert.equal(64 * bigfiles.MIB, result.size)
    assert.is_true(result.same)
    assert.is_true(result.grown < 8 * 1024, result.grown .. " KiB")
  end)
end)
