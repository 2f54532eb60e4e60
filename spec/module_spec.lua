-- The C module by itself.

local connect = require "cloudblue.connect"
local core = require "cloudblue.connect.core"
local service = require "spec.support.service"

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

-- A host that opens its libraries twice, or a script that clears package.loaded, has the module opened
-- again in the same state. What was made before belongs to the same types then.
describe("opening cloudblue.connect.core again", function()
  local again

  before_each(function()
    package.loaded["cloudblue.connect.core"] = nil
    again = require "cloudblue.connect.core"
  end)
  after_each(function() package.loaded["cloudblue.connect.core"] = core end)

  it("makes another table of the same null and methods", function()
    assert.are_not_equal(core, again)
    assert.equal(core.null, again.null)
    for class, methods in pairs(core.methods) do assert.equal(methods, again.methods[class], class) end
  end)

  it("leaves the methods that Lua has added to resources, old ones and new", function()
    local s <close> = service.answering { service.reply(200, '[{"id":"UR-1"}]', { ["Content-Range"] = "items 0-0/1" }) }
    local new = again.UsageRecordResource(s.client)
    assert.equal(1, s.records:count())
    assert.equal("UR-1", s.records:first().id)
    assert.equal(1, new:count())
    for record in new:all() do assert.equal("UR-1", record.id) end
  end)

  it("leaves chunks and failures, old ones and new, what they are", function()
    local s <close> = service.answering { service.closed("UR-1"), service.reply(400, "{}") }
    local chunk = assert(s.records:close("UR-1", "B-1"))
    local _, failure = again.UsageRecordResource(s.client):get("UR-1")
    assert.equal("closed", chunk.status)
    assert.equal("http", failure.kind)
    assert.matches("400", tostring(failure))
  end)

  it("leaves a client to both", function()
    local client <close> = again.ConnectClient("http://127.0.0.1:1", "ApiKey SU-1:x")
    assert.equal(client.usageRecords, connect.UsageRecordResource(client))
    assert.equal(client.usageRecords, again.UsageRecordResource(client))
  end)
end)
