local csv = require "cloudblue.connect.command.input.csv"

local function rowsOf(bytes)
  local file = assert(io.tmpfile())
  file:write(bytes)
  file:seek "set"
  return csv.rows(file)
end

-- All rows, and the problem at the end with its line and column.
local function read(bytes)
  local rows, list = rowsOf(bytes), {}
  while true do
    local fields, problem, line, column = rows:next()
    if not fields then return list, problem, line, column end
    list[#list + 1] = fields
  end
end

describe("CSV", function()
  it("is rows of fields, separated by commas", function()
    assert.are.same({ { "a", "b", "c" }, { "d", "", "f" }, { "", "", "" }, { "g" } }, (read "a,b,c\nd,,f\n,,\ng"))
  end)

  it("has fields over several lines, wherever they begin", function()
    local list = read("a\n" .. ("b\n"):rep(2000) .. '"c\n\nd"\n')
    assert.are.same({ 2002, { "c\n\nd" } }, { #list, list[2002] })
  end)

  it("has lines that end with CR LF or LF, the last one also with neither", function()
    assert.are.same({ { "a", "b" }, { "c", "d" } }, (read "a,b\r\nc,d"))
    assert.are.same({ { "a", "b" }, { "c", "d" } }, (read "a,b\r\nc,d\n"))
  end)

  it("has fields in quotes, with commas, quotes and line breaks in them", function()
    assert.are.same({ { "a,b", 'say "no"', "", "x\r\ny\n", "z" }, { "e", "f" } },
      (read '"a,b","say ""no""","","x\r\ny\n",z\r\n"e",f\n'))
    assert.are.same({ { '"' }, { '""' }, { '"a' } }, (read '""""\n""""""\n"""a"\n'))
    assert.are.same({ { "a", "" }, { "", "b" } }, (read '"a",\n,"b"'))
  end)

  it("may have empty lines, which say nothing", function()
    assert.are.same({ { "a" }, { "b" } }, (read "\n\na\r\n\r\nb\n\n"))
  end)

  it("has a line and a column for each field", function()
    local rows = rowsOf 'é,b,c\n\n"x\ny",é\u{20AC},"z",d\n'
    rows:next()
    assert.are.same({ 1, 1, 1, 3, 1, 5 }, {
      rows:place(1), select(2, rows:place(1)), rows:place(2), select(2, rows:place(2)), rows:place(3),
      select(2, rows:place(3)),
    })
    rows:next()
    local places = {}
    for index = 1, 4 do places[index] = table.concat({ rows:place(index) }, ":") end
    assert.are.same({ "3:1", "4:4", "4:7", "4:11" }, places)
  end)

  it("takes a wide line in one go", function()
    local start = os.clock()
    for text, count in pairs {
      ['"a",' .. ("b,"):rep(100000) .. '"c"\r\n'] = 100002, [('"é",'):rep(40000) .. "\n"] = 40001,
      [('"",'):rep(60000) .. '"' .. ('""'):rep(40000) .. '"'] = 60001,
    } do
      local rows = rowsOf(text)
      local fields = assert(rows:next())
      assert.are.equal(count, #fields)
      assert.are.equal(1, (rows:place(count)))
    end
    assert.is_true(os.clock() - start < 5)
  end)

  for what, case in pairs {
    ["a quote that is not closed"] = { 'a\nb,"c\n', "the quote that begins here is not closed", 2, 3 },
    ["a quote that is closed a thousand lines on"] = {
      'a\n"' .. ("\n"):rep(1002) .. '"\n', "the quote that begins here is not closed", 2, 1,
    },
    ["text behind a closing quote"] = { 'a\n"b"c,d\n', "text behind a closing quote", 2, 4 },
    ["a quote within a field"] = {
      'a\nx,b"c"\n', 'a quote within a field: write the field in quotes, and "" for a quote in it', 2, 4,
    },
    ["a carriage return alone"] = {
      "a\nb,c\rd\n", "a carriage return without a line feed: lines end with CRLF or LF", 2, 4,
    },
    ["a carriage return alone, beside quotes"] = {
      'a\n"b",c\rd\n', "a carriage return without a line feed: lines end with CRLF or LF", 2, 6,
    },
    ["what is no UTF-8"] = { "a\nb,\xE9\n", "this is no UTF-8: save the file as UTF-8", 2, 3 },
  } do
    it("refuses " .. what .. " by its place", function()
      local list, problem, line, column = read(case[1])
      assert.are.same({ { { "a" } }, table.unpack(case, 2) }, { list, problem, line, column })
    end)
  end

  it("is read back as it was written, whatever the fields", function()
    local output = require "cloudblue.connect.command.output"
    local alphabet = { "a", "é", ",", '"', "\n", "\r\n", " ", "" }
    math.randomseed(7)
    for _ = 1, 2000 do
      local fields = { "x" }
      for index = 2, math.random(4) do
        local text = {}
        for _ = 1, math.random(0, 6) do text[#text + 1] = alphabet[math.random(#alphabet)] end
        fields[index] = table.concat(text)
      end
      local line = output.csvLine(fields)
      assert.are.same({ { fields }, nil }, { read(line) }, line)
    end
  end)
end)
