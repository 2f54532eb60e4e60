-- The entries of a batch: what is wrong with one, how they are sent, and which reply says that all of them are closed.

local cjson = require("cjson").new()
local core = require "cloudblue.connect.core"
local service = require "spec.support.service"

local reply = service.reply

local function closed(...)
  local list = {}
  for index, id in ipairs { ... } do
    list[index] = ('{"id":"%s","status":"closed","error_codes":"","error_details":null}'):format(id)
  end
  return "[" .. table.concat(list, ",") .. "]"
end

local ENTRIES = { { id = "UR-1", external_billing_id = "B-1" }, { id = "UR-2" } }

-- What closeBatch returns for the entries when the service answers so.
local function answered(text, entries)
  local s <close> = service.answering(reply(206, text))
  return core.closeBatch(s.records, entries or ENTRIES)
end

describe("an entry", function()
  it("is right with an id, a billing id and a note, the last two optional", function()
    for _, entry in ipairs {
      { id = "UR-1" }, { id = "UR-1", external_billing_id = "B", external_billing_note = "" },
      { id = "UR-1", more = 7 },
      setmetatable({}, { __index = { id = "UR-1" } }),
    } do
      assert.is_nil(core.problemOfEntry(entry))
    end
  end)

  it("is wrong where one of them is, and says which", function()
    for _, case in ipairs {
      { 7, "must be a table, got number" },
      { {}, "id must be a string, got nil" },
      { { id = 7 }, "id must be a string, got number" },
      { { id = "a/b" }, "id .*'/'" },
      { { id = "UR-1", external_billing_id = "" }, "external_billing_id is empty; pass nil to close without one" },
      { { id = "UR-1", external_billing_note = "\xff" }, "external_billing_note is not UTF%-8" },
      { { id = "UR-1", external_billing_note = false }, "external_billing_note must be a string, got boolean" },
    } do
      assert.matches(case[2], core.problemOfEntry(case[1]))
    end
  end)
end)

describe("entries", function()
  it("are sent as a list, as JSON, without the fields that they do not have", function()
    local s <close> = service.answering(reply(206, closed("UR-1", "UR-2", "UR-3")))
    local entries = {
      { id = "UR-1", external_billing_id = 'B"\\1/é', external_billing_note = "two\nlines\0" },
      { id = "UR-2", more = 7 }, { id = "UR-3", external_billing_note = "" },
    }
    assert.is_true(core.closeBatch(s.records, entries))
    local request = s:requests()[1]
    assert.matches("^POST /public/v1/usage/records/close%-records HTTP", request.head)
    assert.same({
      { id = "UR-1", external_billing_id = 'B"\\1/é', external_billing_note = "two\nlines\0" },
      { id = "UR-2" }, { id = "UR-3", external_billing_note = "" },
    }, cjson.decode(request.body))
  end)

  it("are sent whole where there are many", function()
    local entries, ids = {}, {}
    for number = 1, 3000 do
      ids[number] = ("UR-%06d"):format(number)
      entries[number] = { id = ids[number], external_billing_id = "RUN-" .. number }
    end
    local s <close> = service.answering(reply(206, closed(table.unpack(ids))))
    assert.is_true(core.closeBatch(s.records, entries))
    assert.same(entries, cjson.decode(s:requests()[1].body))
  end)

  it("are all closed where the reply says so of each, in their order", function()
    assert.is_true(answered(closed("UR-1", "UR-2")))
    assert.is_true(answered(' [ {"status":"closed", "id":"UR-1"} , {"id":"UR-2","status":"closed","x":[{}]} ] '))
  end)

  -- Each of these is left to the caller to read: nothing is taken for closed that is not said to be.
  for what, text in pairs {
    ["in another order"] = closed("UR-2", "UR-1"),
    ["without one of them"] = closed("UR-1"),
    ["with one too many"] = closed("UR-1", "UR-2", "UR-3"),
    ["with one twice"] = closed("UR-1", "UR-1"),
    ["with an id in other letters"] = closed("UR-1", "ur-2"),
    ["with another status"] = '[{"id":"UR-1","status":"closed"},{"id":"UR-2","status":"approved"}]',
    ["without a status"] = '[{"id":"UR-1","status":"closed"},{"id":"UR-2"}]',
    ["with an error"] = '[{"id":"UR-1","status":"closed"},{"id":"UR-2","status":"closed","error_codes":"REC_001"}]',
    ["with details of an error"] =
      '[{"id":"UR-1","status":"closed","error_details":"no"},{"id":"UR-2","status":"closed"}]',
    ["with a list of errors"] = '[{"id":"UR-1","status":"closed","error_codes":[]},{"id":"UR-2","status":"closed"}]',
    ["with the status that comes last"] =
      '[{"id":"UR-1","status":"closed","status":"valid"},{"id":"UR-2","status":"closed"}]',
    ["with escaped characters"] = '[{"id":"UR-1","status":"closed"},{"id":"UR-\\u0032","status":"closed"}]',
    ["of nothing"] = "[]",
  } do
    it("are left to the caller where the reply comes " .. what, function()
      local value, answer = answered(text)
      assert.same(cjson.decode(text), value)
      assert.equal(206, answer.status)
    end)
  end

  it("are none at all to an empty list", function()
    assert.is_true(answered("[]", {}))
  end)

  it("may be taken away while the request is in flight: the reply is then left to the caller", function()
    local entries = { { id = "UR-1" }, { id = "UR-2" } }
    local s <close> = service.answering(reply(206, closed("UR-1", "UR-2")))
    s.client:addBeforeRequestHook(function() entries[2].id = nil end)
    assert.equal("table", type(core.closeBatch(s.records, entries)))
  end)
end)
