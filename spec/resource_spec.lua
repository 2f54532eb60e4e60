-- Resources: collections of the API, and the classes they are of.

local connect = require "cloudblue.connect"
local core = require "cloudblue.connect.core"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local misuse = service.misuse

local GENERIC = {
  "get", "create", "update", "delete", "search", "action", "collection", "all", "first", "count",
}

describe("a resource", function()
  local client

  before_each(function()
    client = connect.ConnectClient("http://127.0.0.1:1/v1", "key", { retries = 0 })
  end)

  after_each(function()
    client:close()
  end)

  it("knows its collection and its client", function()
    local things = client:resource("/subscriptions/assets")
    assert.equal("/subscriptions/assets", things.baseUri)
    assert.equal(client, things.client)
    assert.equal("/usage/records", client.usageRecords.baseUri)
    assert.equal("/usage/chunks", client.usageChunks.baseUri)
    assert.equal(client, client.usageChunks.client)
    assert.is_nil(things.no_such_thing)
    assert.is_nil(things[1])
  end)

  it("prints as its class and collection", function()
    assert.equal("GenericResource (/products)", tostring(client:resource("/products")))
    assert.equal("UsageRecordResource (/usage/records)", tostring(client.usageRecords))
    assert.equal("UsageChunkResource (/usage/chunks)", tostring(client.usageChunks))
  end)

  it("has the operations of every collection, and those of its class", function()
    for _, one in ipairs { client:resource("/x"), client.usageRecords, client.usageChunks } do
      for _, name in ipairs(GENERIC) do assert.equal("function", type(one[name]), name) end
    end
    assert.is_nil(client:resource("/x").close)
    assert.equal("function", type(client.usageRecords.closeRecords))
    assert.is_nil(client.usageRecords.download)
    assert.equal("function", type(client.usageChunks.download))
    assert.is_nil(client.usageChunks.closeRecords)
  end)

  it("can't be changed, and its metatable is locked", function()
    assert.has_error(function() client.usageRecords.baseUri = "/elsewhere" end)
    assert.equal("locked", getmetatable(client.usageRecords))
  end)
end)

describe("the client's resource of a class", function()
  it("is one and the same, however it is asked for", function()
    local client <close> = connect.ConnectClient("http://127.0.0.1:1/v1", "key")
    assert.equal(client.usageRecords, client.usageRecords)
    assert.equal(client.usageRecords, connect.UsageRecordResource(client))
    assert.equal(client.usageChunks, connect.UsageChunkResource(client))
    assert.not_equal(client.usageRecords, client.usageChunks)
    local other <close> = connect.ConnectClient("http://127.0.0.1:1/v1", "key")
    assert.not_equal(client.usageRecords, other.usageRecords)
  end)
end)

describe("a constructor", function()
  it("takes a client and no more, connect.GenericResource a path behind it", function()
    local client <close> = connect.ConnectClient("http://127.0.0.1:1/v1", "key")
    for class in pairs(core.methods) do
      local function more(...)
        local new = connect[class]
        if class == "GenericResource" then return (new(client, "/products", ...)) end
        return (new(client, ...))
      end
      local last = class == "GenericResource" and 2 or 1
      assert.equal(client, more(nil, nil).client)
      assert.equal(("bad argument #%d to 'new' (one argument too many: a string)"):format(last + 1),
        misuse(function() more "more" end))
      assert.equal(("bad argument #%d to 'new' (one argument too many: a table)"):format(last + 2),
        misuse(function() more(nil, {}) end))
    end
  end)
end)

