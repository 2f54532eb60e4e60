local connect = require "cloudblue.connect"
local output = require "cloudblue.connect.command.output"
local folders = require "spec.support.folder"

-- What a form makes of records.
local function printed(options, records)
  local file <close> = assert(io.tmpfile())
  options.file = file
  local printer = output.open(options)
  for _, record in ipairs(records) do assert(printer:add(record)) end
  assert(printer:finish())
  file:seek("set")
  return file:read("a"), printer
end

local RECORD <const> = {
  id = "UR-1", usage = 2.5, tier = 1, status = connect.null, item = { id = "I-1", name = "a, b" }, params = {},
}

describe("JSON of connect-usage", function()
  it("is one line with sorted keys", function()
    assert.are.equal('{"id":"UR-1","item":{"id":"I-1","name":"a, b"},"params":[],"status":null,"tier":1,"usage":2.5}',
      output.json(RECORD))
    assert.are.equal('{"l":[1,"a",{}],"t":true}', output.json { t = true, l = { 1, "a", {} } })
  end)

  it("keeps the value of numbers", function()
    for number, text in pairs {
      [0.1] = "0.1", [123456789012.34] = "123456789012.34", [0.1 + 0.2] = "0.30000000000000004", [1e300] = "1e+300",
      [math.maxinteger] = "9223372036854775807", [-3] = "-3",
    } do
      assert.are.equal(text, output.json(number))
    end
    assert.has_error(function() output.json(0 / 0) end)
  end)

  it("escapes what has to be", function()
    assert.are.equal([["a\"b\\c\nd\te\u001B/é"]], output.json 'a"b\\c\nd\te\27/é')
  end)
end)

describe("CSV of connect-usage", function()
  it("quotes what has to be, and nothing else", function()
    for text, field in pairs {
      ["a"] = "a", [""] = "", ["a b"] = "a b", ["a,b"] = '"a,b"', ['a"b'] = '"a""b"', ["a\nb"] = '"a\nb"',
      ["a\rb"] = '"a\rb"', [" a"] = '" a"', ["a "] = '"a "', ["é;'"] = "é;'",
    } do
      assert.are.equal(field, output.csvField(text))
    end
    assert.are.equal('a,"b,c",\n', output.csvLine { "a", "b,c", "" })
  end)

  it("has a header, and a line for each record; null and what is not there are empty", function()
    assert.are.equal('id,item.name,status,none,tier,item\nUR-1,"a, b",,,1,"{""id"":""I-1"",""name"":""a, b""}"\n',
      (printed({ form = "csv", columns = { "id", "item.name", "status", "none", "tier", "item" } }, { RECORD })))
    assert.are.equal("id\n", (printed({ form = "csv", columns = { "id" } }, {})))
  end)
end)

describe("a table of connect-usage", function()
  it("is aligned", function()
    assert.are.equal("id    name\nUR-1  é\nU     b\n", (printed({ form = "table", columns = { "id", "name" } }, {
      { id = "UR-1", name = "é" }, { id = "U", name = "b" },
    })))
    assert.are.equal("é  b\né  c\n", (printed({ form = "table", columns = { "é", "b" } }, {
      { ["é"] = "é", b = "c" },
    })))
  end)

  it("lets no character through that steers a terminal", function()
    assert.are.equal("id\n\\x1B[2J\\x0Aa\\x7F\n",
      (printed({ form = "table", columns = { "id" } }, { { id = "\27[2J\na\127" } })))
    assert.are.equal("id  \\x1B[2J\n", (printed({ form = "fields" }, { { id = "\27[2J" } })))
  end)

  it("does not keep all rows", function()
    local records = {}
    for index = 1, 1000 do records[index] = { id = index } end
    local text, printer = printed({ form = "table", columns = { "id", "b" } }, records)
    assert.are.equal(1001, select(2, text:gsub("\n", "")))
    assert.is_nil(printer.rows)
    assert.is_truthy(text:find("\n999\n1000\n$"))
  end)
end)

describe("the fields of a record", function()
  it("stand in order, the id first, with an empty line between records", function()
    assert.are.equal([[
id         UR-1
item.id    I-1
item.name  a, b
params     []
status
tier       1
usage      2.5

id  UR-2
]], (printed({ form = "fields" }, { RECORD, { id = "UR-2" } })))
  end)
end)

describe("a printer", function()
  it("says which columns no record had", function()
    local columns = { "id", "statsu", "item.name", "item.x", "status" }
    local _, printer = printed({ form = "csv", columns = columns }, { RECORD })
    assert.are.same({ "statsu", "item.x" }, printer:absent())
    _, printer = printed({ form = "csv", columns = { "x" } }, {})
    assert.are.same({}, printer:absent())
  end)

  it("notices that its file can't be written", function()
    local file <close> = assert(io.open("/dev/full", "w"))
    local printer = output.open { form = "json", file = file }
    printer:add(RECORD)
    assert.are.same({ n = 3, nil, "the output can't be written: No space left on device", 1 },
      table.pack(printer:finish()))
    file:setvbuf("no")
    assert.is_nil((printer:add(RECORD)))
  end)

  it("notices without a word that its reader has gone", function()
    local folder <close> = folders.make()
    local script = folder:write("script.lua", [[
      local printer = require("cloudblue.connect.command.output").open { form = "json" }
      local problem, code, _
      repeat _, problem, code = printer:add { id = ("x"):rep(1000) } until code
      io.stderr:write(tostring(problem), " ", code)]])
    os.execute(("(trap '' PIPE; lua5.4 %s 2>%s | true)"):format(script, folder:path("stderr")))
    assert.are.equal("nil 141", folder:read("stderr"))
  end)
end)
