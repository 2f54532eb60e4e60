local Collection = require "cloudblue.connect.sandbox.data.collection"
local json = require "cloudblue.connect.sandbox.json"
local listing = require "cloudblue.connect.sandbox.api.listing"
local options = require "cloudblue.connect.sandbox.options"
local Store = require "cloudblue.connect.sandbox.data.store"

describe("the sandbox's lists", function()
  local collection, store

  local function start(given)
    store = Store.new(assert(options.complete(given or { records = 0 })))
  end

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
    start()
  end)

  local function get(query)
    local reply = listing.answer(store, { query = query }, collection, "categories")
    return reply.headers and reply.headers["content-range"], json.decode(reply.json), reply
  end

  local function ids(query)
    local _, entries = get(query)
    for number, entry in ipairs(entries) do
      entries[number] = entry.id
    end
    return entries
  end

  it("have 100 entries unless another limit is given", function()
    local range, entries = get("")
    assert.are.same({ "items 0-99/1234", 100, "C-0001" }, { range, #entries, entries[1].id })
  end)

  it("page by limit and offset", function()
    local range, entries = get("limit=10&offset=1230")
    assert.are.same({ "items 1230-1233/1234", 4, "C-1231" }, { range, #entries, entries[1].id })
  end)

  it("have at most 1000 entries: a larger limit is cut to that", function()
    local range, entries = get("limit=100000")
    assert.are.same({ "items 0-999/1234", 1000 }, { range, #entries })
  end)

  it("tell the total alone when no entry is asked for", function()
    local range, _, reply = get("limit=0&offset=7")
    assert.are.same({ "items 0-0/1234", "[]" }, { range, reply.json })
  end)

  it("are empty after the end, and say twice where they begin", function()
    for _, offset in ipairs { 1234, 1235, 99999 } do
      local range, _, reply = get("offset=" .. offset)
      assert.are.same({ string.format("items %d-%d/1234", offset, offset), "[]" }, { range, reply.json })
    end
    local range, _, reply = get("name=none&offset=3")
    assert.are.same({ "items 3-3/0", "[]" }, { range, reply.json })
  end)

  it("count what the filter lets through", function()
    local range, entries = get("name=even&limit=2&offset=1")
    assert.are.same({ "items 1-2/617", "C-0004", "C-0006" }, { range, entries[1].id, entries[2].id })
  end)

  it("order before they page", function()
    local range, entries = get("ordering(-name)&limit=1&offset=617")
    assert.are.same({ "items 617-617/1234", "even" }, { range, entries[1].name })
  end)

  it("have equals in another order each time, and the same orders in each run", function()
    local first, second = ids("ordering(name)&limit=1000"), ids("ordering(name)&limit=1000")
    assert.are_not.same(first, second)
    start()
    assert.are.same({ first, second }, { ids("ordering(name)&limit=1000"), ids("ordering(name)&limit=1000") })
    start { records = 0, seed = 2 }
    assert.are_not.same(first, ids("ordering(name)&limit=1000"))
    table.sort(first)
    assert.are.equal(617, #ids("name=even&limit=1000"))
  end)

  it("keep an order of their own without an ordering, unless that is shuffled, too", function()
    assert.are.same(ids("limit=1000"), ids("limit=1000"))
    start { records = 0, shuffleLists = true }
    assert.are_not.same(ids("limit=1000"), ids("limit=1000"))
    assert.are.equal("items 0-99/1234", (get("")))
    assert.are.equal("items 0-99/617", (get("name=even")))
  end)

  it("leave out what select takes out, and add nothing", function()
    local _, entries = get("select(-name,+id)&limit=1")
    assert.are.same({ id = "C-0001", description = json.null }, entries[1])
    assert.are.equal("odd", collection:get("C-0001").name)
  end)

  it("refuse a query that they don't understand, with the API's error object", function()
    for query, problem in pairs {
      ["nosuch=1"] = "there is no filter 'nosuch' here",
      ["description=x"] = "there is no filter 'description' here",
      ["ordering(id)"] = "there is no ordering by 'id' here",
      ["select(-description)"] = "there is no select of 'description' here",
      ["name"] = "'=' expected at character 5, found the end",
    } do
      local _, body, reply = get(query)
      assert.are.same({ query, 400, { error_code = "RQL_001", errors = { "Bad filter: " .. problem } } },
        { query, reply.status, body })
    end
  end)

  it("leave out a filter that they don't know where that is wanted, but no ordering and no select", function()
    start { records = 0, strictFilters = false }
    assert.are.equal("items 0-99/1234", (get("nosuch=1")))
    assert.are.equal("items 0-99/617", (get("nosuch=1&name=odd")))
    for _, query in ipairs { "ordering(nosuch)", "select(-nosuch)" } do
      local _, _, reply = get(query)
      assert.are.equal(400, reply.status)
    end
  end)
end)
