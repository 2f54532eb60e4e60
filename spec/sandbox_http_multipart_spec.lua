local multipart = require "cloudblue.connect.sandbox.http.multipart"

--- Reads a form in pieces of a size.
local function read(body, size, boundary)
  local parts = {}
  local parser = multipart.new(boundary or "B", function(part)
    part.bytes = ""
    parts[#parts + 1] = part
    return function(bytes)
      part.bytes = part.bytes .. bytes
    end
  end)
  for first = 1, #body, size do
    local ok, problem = parser:feed(body:sub(first, first + size - 1))
    if not ok then
      return nil, problem
    end
  end
  local ok, problem = parser:finish()
  return ok and parts, problem
end

describe("the sandbox's form reader", function()
  local HEAD = "Content-Disposition: form-data; name=\"a\"; filename=\"x.xlsx\"\r\nContent-Type: text/csv\r\n\r\n"

  it("finds the boundary in a Content-Type", function()
    assert.are.equal("abc", multipart.boundary("multipart/form-data; boundary=abc"))
    assert.are.equal("a b", multipart.boundary("Multipart/Form-Data; charset=x; Boundary=\"a b\""))
    for _, other in ipairs { "application/json", "multipart/mixed; boundary=a", "multipart/form-data", "",
      "multipart/form-data; boundary=" .. ("x"):rep(71) } do
      assert.is_nil(multipart.boundary(other))
    end
    assert.is_nil(multipart.boundary(nil))
  end)

  it("gives the same bytes however the form is cut", function()
    local bytes = {}
    for value = 0, 255 do
      bytes[value + 1] = string.char(value)
    end
    local tricky = table.concat(bytes) .. "\r\n--A\r\n-\r\n--\r\n--" .. "\r\n"
    local second = "\r\n--B\r\nContent-Disposition: form-data; name=n\r\n\r\nv\r\n--B--\r\n"
    local body = "--B\r\n" .. HEAD .. tricky .. second
    for _, size in ipairs { 1, 2, 3, 7, 64, 100000 } do
      local parts = assert(read(body, size))
      assert.are.equal(2, #parts)
      assert.are.same({ "a", "x.xlsx", "text/csv" }, { parts[1].name, parts[1].filename, parts[1].type })
      assert.are.equal(tricky, parts[1].bytes)
      assert.are.same({ "n", "v", "text/plain" }, { parts[2].name, parts[2].bytes, parts[2].type })
    end
  end)

  it("reads empty parts, and a form without any", function()
    for _, size in ipairs { 1, 1000 } do
      assert.are.equal("", read("--B\r\n" .. HEAD .. "\r\n--B--", size)[1].bytes)
      assert.are.same({}, read("--B--\r\n", size))
    end
  end)

  it("ignores what stands before the first boundary and after the last", function()
    local parts = read("before\r\n--B \t\r\n" .. HEAD .. "x\r\n--B--after\r\n--B\r\n", 1)
    assert.are.same({ 1, "x" }, { #parts, parts[1].bytes })
  end)

  it("reads names with quotes, escaped in either way", function()
    for _, name in ipairs { "a \\\"b\\\".xlsx", "a %22b%22.xlsx" } do
      local body = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"" .. name .. "\"\r\n\r\nx\r\n--B--"
      assert.are.equal("a \"b\".xlsx", read(body, 1000)[1].filename)
    end
  end)

  it("refuses a form that is cut off or broken", function()
    assert.are.same({ nil, "the last boundary is missing" }, { read("--B\r\n" .. HEAD .. "x", 1000) })
    assert.are.same({ nil, "the last boundary is missing" }, { read("--B\r\n" .. HEAD .. "x\r\n--B\r\n", 1000) })
    assert.are.same({ nil, "the last boundary is missing" }, { read("no form", 1000) })
    assert.are.same({ nil, "a part has no name" }, { read("--B\r\nContent-Type: a/b\r\n\r\nx\r\n--B--", 1000) })
    assert.are.same({ nil, "a part has no name" }, { read("--B\r\n\r\nx\r\n--B--", 1000) })
    assert.are.same({ nil, "the head of a part is too long" }, { read("--B\r\n" .. ("h"):rep(20000), 1000) })
    assert.are.same({ nil, "a boundary is not followed by a line end" }, { read("--Bx" .. ("y"):rep(100), 1000) })
  end)
end)
