-- Arguments of the operations: what is wrong is said, and nothing is sent.

local connect = require "cloudblue.connect"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"

local misuse = service.misuse

--- An id that no operation takes, and what is said about it.
local BAD_IDS = {
  { what = "nothing", id = nil, says = "must be a string, got nil" },
  { what = "an empty string", id = "", says = "is empty" },
  { what = "a number", id = 5, says = "must be a string, got number" },
  { what = "a boolean", id = true, says = "must be a string, got boolean" },
  { what = "a table", id = {}, says = "must be a string, got table" },
  { what = "JSON null", id = connect.null, says = "must be a string, got userdata" },
  { what = "a dot", id = ".", says = "is '.', which a URL resolves to another path" },
  { what = "two dots", id = "..", says = "is '..', which a URL resolves to another path" },
  { what = "an encoded dot", id = "%2e", says = "is '%2e', which a URL resolves to another path" },
  { what = "encoded dots", id = ".%2E", says = "is '.%2E', which a URL resolves to another path" },
  { what = "a slash", id = "a/b", says = "has '/' at byte 2, which can't stand there" },
  { what = "a space", id = "UR 1", says = "has a space (0x20) at byte 3" },
  { what = "a line break", id = "UR-1\r\nX: y", says = "has a control character (0x0D) at byte 5" },
  { what = "a lone line feed", id = "UR-1\n", says = "has a control character (0x0A) at byte 5" },
  { what = "NUL", id = "UR-1\0", says = "has a control character (0x00) at byte 5" },
  { what = "DEL", id = "\127", says = "has a control character (0x7F) at byte 1" },
  { what = "10,000 characters", id = ("x"):rep(10000), says = "has 10000 bytes; an id has at most 255" },
  { what = "256 characters", id = ("x"):rep(256), says = "has 256 bytes; an id has at most 255" },
  { what = "UTF-8", id = "UR-Ä", says = "has a byte outside ASCII (0xC3) at byte 4" },
}

