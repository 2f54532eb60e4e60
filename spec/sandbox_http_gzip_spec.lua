local gzip = require "cloudblue.connect.sandbox.http.gzip"

--- What the gzip program makes of bytes.
local function unpacked(bytes)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  local pipe = assert(io.popen("gzip -dc < " .. path .. " 2>&1"))
  local text = pipe:read("a")
  local ok = pipe:close()
  os.remove(path)
  return text, ok == true
end

describe("the sandbox's gzip", function()
  it("packs what gzip unpacks", function()
    for _, bytes in ipairs { "", "x", "{\"id\":\"\0\255\"}", ("0123456789abcdef"):rep(20000), ("y"):rep(65535) } do
      assert.are.same({ bytes, true }, { unpacked(gzip.pack(bytes)) })
    end
  end)

  it("packs so that a missing end is seen", function()
    local packed = gzip.pack("a reply")
    for _, missing in ipairs { 1, 8, 9, #packed // 2 } do
      assert.is_false(select(2, unpacked(packed:sub(1, -missing - 1))))
    end
  end)
end)
