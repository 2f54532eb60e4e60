-- require "cloudblue.connect".

local connect = require "cloudblue.connect"
local core = require "cloudblue.connect.core"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

describe("cloudblue.connect", function()
  it("has the classes of the JavaScript SDK, the filters, null and a version", function()
    for _, name in ipairs { "ConnectClient", "GenericResource", "UsageRecordResource", "UsageChunkResource" } do
      assert.equal(core[name], connect[name], name)
    end
    assert.equal(require("cloudblue.connect.rql").R, connect.R)
    assert.equal(core.null, connect.null)
    assert.equal(core._VERSION, connect._VERSION)
  end)

  it("needs neither io, os, debug nor package once it is loaded", function()
    local s <close> = service.answering { service.closed("UR-1"), rawserver.reply(200, '[{"id":"UR-2"}]') }
    local output = require("spec.support.child").run(([[
      local connect = require "cloudblue.connect"
      local print = print
      io, os, debug, package, require, load, dofile, loadfile = nil
      local client = connect.ConnectClient("%s", "key", { retries = 0 })
      print(client.usageRecords:close("UR-1", "B-1"))
      print(client.usageRecords:first { status = "approved" }.id)
      client:close()
    ]]):format(s.raw.url))
    assert.equal("UsageChunk UR-1 (closed)\nUR-2\n", output)
  end)

  it("gives every class all, first and count", function()
    for class in pairs(core.methods) do
      for _, name in ipairs { "all", "first", "count" } do
        assert.equal(require("cloudblue.connect.paging")[name], core.methods[class][name])
      end
    end
  end)

  it("says which part of a search is wrong", function()
    local s <close> = service.answering(rawserver.reply(200, "[]"))
    local message = service.misuse(function()
      return (s.records:search(connect.R.status:eq "approved", { limt = 5 }))
    end)
    assert.equal("bad argument #2 to 'search' (unknown option 'limt'; the nearest known one is 'limit')", message)
    assert.equal(0, s.raw:connections())
  end)
end)
