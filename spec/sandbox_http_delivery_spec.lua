local delivery = require "cloudblue.connect.sandbox.http.delivery"

--- A stream that writes down what it is told, and refuses after so many writes.
local function stream(method, limit)
  local written = {}
  local function write(text)
    if #written >= (limit or math.huge) then
      return nil, "gone"
    end
    written[#written + 1] = text
    return true
  end
  return {
    req_method = method or "GET",
    write_headers = function(_, headers, last)
      return write(headers:get(":status") .. " " .. (headers:get("content-length") or "-") .. (last and " end" or ""))
    end,
    write_chunk = function(_, bytes, last)
      return write(bytes .. (last and " end" or ""))
    end,
  }, written
end

local function content(pieces)
  return {
    type = "a/b",
    length = #table.concat(pieces),
    each = function()
      local number = 0
      return function()
        number = number + 1
        return pieces[number]
      end
    end,
  }
end

describe("the sandbox's delivery", function()
  it("sends a body with its length", function()
    local to, written = stream()
    assert.is_true(delivery.send(to, { status = 200, json = "{}" }))
    assert.are.same({ "200 2", "{} end" }, written)
  end)

  it("sends a body in pieces", function()
    local to, written = stream()
    assert.is_true(delivery.send(to, { status = 200, content = content { "ab", "c" } }))
    assert.are.same({ "200 3", "ab", "c", " end" }, written)
  end)

  it("sends no body where there is none, and none to a HEAD", function()
    local to, written = stream()
    delivery.send(to, { status = 204 })
    assert.are.same({ "204 - end" }, written)
    to, written = stream("HEAD")
    delivery.send(to, { status = 200, json = "{}" })
    assert.are.same({ "200 2 end" }, written)
  end)

  it("tells when the client has gone away", function()
    for limit = 0, 3 do
      local to, written = stream("GET", limit)
      assert.is_false(delivery.send(to, { status = 200, content = content { "ab", "c" } }))
      assert.are.equal(limit, #written)
    end
    assert.is_false(delivery.send((stream("GET", 1)), { status = 200, json = "{}" }))
    assert.is_false(delivery.send((stream("GET", 0)), { status = 204 }))
  end)

  it("says what kind of body it is, and adds headers", function()
    local head = delivery.head({ status = 200, content = content {}, headers = { ["content-range"] = "items" } }, 7)
    assert.are.same({ "a/b", "7", "items" },
      { head:get("content-type"), head:get("content-length"), head:get("content-range") })
    assert.are.equal("application/json", delivery.head({ status = 200 }, 0):get("content-type"))
    assert.are.equal("text/html", delivery.head({ status = 200, type = "text/html" }, 0):get("content-type"))
    assert.is_nil(delivery.head({ status = 204 }, 0):get("content-length"))
  end)
end)
