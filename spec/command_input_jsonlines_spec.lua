local jsonlines = require "cloudblue.connect.command.input.jsonlines"

local function open(bytes)
  local file = assert(io.tmpfile())
  file:write(bytes)
  file:seek "set"
  return jsonlines.of(file)
end

describe("JSON Lines", function()
  it("are an entry a line", function()
    local entries = open '{"id": "UR-1", "external_billing_id": "B-1", "external_billing_note": "n"}\r\n\n{"id":"UR-2"}'
    assert.are.same({ "UR-1", "B-1", "n" }, { entries:next() })
    assert.are.same({ "UR-2", nil, nil }, { entries:next() })
    assert.are.same({}, { entries:next() })
  end)

  it("take null, and empty text, for nothing", function()
    local entries = open '{"id":"UR-1","external_billing_id":null,"external_billing_note":""}\n'
    assert.are.same({ "UR-1", nil, nil }, { entries:next() })
  end)

  it("leave other keys out, and remember their names, but for those of a report", function()
    local entries = open '{"id":"UR-1","amount":7,"outcome":"refused"}\n{"id":"UR-2","amount":8,"customer":{"id":1}}\n'
    entries:next()
    entries:next()
    assert.are.same({ "amount", "customer" }, entries.ignored)
  end)

  it("know where their parts stand", function()
    local entries = open '\n  {"id":"é", "external_billing_id" : "B"}\n'
    entries:next()
    assert.are.same({ 2, 14 }, { entries:place "external_billing_id" })
    assert.are.same({ 2, 3 }, { entries:place "external_billing_note" })
  end)

  for text, case in pairs {
    ['{"id":"UR-1"'] = { "Expected comma or object end but found T_END", 2, 13 },
    ['{"é":"é","id":x}'] = { "Expected value but found invalid token", 2, 15 },
    ['{"id":é}'] = { "Expected value but found invalid token", 2, 7 },
    ['{"id":"a"} x'] = { "Expected the end but found invalid token", 2, 12 },
    ['["UR-1"]'] = { "each line must be a JSON object", 2, 1 },
    ['  "UR-1"'] = { "each line must be a JSON object", 2, 3 },
    ['{"external_billing_id":"B"}'] = { "the object has no id", 2, 1 },
    ['{"id":""}'] = { "the object has no id", 2, 1 },
    ['{"id":"UR-1","external_billing_id":77}'] = {
      "external_billing_id must be text in quotes, not a number", 2, 14,
    },
    ['{"id":"UR-1","external_billing_note":["x"]}'] = {
      "external_billing_note must be text in quotes, not a table", 2, 14,
    },
    ["{\"id\":\"\xE9\"}"] = { "this is no UTF-8: save the file as UTF-8", 2, 8 },
  } do
    it("refuse " .. text:gsub("\xE9", "?") .. " by its place", function()
      local entries = open('{"id":"UR-0"}\n' .. text .. "\n")
      entries:next()
      assert.are.same({ false, table.unpack(case) }, { entries:next() })
    end)
  end
end)