describe("an operation", function()
  local sb, client

  setup(function()
    sb = assert(sandbox.start { records = 2 })
  end)

  teardown(function()
    sb:stop()
  end)

  before_each(function()
    sb:reset()
    client = connect.ConnectClient(sb.endpoint, sb.apiKey, { retries = 0 })
  end)

  after_each(function()
    client:close()
  end)

  local function nothingSent()
    assert.equal(0, #sb:requests())
    assert.equal(0, sb:connections())
  end

  --- Every operation with an id, as a function of that id: what it is called, and the name of the argument.
  local BY_ID = {
    { "get", "id", function(c, id) return (c.usageRecords:get(id)) end },
    { "update", "id", function(c, id) return (c.usageRecords:update(id, { a = 1 })) end },
    { "delete", "id", function(c, id) return (c.usageRecords:delete(id)) end },
    { "action", "id", function(c, id) return (c.usageRecords:action(id, "close")) end },
    { "action (its name)", "name", function(c, id) return (c.usageRecords:action("UR-1", id)) end },
    { "records:close", "id", function(c, id) return (c.usageRecords:close(id, "B-1")) end },
    { "records:closeRecords", "id", function(c, id) return (c.usageRecords:closeRecords(id, "UR-1", "B-1")) end,
      optional = true },
    { "records:closeRecords (the record)", "recordId",
      function(c, id) return (c.usageRecords:closeRecords("UF-1", id, "B-1")) end },
    { "chunks:get", "id", function(c, id) return (c.usageChunks:get(id)) end },
    { "chunks:update", "id", function(c, id) return (c.usageChunks:update(id, { a = 1 })) end },
    { "chunks:close", "id", function(c, id) return (c.usageChunks:close(id, "B-1")) end },
    { "chunks:download", "id", function(c, id) return (c.usageChunks:download(id)) end },
    { "chunks:regenerate", "id", function(c, id) return (c.usageChunks:regenerate(id)) end },
  }

  for _, operation in ipairs(BY_ID) do
    local name, argument, call = table.unpack(operation)
    it(name .. " refuses every id that can't be one, and sends nothing", function()
      for _, bad in ipairs(BAD_IDS) do
        if bad.id ~= nil or not operation.optional then
          local message = misuse(function() return (call(client, bad.id)) end)
          local expected = "(" .. argument .. " " .. bad.says .. ")"
          assert.is_truthy(message:find(expected, 1, true), bad.what .. ": " .. message)
        end
      end
      nothingSent()
    end)
  end

  it("takes an id of 255 characters", function()
    local id = ("x"):rep(255)
    local _, failure = client.usageRecords:get(id)
    assert.equal(404, failure.status)
    assert.equal("/public/v1/usage/records/" .. id, sb:requests()[1].path)
  end)

  it("says which argument is wrong, by its position after the resource", function()
    local records = client.usageRecords
    assert.equal("bad argument #1 to 'close' (id is empty)", misuse(function() return (records:close("")) end))
    assert.equal("bad argument #2 to 'close' (externalBillingId must be a string, got number)",
      misuse(function() return (records:close("UR-1", 5)) end))
    assert.equal("bad argument #3 to 'close' (externalBillingNote must be a string, got table)",
      misuse(function() return (records:close("UR-1", "B", {})) end))
    assert.equal("bad argument #2 to 'closeRecords' (recordId is empty)",
      misuse(function() return (records:closeRecords("UF-1", "", "B")) end))
    assert.equal("bad argument #4 to 'closeRecords' (externalBillingNote must be a string, got boolean)",
      misuse(function() return (records:closeRecords("UF-1", "UR-1", "B", true)) end))
    nothingSent()
  end)

  describe("with a billing id", function()
    it("refuses an empty one, which would close without telling under which", function()
      for _, call in ipairs {
        function() return (client.usageRecords:close("UR-1", "")) end,
        function() return (client.usageRecords:closeRecords("UF-1", "UR-1", "")) end,
        function() return (client.usageChunks:close("UFC-1", "")) end,
      } do
        assert.matches("(externalBillingId is empty; pass nil to close without one)", misuse(call), 1, true)
      end
      nothingSent()
    end)

    it("refuses what is no string, also a number and JSON null", function()
      for _, value in ipairs { 77, true, {}, connect.null, print } do
        local message = misuse(function() return (client.usageRecords:close("UR-1", value)) end)
        assert.equal("bad argument #2 to 'close' (externalBillingId must be a string, got " .. type(value) .. ")",
          message)
      end
      nothingSent()
    end)

    it("refuses what is not UTF-8, in the id and in the note", function()
      for _, bad in ipairs { "\xFF", "a\xC3", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80" } do
        assert.equal("bad argument #2 to 'close' (externalBillingId is not UTF-8)",
          misuse(function() return (client.usageRecords:close("UR-1", bad)) end))
        assert.equal("bad argument #3 to 'close' (externalBillingNote is not UTF-8)",
          misuse(function() return (client.usageRecords:close("UR-1", "B", bad)) end))
      end
      nothingSent()
    end)
  end)

  describe("with an object", function()
    it("refuses what is no table", function()
      assert.equal("bad argument #1 to 'create' (object must be a table, got nil)",
        misuse(function() return (client.usageRecords:create()) end))
      assert.equal("bad argument #1 to 'create' (object must be a table, got string)",
        misuse(function() return (client.usageRecords:create("{}")) end))
      assert.equal("bad argument #2 to 'update' (object must be a table, got nil)",
        misuse(function() return (client.usageRecords:update("UR-1")) end))
      assert.equal("bad argument #3 to 'action' (body must be a table, got number)",
        misuse(function() return (client.usageRecords:action("UR-1", "close", 5)) end))
      nothingSent()
    end)

    it("refuses what JSON can't carry, naming the place", function()
      assert.equal("bad argument #1 to 'create' (body.items[2].price is NaN, which JSON can't carry)",
        misuse(function() return (client.usageRecords:create { items = { {}, { price = 0 / 0 } } }) end))
      nothingSent()
    end)
  end)

  it("is refused by what is no resource", function()
    local close = client.usageRecords.close
    for _, self in ipairs { 5, "records", {}, client, io.stdout, connect.null } do
      assert.matches("a resource expected", misuse(function() return (close(self, "UR-1")) end), 1, true)
    end
    assert.matches("a resource expected", misuse(function() return (close()) end), 1, true)
    nothingSent()
  end)
end)
