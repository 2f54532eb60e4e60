-- The C module by itself.

local core = require "cloudblue.connect.core"

describe("cloudblue.connect.core", function()
  it("has the client, the resources, null, the methods and a version", function()
    for _, name in ipairs {
      "ConnectClient", "GenericResource", "UsageRecordResource", "UsageChunkResource", "setFilterWriter",
    } do
      assert.equal("function", type(core[name]), name)
    end
    assert.equal("userdata", type(core.null))
    assert.matches("^%d+%.%d+%.%d+$", core._VERSION)
    for _, name in ipairs { "GenericResource", "UsageRecordResource", "UsageChunkResource" } do
      assert.equal("function", type(core.methods[name].get), name)
    end
  end)

  it("takes a function as the writer of filters, and nothing else", function()
    for _, bad in ipairs { 5, "f", {}, true } do
      local done, message = pcall(core.setFilterWriter, bad)
      assert.is_false(done)
      assert.matches("function expected", message, 1, true)
    end
  end)
end)