describe("connect.GenericResource", function()
  it("is the resource of any path, as client:resource is", function()
    local s <close> = service.answering(rawserver.reply(200, "[]"))
    for _, things in ipairs { connect.GenericResource(s.client, "/products"), s.client:resource("/products") } do
      assert.equal("/products", things.baseUri)
      assert.equal("GenericResource (/products)", tostring(things))
      assert.same({}, (things:search()))
    end
    assert.equal("/public/v1/products", s:requests()[2].target)
  end)

  it("takes slashes at the end of a path away", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    local things = s.client:resource("/products//")
    assert.equal("/products", things.baseUri)
    assert(things:get("PRD-1"))
    assert.equal("/public/v1/products/PRD-1", s:requests()[1].target)
  end)

  it("keeps what a path may hold", function()
    local s <close> = service.answering(rawserver.reply(200, "[]"))
    assert(s.client:resource("/a-b_c.d~e/%41%2F/x;y=1,2@!$&'()*+:z"):search())
    assert.equal("/public/v1/a-b_c.d~e/%41%2F/x;y=1,2@!$&'()*+:z", s:requests()[1].target)
  end)

  local BAD = {
    { "", "must begin with '/'" },
    { "products", "must begin with '/'" },
    { "https://elsewhere.example/x", "must begin with '/'" },
    { "/a/../b", "has a '.' or '..' segment, which addresses another path" },
    { "/a/./b", "has a '.' or '..' segment, which addresses another path" },
    { "/a/%2e%2E/b", "has a '.' or '..' segment, which addresses another path" },
    { "/a/.%2e", "has a '.' or '..' segment, which addresses another path" },
    { "/a?b=c", "has '?' at byte 3, which can't stand there" },
    { "/a#b", "has '#' at byte 3, which can't stand there" },
    { "/a b", "has a space (0x20) at byte 3" },
    { "/a\r\nX: y", "has a control character (0x0D) at byte 3" },
    { "/a\0", "has a control character (0x00) at byte 3" },
    { "/é", "has a byte outside ASCII (0xC3) at byte 2" },
    { "/a%zz", "has '%' at byte 3 without two hexadecimal digits" },
    { "/a%2", "has '%' at byte 3 without two hexadecimal digits" },
    { "/" .. ("a"):rep(65536), "is longer than 65536 bytes" },
  }

  it("refuses what is no path", function()
    local client <close> = connect.ConnectClient("http://127.0.0.1:1/v1", "key")
    for _, case in ipairs(BAD) do
      local path, says = table.unpack(case)
      assert.equal("bad argument #2 to 'GenericResource' (the path " .. says .. ")",
        misuse(function() return (connect.GenericResource(client, path)) end))
      assert.equal("bad argument #1 to 'resource' (the path " .. says .. ")",
        misuse(function() return (client:resource(path)) end))
    end
    assert.equal("bad argument #1 to 'resource' (path must be a string, got nil)",
      misuse(function() return (client:resource(nil)) end))
  end)

  it("refuses what is no client, and a closed one", function()
    for _, class in ipairs { "GenericResource", "UsageRecordResource", "UsageChunkResource" } do
      assert.matches("ConnectClient expected, got table", misuse(function() return (connect[class]({})) end), 1, true)
      assert.matches("ConnectClient expected, got nil", misuse(function() return (connect[class](nil)) end), 1, true)
      local client = connect.ConnectClient("http://127.0.0.1:1/v1", "key")
      client:close()
      assert.matches("the client is closed", misuse(function() return (connect[class](client, "/x")) end), 1, true)
    end
  end)
end)

describe("a collection below an object", function()
  it("is refused for what can't be an id or a name", function()
    local client <close> = connect.ConnectClient("http://127.0.0.1:1/v1", "key")
    local things = client:resource("/x")
    for _, bad in ipairs { "", ".", "..", "a/b", "a\r\nb", "é", ("x"):rep(256) } do
      assert.matches("bad argument #1 to 'collection'", misuse(function() return (things:collection(bad, "items")) end))
      assert.matches("bad argument #2 to 'collection'", misuse(function() return (things:collection("X", bad)) end))
    end
    assert.matches("#1 to 'collection' %(id must be a string", misuse(function() return (things:collection()) end))
  end)

  it("encodes what of an id is not plain, as get does", function()
    local s <close> = service.answering(rawserver.reply(200, "[]"))
    assert(s.client:resource("/x"):collection("a?b#c%41", "items"):search())
    assert.equal("/public/v1/x/a%3Fb%23c%2541/items", s:requests()[1].target)
  end)
end)

describe("core.methods", function()
  it("is a table of methods for each class, which Lua code adds to", function()
    local client <close> = connect.ConnectClient("http://127.0.0.1:1/v1", "key")
    finally(function() core.methods.UsageRecordResource.shout = nil end)
    core.methods.UsageRecordResource.shout = function(self) return self.baseUri:upper() end
    assert.equal("/USAGE/RECORDS", client.usageRecords:shout())
    assert.is_nil(client.usageChunks.shout)
  end)
end)
