local newHeaders = require "http.headers".new
local requests = require "cloudblue.connect.sandbox.http.request"

local function request(fields, body)
  local headers = newHeaders()
  headers:append(":method", "POST")
  headers:append(":path", "/a%2Fb?c=d?e")
  headers:append(":scheme", "http")
  headers:append(":authority", "host:1")
  for _, field in ipairs(fields or {}) do
    headers:append(field[1], field[2])
  end
  local made = requests.new(headers)
  made.body = body
  return made
end

local JSON = { { "content-type", "application/json" } }

describe("a request to the sandbox", function()
  it("has its target in pieces, and as it came", function()
    local made = request()
    assert.are.same({ "POST", "/a%2Fb?c=d?e", "/a%2Fb", "c=d?e" }, { made.method, made.target, made.path, made.query })
  end)

  it("has its headers by name and in order", function()
    local made = request { { "x", "1" }, { "y", "2" }, { "x", "3" } }
    assert.are.same({ host = "host:1", x = "1, 3", y = "2" }, made.headers)
    assert.are.same({ { "host", "host:1" }, { "x", "1" }, { "y", "2" }, { "x", "3" } }, made.order)
  end)

  it("has a value, when its body is JSON and said to be", function()
    assert.are.same({ a = 1 }, (requests.value(request(JSON, " {\"a\":1}"), "object")))
    local charset = { { "content-type", "Application/JSON;charset=utf-8" } }
    assert.are.same({ 1 }, (requests.value(request(charset, "[1]"), "array")))
    assert.are.same({}, (requests.value(request(nil, ""), "object")))
  end)

  it("is refused otherwise", function()
    local function status(fields, body, expected)
      local value, refusal = requests.value(request(fields, body), expected)
      assert.is_nil(value)
      return refusal.status .. " " .. refusal.refused
    end
    assert.are.equal("415 REQ_002", status(nil, "{}", "object"))
    assert.are.equal("415 REQ_002", status({ { "content-type", "text/json" } }, "{}", "object"))
    assert.are.equal("415 REQ_002", status(nil, "", "array"))
    assert.are.equal("400 REQ_001", status(JSON, "{", "object"))
    assert.are.equal("400 VAL_001", status(JSON, "[]", "object"))
    assert.are.equal("400 VAL_001", status(JSON, "{}", "array"))
    assert.are.equal("400 VAL_001", status(JSON, "null", "object"))
  end)

  it("makes links with the host that it was sent to", function()
    assert.are.equal("http://host:1/media/UF-1/usage.xlsx", requests.link(request(), "UF-1", "usage.xlsx"))
  end)

  it("has a body of at most 16 MiB, all of which is read", function()
    local function read(count)
      local seen = 0
      local body, refusal = requests.readBody({
        get_next_chunk = function()
          count = count - 1
          return count >= 0 and ("x"):rep(1048576) or nil
        end,
      }, function(bytes)
        seen = seen + #bytes
      end)
      return body and #body, refusal and refusal.status, seen
    end
    assert.are.same({ 16777216, nil, 16777216 }, { read(16) })
    assert.are.same({ nil, 413, 17825792 }, { read(17) })
  end)

  it("comes to nothing when the client goes away", function()
    assert.is_nil((requests.readBody({ get_next_chunk = function() return nil, "gone" end }, function() end)))
  end)
end)
