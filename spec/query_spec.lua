-- Queries: text is checked and sent as it is, filters are written by the module's RQL.

local connect = require "cloudblue.connect"
local child = require "spec.support.child"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local misuse = service.misuse

describe("a query", function()
  local s

  before_each(function()
    s = service.answering(rawserver.reply(200, "[]"))
  end)

  after_each(function()
    s:stop()
  end)

  local function searched(...)
    assert(s.records:search(...))
    return s:requests()[1].target:match("^/public/v1/usage/records(.*)$")
  end

  it("of text goes as it is", function()
    for _, query in ipairs {
      "limit=10&offset=20", "in(id,(UR-1,UR-2))&eq(status,approved)|ne(a,b)", "name=%22two%20words%22", "a='b'&c=*d*",
      "(a=1;b=2)&x=y/z?q:@!$,~._-+", '"quoted"',
    } do
      assert(s.records:search(query))
      local requests = s:requests()
      assert.equal("/public/v1/usage/records?" .. query, requests[#requests].target)
    end
  end)

  it("of no text, or of nothing, is none", function()
    assert(s.records:search(""))
    assert(s.records:search(nil))
    assert(s.records:search({}))
    for _, request in ipairs(s:requests()) do assert.equal("/public/v1/usage/records", request.target) end
  end)

  it("of a filter is written by RQL", function()
    assert.equal("?status=approved", searched { status = "approved" })
  end)

  it("of a condition is written by RQL, with options beside it", function()
    local R = connect.R
    assert.equal("?eq(status,approved)&limit=5", (searched(R.status:eq "approved", { limit = 5 })))
  end)

  it("of client:request takes the same", function()
    assert(s.client:request("GET", "/x", { query = "a=b" }))
    assert(s.client:request("GET", "/x", { query = { a = "b c" } }))
    assert(s.client:request("GET", "/x", { query = "" }))
    local targets = {}
    for index, request in ipairs(s:requests()) do targets[index] = request.target end
    assert.same({ "/public/v1/x?a=b", "/public/v1/x?a=%22b%20c%22", "/public/v1/x" }, targets)
  end)

  it("is refused where a URL can't carry it, and nothing is sent", function()
    for query, says in pairs {
      ["a=b c"] = "has a space (0x20) at byte 4",
      ["a=b\r\nX: y"] = "has a control character (0x0D) at byte 4",
      ["a=b\0"] = "has a control character (0x00) at byte 4",
      ["a=é"] = "has a byte outside ASCII (0xC3) at byte 3",
      ["a=b#c"] = "has '#' at byte 4, which can't stand there",
      ["a=<b>"] = "has '<' at byte 3, which can't stand there",
      ["a=%zz"] = "has '%' at byte 3 without two hexadecimal digits",
      [("x"):rep(65537)] = "is longer than 65536 bytes",
    } do
      assert.equal("bad argument #1 to 'search' (the query " .. says .. ")",
        misuse(function() return (s.records:search(query)) end))
      assert.equal("bad argument #3 to 'request' (the query " .. says .. ")",
        misuse(function() return (s.client:request("GET", "/x", { query = query })) end))
    end
    assert.equal(0, s.raw:connections())
  end)

  it("is refused where it is no filter, by the argument's position", function()
    for _, filter in ipairs { 5, true, print, { { a = "b" }, 5 }, { ["a b"] = 1 }, { a = { ["$nope"] = 1 } } } do
      assert.matches("^bad argument #1 to 'search' %(", misuse(function() return (s.records:search(filter)) end))
      assert.matches("^bad argument #3 to 'request' %(",
        misuse(function() return (s.client:request("GET", "/x", { query = filter })) end))
    end
    assert.equal(0, s.raw:connections())
  end)
end)

describe("the C module alone", function()
  it("takes queries of text, and says what filters need", function()
    local s <close> = service.answering(rawserver.reply(200, "[]"))
    local output = child.run(([[
      local client = require("cloudblue.connect.core").ConnectClient("%s", "key", { retries = 0 })
      print((client.usageRecords:search("a=b")) ~= nil)
      print(pcall(function() return (client.usageRecords:search { a = "b" }) end))
    ]]):format(s.raw.url))
    assert.matches("^true\n", output)
    assert.matches("a filter other than a query string needs the module cloudblue.connect", output, 1, true)
    assert.equal(1, #s:requests())
  end)
end)
