-- Errors of arguments: a method is called by its name, its object is not counted, however it was called.

local connect = require "cloudblue.connect"
local core = require "cloudblue.connect.core"
local service = require "spec.support.service"

local misuse = service.misuse

describe("an argument error of a method", function()
  local client, records

  before_each(function()
    client = connect.ConnectClient("http://127.0.0.1:1", "key", { retries = 0 })
    records = client.usageRecords
  end)

  after_each(function()
    client:close()
  end)

  it("says where the caller stands", function()
    local done, message = pcall(function() return (records:close("")) end)
    assert.is_false(done)
    assert.matches("^spec/aux_spec%.lua:%d+: bad argument #1 to 'close' %(id is empty%)$", message)
  end)

  -- Lua has no name for what a C function calls, and luaL_argerror counts the object then.
  it("calls it by its name where Lua has none for it", function()
    local EMPTY <const> = "bad argument #1 to 'close' (id is empty)"
    local close = records.close
    for _, call in ipairs {
      function() return pcall(records.close, records, "") end,
      function() return pcall(close, records, "") end,
      function() return xpcall(records.close, function(message) return message end, records, "") end,
      function() return coroutine.resume(coroutine.create(records.close), records, "") end,
      function() return select(2, pcall(pcall, records.close, records, "")) end,
    } do
      local _, message = call()
      assert.equal(EMPTY, message)
    end
    local _, message = pcall(client.request, client, "GET")
    assert.equal("bad argument #2 to 'request' (path must be a string, got nil)", message)
    _, message = pcall(client.addBeforeRequestHook, client, 5)
    assert.equal("bad argument #1 to 'addBeforeRequestHook' (hook must be a function, got number)", message)
  end)

  it("calls it by its name whatever the variable is called that holds it", function()
    local shut, unlock = records.close, client.resource
    assert.equal("bad argument #1 to 'close' (id is empty)", misuse(function() return (shut(records, "")) end))
    assert.equal("bad argument #1 to 'resource' (the path must begin with '/')",
      misuse(function() return (unlock(client, "x")) end))
    local holder = setmetatable({}, { __index = shut })
    assert.equal("calling 'close' on a bad self (a resource expected, got table)",
      misuse(function() return holder.id end))
  end)

  it("counts as the caller does, without the object", function()
    for number, call in ipairs {
      function() return (records:close("")) end,
      function() return (records:close("UR-1", 5)) end,
      function() return (records:close("UR-1", "B", 5)) end,
      function() return (records:close("UR-1", "B", "N", 5)) end,
      function() return (records:close("UR-1", "B", "N", {}, 5)) end,
    } do
      assert.matches(("^bad argument #%d to 'close' "):format(number), misuse(call))
    end
  end)

  it("tells of a bad object instead of an argument #0", function()
    assert.equal("calling 'close' on a bad self (a resource expected, got string)",
      misuse(function() return (records.close("UR-1")) end))
    assert.equal("calling 'request' on a bad self (cloudblue.ConnectClient expected, got userdata)",
      misuse(function() return (client.request(records, "GET", "/x")) end))
    assert.equal("calling 'close' on a bad self (cloudblue.ConnectClient expected, got no value)",
      misuse(function() return (client.close()) end))
    client:close()
    assert.equal("calling 'request' on a bad self (the client is closed)",
      misuse(function() return (client:request("GET", "/x")) end))
  end)

  it("tells what is there: nothing, nil, or a value of some type", function()
    local function says(what, call) assert.matches("got " .. what .. ")", misuse(call), 1, true) end
    says("nil", function() return (records:create()) end)
    says("nil", function() return (records:create(nil)) end)
    says("userdata", function() return (records:create(connect.null)) end)
    says("userdata", function() return (records:create(records)) end)
    says("function", function() return (records:get(print)) end)
  end)

  it("refuses what stands behind its arguments and one of options, but for nil, and sends nothing", function()
    assert.equal("bad argument #5 to 'close' (one argument too many: a string)",
      misuse(function() return (records:close("UR-1", "B", "N", {}, "more")) end))
    assert.equal("bad argument #4 to 'get' (one argument too many: a boolean)",
      misuse(function() return (records:get("UR-1", nil, nil, false)) end))
    assert.equal("bad argument #4 to 'close' (options must be a table, got string)",
      misuse(function() return (records:close("UR-1", "B", "N", "more")) end))
    assert.equal("bad argument #2 to 'resource' (one argument too many: a number)",
      misuse(function() return (client:resource("/x", 5)) end))
    assert.equal("bad argument #2 to 'addAfterResponseHook' (one argument too many: a number)",
      misuse(function() return (client:addAfterResponseHook(print, 5)) end))
    assert.equal("bad argument #3 to 'collection' (one argument too many: a number)",
      misuse(function() return (records:collection("UR-1", "things", 5)) end))
    assert.equal("unsent", select(2, records:close("UR-1", "B", nil, nil, nil, nil)).outcome)
  end)
end)

describe("an argument error of a function of the module", function()
  it("counts every argument", function()
    assert.equal("bad argument #2 to 'ConnectClient' (apiKey is empty)",
      misuse(function() return (connect.ConnectClient("http://127.0.0.1:1", "")) end))
    assert.equal("bad argument #1 to 'UsageRecordResource' (cloudblue.ConnectClient expected, got no value)",
      misuse(function() return (connect.UsageRecordResource()) end))
    assert.equal("bad argument #1 to 'newFailure' (table expected, got number)",
      misuse(function() return (core.newFailure(5)) end))
  end)
end)
