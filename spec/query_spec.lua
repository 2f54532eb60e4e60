-- Queries: a ready one is checked, and sent as a URL carries it, by one set of rules wherever it is given; filters are
-- written by the module's RQL.

local connect = require "cloudblue.connect"
local child = require "spec.support.child"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

local misuse = service.misuse

describe("a query", function()
  local s

  before_each(function()
    s = service.answering(rawserver.reply(200, "[]", { ["Content-Range"] = "items 0-0/0" }))
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
      "limit=10&offset=20", "in(id,(UR-1,UR-2))&eq(status,approved)", "name=%22two%20words%22", "a='b'&c=*d*",
      "(a=1;b=2)&x=y/z?q:@!$,~._-+", "a=%7c%C3%A9&b=%22%26%22",
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

  --- The ways a query can be given: a function of resource and query, and the argument that it is.
  local WAYS = {
    ["bad argument #1 to 'search'"] = {
      function(records, query) return (records:search(query)) end,
      function(records, query) return (records:search(query, {})) end,
      function(records, query) return (records:search(query, { ordering = "a" })) end,
    },
    ["bad argument #1 to 'all'"] = {
      function(records, query) local iterator = records:all(query) return iterator() end,
      function(records, query)
        local iterator = records:all(query, { limit = 5, backwards = true })
        return iterator()
      end,
    },
    ["bad argument #1 to 'first'"] = {
      function(records, query) local first = records:first(query) return first end,
      function(records, query) local first = records:first(query, { select = "a" }) return first end,
    },
    ["bad argument #1 to 'count'"] = {
      function(records, query) local count = records:count(query) return count end,
    },
    ["bad argument #3 to 'request'"] = {
      function(records, query)
        local list = records.client:request("GET", records.baseUri, { query = query })
        return list
      end,
    },
  }

  it("is sent as a URL carries it, in whatever way it is given", function()
    for query, written in pairs {
      ["(a=1|b=2)"] = "(a=1%7Cb=2)",
      ['a="x%20y"'] = "a=%22x%20y%22",
      ["a=b&c=<d>"] = "a=b&c=%3Cd%3E",
      ["a='é'"] = "a='%C3%A9'",
      ["a=\\*[b]^`{c}"] = "a=%5C*%5Bb%5D%5E%60%7Bc%7D",
      ["a='&&'&b=%22&%22"] = "a='&&'&b=%22&%22",
      ["a=it's&b=1"] = "a=it's&b=1",
      ["a=b?c/d"] = "a=b?c/d",
    } do
      for _, ways in pairs(WAYS) do
        for _, way in ipairs(ways) do
          local before = #s:requests()
          way(s.records, query)
          local requests = s:requests()
          assert.equal(before + 1, #requests)
          local sent = requests[#requests].target:match("^/public/v1/usage/records%?(.*)$")
          -- What the method adds stands around it, never within.
          local from, to = ("&" .. sent .. "&"):find("&" .. written .. "&", 1, true)
          assert.is_truthy(from, sent)
          assert.not_matches("&&", sent:sub(1, from - 1) .. sent:sub(to - 1), 1, true)
        end
      end
    end
  end)

  it("is refused by the same rules in whatever way it is given, and nothing is sent", function()
    for query, says in pairs {
      ["a=b c"] = "has a space (0x20) at byte 4",
      ["a=b\r\nX: y"] = "has a control character (0x0D) at byte 4",
      ["a=b\0"] = "has a control character (0x00) at byte 4",
      ["a=\127"] = "has a control character (0x7F) at byte 3",
      ["a=\xC3"] = "is not UTF-8",
      ["a=\xED\xA0\x80"] = "is not UTF-8",
      ["a=b#c"] = "has '#' at byte 4, which can't stand there",
      ["a=%zz"] = "has '%' at byte 3 without two hexadecimal digits",
      ["a=50%"] = "has '%' at byte 5 without two hexadecimal digits",
      ["?a=b"] = "begins with '?', which stands before a query",
      ["??a=b"] = "begins with '?', which stands before a query",
      ["?"] = "begins with '?', which stands before a query",
      ["&"] = "has an empty condition beside the '&' at byte 1",
      ["&a=b"] = "has an empty condition beside the '&' at byte 1",
      ["a=b&"] = "has an empty condition beside the '&' at byte 4",
      ["a=b&&c=d"] = "has an empty condition beside the '&' at byte 5",
      ["a='&'&&c=d"] = "has an empty condition beside the '&' at byte 7",
      ["a=%22'%22&&c=d"] = "has an empty condition beside the '&' at byte 11",
      ["a=x&&%27"] = "has an empty condition beside the '&' at byte 5",
      [("x"):rep(65537)] = "is longer than 65536 bytes",
      [("x"):rep(65534) .. "|"] = "is longer than 65536 bytes",
    } do
      for argument, ways in pairs(WAYS) do
        for _, way in ipairs(ways) do
          local message = misuse(function() return (way(s.records, query)) end)
          message = message:gsub("^%S+:%d+: ", "")
          assert.equal(argument .. " (the query " .. says .. ")", message)
        end
      end
    end
    assert.equal(0, s.raw:connections())
  end)

  it("is none where it is empty, in whatever way it is given", function()
    for _, query in ipairs { "", false } do
      for _, ways in pairs(WAYS) do
        for _, way in ipairs(ways) do way(s.records, query or nil) end
      end
    end
    for _, request in ipairs(s:requests()) do
      assert.not_matches("status", request.target)
      assert.not_matches("[?&]&", request.target)
      assert.not_matches("[?&]$", request.target)
    end
  end)

  it("that holds its own limit and offset goes with search and request, where nobody else writes them", function()
    assert(s.records:search("status=x&limit=5&offset=10"))
    assert(s.records:search("status=x&limit=5", { offset = 10 }))
    assert(s.client:request("GET", "/usage/records", { query = "limit=5&status=x" }))
    local targets = {}
    for index, request in ipairs(s:requests()) do targets[index] = request.target:match("%?(.*)$") end
    assert.same({ "status=x&limit=5&offset=10", "status=x&limit=5&offset=10", "limit=5&status=x" }, targets)
    assert.equal("bad argument #2 to 'search' (limit: stands in the filter too)",
      misuse(function() return (s.records:search("status=x&limit=5", { limit = 5 })) end))
  end)

  it("has its options refused by their own position", function()
    for says, options in pairs {
      ["unknown option 'order'; the nearest known one is 'ordering'"] = { order = "a" },
      ["unknown option 'backwards'"] = { backwards = true },
      ["limit: whole number from 0 expected, got -1"] = { limit = -1 },
      ["ordering: entry 1 is not a field's name with an optional sign"] = { ordering = "a b" },
      ["table expected, got string"] = "limit=5",
      ["options are a table of names, and this one has another key"] = { 5 },
    } do
      for _, filter in ipairs { "status=x", { status = "x" }, connect.R.status:eq "x", {} } do
        assert.equal("bad argument #2 to 'search' (" .. says .. ")",
          misuse(function() return (s.records:search(filter, options)) end))
      end
      assert.equal("bad argument #2 to 'search' (" .. says .. ")",
        misuse(function() return (s.records:search(nil, options)) end))
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
