local content = require "cloudblue.connect.sandbox.http.content"

local function whole(body)
  local pieces = {}
  for piece in body.each() do
    pieces[#pieces + 1] = piece
  end
  return table.concat(pieces)
end

describe("the sandbox's generated files", function()
  it("have exactly the size that is wanted", function()
    for _, length in ipairs { 0, 1, 3, 4, 5, 65535, 65536, 65537, 200000 } do
      local body = content.generated("UFC-1", length)
      assert.are.same({ length, length }, { body.length, #whole(body) })
    end
  end)

  it("are the same for the same name and others for another", function()
    local first = whole(content.generated("UFC-1", 1000))
    assert.are.equal(first, whole(content.generated("UFC-1", 1000)))
    assert.are_not.equal(first, whole(content.generated("UFC-2", 1000)))
  end)

  it("start like a ZIP archive and hold every value of a byte", function()
    local bytes = whole(content.generated("UFC-1", 65536))
    assert.are.equal("PK\3\4", bytes:sub(1, 4))
    for value = 0, 255 do
      assert.is_truthy(bytes:find(string.char(value), 1, true), value)
    end
  end)

  it("have their digest written in hexadecimal", function()
    assert.are.equal("00ff0a", content.hex("\0\255\n"))
  end)
end)
