local Collection = require "cloudblue.connect.sandbox.collection"
local json = require "cloudblue.connect.sandbox.json"
local listing = require "cloudblue.connect.sandbox.listing"

describe("the sandbox's lists", function()
  local collection

  before_each(function()
    local objects = {}
    for number = 1, 1234 do
      objects[number] = {
        id = string.format("C-%04d", number),
        name = number % 2 == 0 and "even" or "odd",
        description = json.null,
      }
    end
    collection = Collection.new(objects)
  end)

  local function get(query)
    local reply = listing.answer({ query = query }, collection, "categories")
    return reply.headers and reply.headers["content-range"], json.decode(reply.json), reply
  end

  it("have 100 entries unless another limit is given", function()
    local range, entries = get("")
    assert.are.same({ "items 0-99/1234", 100, "C-0001" }, { range, #entries, entries[1].id })
  end)

  it("page by limit and offset", function()
    local range, entries = get("limit=10&offset=1230")
    assert.are.same({ "items 1230-1233/1234", 4, "C-1231" }, { range, #entries, entries[1].id })
  end)

  it("have at most 1000 entries", function()
    local range, entries = get("limit=100000")
    assert.are.same({ "items 0-999/1234", 1000 }, { range, #entries })
  end)

  it("tell the total alone when no entry is asked for", function()
    local range, _, reply = get("limit=0&offset=7")
    assert.are.same({ "items 0-0/1234", "[]" }, { range, reply.json })
  end)

  it("are empty after the end", function()
    local range, _, reply = get("offset=1234")
    assert.are.same({ "items 1234-1234/1234", "[]" }, { range, reply.json })
  end)

  it("count what the filter lets through", function()
    local range, entries = get("name=even&limit=2&offset=1")
    assert.are.same({ "items 1-2/617", "C-0004", "C-0006" }, { range, entries[1].id, entries[2].id })
  end)

  it("order before they page", function()
    local range, entries = get("ordering(name,-id)&limit=1&offset=617")
    assert.are.same({ "items 617-617/1234", "C-1233" }, { range, entries[1].id })
  end)

  it("leave out what select takes out, and add nothing", function()
    local _, entries = get("select(-name,+id)&limit=1")
    assert.are.same({ id = "C-0001", description = json.null }, entries[1])
    assert.are.equal("odd", collection:get("C-0001").name)
  end)

  it("undo percent-encoding before anything else", function()
    local range = get("in%28id%2C%28C-0001%2C%22C-0002%22%29%29&limit=1")
    assert.are.equal("items 0-0/2", range)
  end)

  it("refuse a query that they don't understand", function()
    local problems = {
      ["nosuch=1"] = "there is no field 'nosuch' here",
      ["limit=-1"] = "limit must be an integer that is not negative",
      ["offset=x"] = "offset must be an integer that is not negative",
      ["gt(limit,1)"] = "limit must be an integer that is not negative",
      ["ordering(nosuch)"] = "there is no field 'nosuch' here",
      ["select(-nosuch)"] = "there is no field 'nosuch' here",
      ["ordering(id)&ordering(name)"] = "ordering stands there twice",
      ["name"] = "'=' expected at character 5, found the end",
    }
    for query, problem in pairs(problems) do
      local _, body, reply = get(query)
      assert.are.same({ query, 400, { error_code = "RQL_001", errors = { "Bad filter: " .. problem } } },
        { query, reply.status, body })
    end
  end)
end)
