local csventries = require "cloudblue.connect.command.input.csventries"

local function open(bytes)
  local file = assert(io.tmpfile())
  file:write(bytes)
  file:seek "set"
  return csventries.of(file)
end

describe("the entries of a CSV file", function()
  it("have their parts in the columns that the header names, in any order", function()
    local entries = open "external_billing_note,id,external_billing_id\nJanuary,UR-1,B-1\n,UR-2,\n"
    assert.are.same({ "UR-1", "B-1", "January" }, { entries:next() })
    assert.are.same({ "UR-2", nil, nil }, { entries:next() })
    assert.are.same({}, { entries:next() })
    assert.are.same({ external_billing_note = 1, id = 2, external_billing_id = 3 }, entries.columns)
  end)

  it("may lack a billing id and a note", function()
    assert.are.same({ "UR-1", nil, nil }, { open("id\nUR-1\n"):next() })
  end)

  it("leave other columns out, and remember their names, but for those of a report", function()
    local entries = open "customer,id,outcome,message,amount\nc,UR-1,refused,no,7\n"
    assert.are.same({ "customer", "amount" }, entries.ignored)
    assert.are.same({ "UR-1", nil, nil }, { entries:next() })
  end)

  it("know where their parts stand", function()
    local entries = open 'id,external_billing_id\n"UR-1",B-1\n'
    entries:next()
    assert.are.same({ 2, 8 }, { entries:place "external_billing_id" })
    assert.are.same({ 2, 1 }, { entries:place "external_billing_note" })
  end)

  for what, case in pairs {
    ["an empty file"] = { "", "it is empty: CSV begins with a header", 1, 1 },
    ["a header without ids"] = { "ID,bill\n", "the header has no column 'id', only 'ID', 'bill'", 1, 1 },
    ["semicolons"] = {
      "id;external_billing_id\n",
      "the header has no column 'id', only 'id;external_billing_id'; fields are separated by commas", 1, 1,
    },
    ["a column twice"] = { "id,external_billing_id,id\n", "the header has 'id' twice", 1, 24 },
    ["a header that is no CSV"] = { 'id,"x\n', "the quote that begins here is not closed", 1, 4 },
  } do
    it("refuses " .. what, function()
      assert.are.same({ nil, table.unpack(case, 2) }, { open(case[1]) })
    end)
  end

  it("refuses a row of another length than the header", function()
    for _, row in ipairs { "UR-1", "UR-1,B,n" } do
      local entries = open("id,external_billing_id\n" .. row .. "\n")
      local count = select(2, row:gsub(",", "")) + 1
      assert.are.same({ false, ("there are %d fields, and 2 in the header"):format(count), 2, 1 }, { entries:next() })
    end
    assert.are.same({ false, "a quote within a field: write the field in quotes, and \"\" for a quote in it", 2, 2 },
      { open('id\na"b\n'):next() })
  end)
end)
