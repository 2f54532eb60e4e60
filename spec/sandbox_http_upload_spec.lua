local digest = require "openssl.digest"
local content = require "cloudblue.connect.sandbox.http.content"
local uploads = require "cloudblue.connect.sandbox.http.upload"

local function sha256(bytes)
  return content.hex(digest.new("sha256"):final(bytes))
end

local function whole(body)
  local pieces = {}
  for piece in body.each() do
    pieces[#pieces + 1] = piece
  end
  return table.concat(pieces)
end

--- A stream that gives these pieces, then the end, or what lua-http gives when the client went away.
local function stream(pieces, gone)
  local number = 0
  return {
    get_next_chunk = function()
      number = number + 1
      if pieces[number] then
        return pieces[number]
      end
      return nil, gone
    end,
  }
end

describe("an upload to the sandbox", function()
  local function upload(pieces)
    local made = uploads.new { name = "usage_file", filename = "x.xlsx", type = "a/b" }
    for _, piece in ipairs(pieces) do
      made:write(piece)
    end
    made:finish()
    return made
  end

  it("is described by its name, size and digest", function()
    assert.are.same({ part = "usage_file", filename = "x.xlsx", type = "a/b", size = 5, sha256 = sha256("ab\0cd") },
      upload({ "ab\0", "cd" }):describe())
  end)

  it("gives its bytes back as often as they are wanted", function()
    local body = upload({ "ab\0", "cd" }):content()
    assert.are.same({ 5, "ab\0cd", "ab\0cd" }, { body.length, whole(body), whole(body) })
    assert.are.equal("", whole(upload({}):content()))
  end)

  it("is in a file once it is large, and two readers don't disturb each other", function()
    local pieces = {}
    for number = 1, 40 do
      pieces[number] = string.char(number):rep(50000)
    end
    local made = upload(pieces)
    assert.are.equal("file", io.type(made.file))
    assert.is_nil(made.pieces)
    assert.are.equal(sha256(table.concat(pieces)), made.sha256)
    local first, second = made:content().each(), made:content().each()
    assert.are.equal(first(), second())
    assert.are.equal(first(), second())
    assert.are.equal(table.concat(pieces), whole(made:content()))
  end)

  it("is one part of a form, and every byte of the form is shown to the log", function()
    local form = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n12345\r\n--B--\r\n"
    local seen = {}
    local parts = uploads.read(stream { form:sub(1, 70), form:sub(71) }, "multipart/form-data; boundary=B",
      function(bytes) seen[#seen + 1] = bytes end)
    assert.are.same({ 5, "12345" }, { parts.f.size, parts.f:text() })
    assert.are.equal(form, table.concat(seen))
  end)

  it("is refused when the form is none", function()
    local function refusal(pieces, kind)
      local parts, refused = uploads.read(stream(pieces), kind, function() end)
      assert.is_nil(parts)
      return refused.status
    end
    assert.are.equal(415, refusal({ "{}" }, "application/json"))
    assert.are.equal(415, refusal({ "{}" }, nil))
    assert.are.equal(400, refusal({ "--B\r\n" }, "multipart/form-data; boundary=B"))
  end)

  it("comes to nothing when the client goes away", function()
    assert.are.same({}, { uploads.read(stream({ "--B" }, "gone"), "multipart/form-data; boundary=B", function() end) })
  end)
end)
