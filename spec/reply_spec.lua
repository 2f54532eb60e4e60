-- A reply as Lua sees it: its status, its headers, its bytes.

local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"

describe("the reply beside a value", function()
  local function replyOf(bytes, options)
    local s <close> = service.answering(bytes)
    local _, reply = assert(s.client:request("GET", "/x", options))
    return reply
  end

  it("has the status as an integer, and a table of headers", function()
    for _, status in ipairs { 200, 201, 202, 206, 299 } do
      local reply = replyOf(rawserver.reply(status, "{}"))
      assert.equal(status, reply.status)
      assert.equal("integer", math.type(reply.status))
      assert.same({ ["content-type"] = "application/json", ["content-length"] = "2" }, reply.headers)
    end
  end)

  it("has the names of headers in lower case, ASCII letters alone", function()
    local reply = replyOf("HTTP/1.1 200 OK\r\nCONTENT-length: 2\r\nX-\u{c4}B: c\r\nx_Y!Z: 1\r\n\r\n{}")
    assert.same({ ["content-length"] = "2", ["x-\u{c4}b"] = "c", ["x_y!z"] = "1" }, reply.headers)
  end)

  it("has the last of several headers of a name, and no blanks around a value", function()
    local reply = replyOf("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\nx-a:  two  words \t\r\nX-Empty:\r\n\r\n{}")
    assert.same({ ["content-length"] = "2", ["x-a"] = "two  words", ["x-empty"] = "" }, reply.headers)
  end)

  it("has none of the headers of an interim reply, nor of a trailer", function()
    local reply = replyOf("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      .. "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Trailer: t\r\n\r\n")
    assert.same({ ["transfer-encoding"] = "chunked" }, reply.headers)
  end)

  it("has none of the headers of the attempt before", function()
    local s <close> = service.answering({
      rawserver.reply(503, "", { ["Retry-After"] = "0", ["X-First"] = "1" }), rawserver.reply(200, "{}"),
    }, { retries = 1 })
    local _, reply = assert(s.client:request("GET", "/x"))
    assert.is_nil(reply.headers["x-first"])
    assert.is_nil(reply.headers["retry-after"])
  end)
end)

describe("the bytes of a reply", function()
  it("are whole, whatever they are", function()
    for _, bytes in ipairs { "", "\0", ("\0\r\n\xff"):rep(100000), "{" } do
      local s <close> = service.answering(rawserver.reply(200, bytes))
      assert.equal(bytes, (s.client:request("GET", "/x", { raw = true })))
    end
  end)
end)

describe("a reply that is to be an object or a list", function()
  it("is no other value, and is not empty", function()
    for text, message in pairs {
      [""] = "the reply is empty where JSON was expected",
      ["null"] = "the reply is a null where an object or a list was expected",
      ["12"] = "the reply is a number where an object or a list was expected",
      ['"text"'] = "the reply is a string where an object or a list was expected",
      ["false"] = "the reply is a boolean where an object or a list was expected",
    } do
      local s <close> = service.answering(rawserver.reply(200, text))
      local value, failure = s.records:get("UR-1")
      assert.is_nil(value)
      assert.same({ "decode", "rejected", message, 200 },
        { failure.kind, failure.outcome, failure.message, failure.status })
    end
  end)
end)
