local bigfiles = require "spec.support.bigfiles"

describe("a file of 1 GiB", function()
  local scene

  setup(function()
    scene = bigfiles.start(1024 * bigfiles.MIB)
  end)

  teardown(function()
    scene:stop()
  end)

  for _, way in ipairs(bigfiles.ways) do
    it(("goes by %s whole, and less than 8 MiB of it are in memory at a time"):format(way), function()
      local result = scene:run(way)
      print(("%s: %d bytes in %.1f s, resident memory %d KiB above what it was"):format(
        way, result.size, result.seconds, result.grown))
      assert.equal(1024 * bigfiles.MIB, result.size)
      assert.is_true(result.same)
      assert.is_true(result.grown < 8 * 1024, result.grown .. " KiB")
    end)
  end
end)
