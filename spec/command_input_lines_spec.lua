local lines = require "cloudblue.connect.command.input.lines"

-- A file with these bytes.
local function fileOf(bytes)
  local file = assert(io.tmpfile())
  assert(file:write(bytes))
  file:seek "set"
  return file
end

-- All lines, each with its number; and how it ended: problem, line, column.
local function read(bytes)
  local list, nextLine = {}, lines.of(fileOf(bytes))
  while true do
    local line, number, problem, column = nextLine()
    if not line then return list, problem, problem and number, column end
    assert.are.equal(#list + 1, number)
    list[#list + 1] = line
  end
end

describe("the lines of a file", function()
  it("are read with their ends, the last one also without", function()
    assert.are.same({ "a\n", "\n", "b\r\n", "c" }, (read "a\n\nb\r\nc"))
    assert.are.same({}, (read ""))
    assert.are.same({ "a\n" }, (read "a\n"))
  end)

  it("do not depend on how the file is read, block by block", function()
    local long = ("x"):rep(70000)
    local text = ("%s\n%sy\n"):format(long, long):rep(3)
    assert.are.equal(text, table.concat((read(text))))
    assert.are.equal(6, #read(text))
  end)

  it("begin behind a mark of UTF-8", function()
    assert.are.same({ "id\n", "a\n" }, (read "\xEF\xBB\xBFid\na\n"))
    assert.are.same({}, (read "\xEF\xBB\xBF"))
    assert.are.same({ "a\n", "\xEF\xBB\xBFb\n" }, (read "a\n\xEF\xBB\xBFb\n"))
  end)

  it("are UTF-8", function()
    assert.are.same({ { "é\n" }, "this is no UTF-8: save the file as UTF-8", 2, 3 }, { read "é\n\u{20AC}a\xE9\n" })
    assert.are.same({ {}, "this is UTF-16: save it as UTF-8", 1, 1 }, { read "\xFF\xFEi\0d\0" })
    assert.are.same({ {}, "this is UTF-16: save it as UTF-8", 1, 1 }, { read "\xFE\xFF\0i\0d" })
  end)

  it("are bounded: what is no text does not fill the memory", function()
    local list, problem, number, column = read("a\n" .. ("x"):rep(3000000) .. "\n")
    assert.are.same({ { "a\n" }, "this line has more than 1048576 bytes", 2, 1 }, { list, problem, number, column })
  end)

  it("end with the problem of a file that can't be read", function()
    local nextLine = lines.of(assert(io.open "."))
    assert.are.same({ nil, 1, "Is a directory", 1 }, { nextLine() })
  end)

  it("have columns as editors count them: in characters", function()
    assert.are.equal(4, lines.column("é\u{20AC},b", 7))
    assert.are.equal(3, lines.column("\xFF,b", 3))
    assert.are.equal(2, lines.column("é\xFF", 3))
  end)
end)
