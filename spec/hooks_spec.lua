-- The functions that a client calls around each request: what they see, and what they can't change.

local connect = require "cloudblue.connect"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local misuse = service.misuse

describe("a hook before a request", function()
  it("sees what is about to be sent, the key masked", function()
    local s <close> = service.answering(service.closed("UR-1"))
    local seen = {}
    s.client:addBeforeRequestHook(function(request)
      assert.equal(0, s.raw:connections())
      seen[#seen + 1] = request
    end)
    assert(s.records:close("UR-1", "B-1"))
    assert.same({
      {
        method = "POST",
        url = s.client.endpoint .. "/usage/records/UR-1/close",
        headers = { Authorization = "***", ["Content-Type"] = "application/json" },
        body = '{"external_billing_id":"B-1"}',
        attempt = 1,
        confirming = false,
      },
    }, seen)
  end)

  it("sees no body and no Content-Type where there is none, and the headers of the call", function()
    local s <close> = service.answering(rawserver.reply(200, "[]"))
    local seen
    s.client:addBeforeRequestHook(function(request) seen = request end)
    assert(s.client:request("GET", "/x", { query = "a=b", headers = { ["X-C"] = "d" } }))
    assert.equal(s.client.endpoint .. "/x?a=b", seen.url)
    assert.same({ Authorization = "***", ["X-C"] = "d" }, seen.headers)
    assert.is_nil(seen.body)
  end)

  it("can't change what is sent", function()
    local s <close> = service.answering(service.closed("UR-1"))
    s.client:addBeforeRequestHook(function(request)
      request.method, request.url, request.body = "DELETE", "http://127.0.0.1:1/", "{}"
      request.headers.Authorization = "mine"
      request.headers["X-New"] = "x"
    end)
    assert(s.records:close("UR-1", "B-1"))
    local request = s:requests()[1]
    assert.equal("POST", request.method)
    assert.equal("/public/v1/usage/records/UR-1/close", request.target)
    assert.equal('{"external_billing_id":"B-1"}', request.body)
    assert.equal(service.key, request.headers.authorization)
    assert.is_nil(request.headers["x-new"])
  end)

  it("is called for every attempt, with its number", function()
    local replies = { rawserver.reply(503, "", { ["Retry-After"] = "0" }), rawserver.reply(200, "{}") }
    local s <close> = service.answering(replies, { retries = 1 })
    local attempts = {}
    s.client:addBeforeRequestHook(function(request) attempts[#attempts + 1] = request.attempt end)
    assert(s.records:get("UR-1"))
    assert.same({ 1, 2 }, attempts)
  end)
end)

describe("a hook after a response", function()
  it("sees what came back", function()
    local s <close> = service.answering(rawserver.reply(404, '{"error_code":"X","errors":[]}', { ["X-Trace"] = "T 1" }))
    local seen = {}
    s.client:addAfterResponseHook(function(response) seen[#seen + 1] = response end)
    s.records:close("UR-1", "B-1")
    assert.same({
      {
        method = "POST",
        url = s.client.endpoint .. "/usage/records/UR-1/close",
        status = 404,
        headers = { ["content-type"] = "application/json", ["content-length"] = "30", ["x-trace"] = "T 1" },
        body = '{"error_code":"X","errors":[]}',
        attempt = 1,
        confirming = false,
      },
    }, seen)
  end)

  it("sees why nothing came back", function()
    local s <close> = service.scripted { { { read = "request" }, { reset = true } } }
    local seen
    s.client:addAfterResponseHook(function(response) seen = response end)
    local _, failure = s.records:close("UR-1", "B-1")
    assert.equal(failure.message, seen.error)
    assert.is_nil(seen.status)
    assert.is_nil(seen.body)
    assert.equal("POST", seen.method)
  end)

  it("can't change what is given back", function()
    local s <close> = service.answering(service.closed("UR-1"))
    s.client:addAfterResponseHook(function(response)
      response.status, response.body = 500, '{"id":"UR-2"}'
    end)
    assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id)
  end)
end)

describe("hooks", function()
  local ADD = { "addBeforeRequestHook", "addAfterResponseHook" }

  it("are called in the order in which they were added, each with a table of its own", function()
    for _, add in ipairs(ADD) do
      local s <close> = service.answering(rawserver.reply(200, "{}"))
      local order, tables = {}, {}
      for number = 1, 3 do
        s.client[add](s.client, function(seen)
          order[#order + 1] = number
          assert.is_nil(tables[seen])
          assert.is_nil(seen.mark)
          tables[seen], seen.mark = true, number
        end)
      end
      assert(s.records:get("UR-1"))
      assert.same({ 1, 2, 3 }, order)
    end
  end)

  it("are functions", function()
    local client <close> = connect.ConnectClient("http://127.0.0.1:1", "key")
    for _, add in ipairs(ADD) do
      for _, bad in ipairs { {}, 5, "f", true } do
        assert.matches("hook must be a function", misuse(function() return (client[add](client, bad)) end), 1, true)
      end
      assert.matches("hook must be a function", misuse(function() return (client[add](client, nil)) end), 1, true)
    end
  end)

  it("may make calls of their own with the same client", function()
    local s <close> = service.answering(rawserver.reply(200, '{"id":"UR-1"}'))
    for _, add in ipairs(ADD) do
      local inside
      s.client[add](s.client, function()
        if inside then return end
        inside = true
        assert.equal("UR-1", assert(s.client:request("GET", "/usage/records/inner")).id)
      end)
    end
    assert.equal("UR-1", assert(s.records:get("UR-1")).id)
    assert.equal(3, #s:requests())
  end)

  it("added while they run count from the next call", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    local calls = 0
    s.client:addBeforeRequestHook(function()
      if calls == 0 then s.client:addBeforeRequestHook(function() calls = calls + 10 end) end
      calls = calls + 1
    end)
    assert(s.records:get("UR-1"))
    assert.equal(1, calls)
    assert(s.records:get("UR-1"))
    assert.equal(12, calls)
  end)

  it("of one client are not those of another", function()
    local s <close> = service.answering(rawserver.reply(200, "{}"))
    local calls = 0
    s.client:addBeforeRequestHook(function() calls = calls + 1 end)
    local other <close> = connect.ConnectClient(s.raw.url, "key", { retries = 0 })
    assert(other.usageRecords:get("UR-1"))
    assert.equal(0, calls)
  end)

  it("that raise before the request end the call with that error, and nothing is sent", function()
    local s <close> = service.answering(service.closed("UR-1"))
    local problem, raising = { "any value" }, true
    local raise = load "return error" ()
    s.client:addBeforeRequestHook(function() if raising then raise(problem) end end)
    local done, raised = pcall(s.records.close, s.records, "UR-1", "B-1")
    assert.is_false(done)
    assert.is_true(rawequal(problem, raised))
    assert.equal(0, s.raw:connections())
    raising = false
    assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id)
  end)

  it("that raise after the response end the call with that error, and the client goes on", function()
    local s <close> = service.answering(service.closed("UR-1"))
    local raising = true
    s.client:addAfterResponseHook(function() if raising then error("too late", 0) end end)
    local done, raised = pcall(s.records.close, s.records, "UR-1", "B-1")
    assert.is_false(done)
    assert.matches("too late", tostring(raised), 1, true)
    assert.equal(1, #s:requests())
    raising = false
    assert.equal("UR-1", assert(s.records:close("UR-1", "B-1")).id)
    assert.equal(1, s.raw:connections())
  end)

  it("can't yield", function()
    local s <close> = service.answering(service.closed("UR-1"))
    s.client:addBeforeRequestHook(coroutine.yield)
    local thread = coroutine.create(function() return s.records:close("UR-1", "B-1") end)
    local done, message = coroutine.resume(thread)
    assert.is_false(done)
    assert.matches("yield across a C%-call boundary", message)
    assert.equal(0, s.raw:connections())
  end)
end)
