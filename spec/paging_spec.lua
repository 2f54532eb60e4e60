local paging = require "cloudblue.connect.paging"
local rql = require "cloudblue.connect.rql"
local reader = require "spec.support.rqlreader"

--- A resource whose searches are answered by `answer(limit, offset)`: a list and its Content-Range, or nil and a
--- failure. The queries that were asked stand in its list `asked`.
local function resourceOf(answer)
  local resource = { baseUri = "/usage/records", client = { endpoint = "https://h/public/v1/" }, asked = {} }
  function resource.search(self, query)
    assert(self == resource)
    query = reader.decode(query)
    resource.asked[#resource.asked + 1] = query
    local limit = tonumber(query:match("limit=(%d+)"))
    local list, range = answer(limit, tonumber(query:match("offset=(%d+)") or 0))
    if not list then return nil, range end
    return list, { status = 200, attempts = 3, headers = { ["content-range"] = range } }
  end
  return resource
end

local function entry(number) return { id = ("UR-%04d"):format(number) } end

local function slice(all, limit, offset)
  return table.move(all, offset + 1, math.min(offset + limit, #all), 1, {})
end

--- As Connect answers: an empty page's range names its offset twice.
local function rangeOf(page, offset, total)
  return ("items %d-%d/%d"):format(offset, offset + math.max(#page - 1, 0), total)
end

--- A service with so many entries, which may be taken out of its list `entries`.
local function connect(count, cap)
  local resource
  local all = {}
  for number = 1, count do all[number] = entry(number) end
  resource = resourceOf(function(limit, offset)
    local page = slice(all, math.min(limit, cap or 1000), offset)
    return page, rangeOf(page, offset, #all)
  end)
  resource.entries = all
  return resource
end

--- As `connect`, with entries that all tie: they come in another order on each request, the same ones in each run.
local function tied(count)
  local state = 20260101
  local resource = connect(count)
  local search = resource.search
  function resource.search(...)
    local all = resource.entries
    for index = #all, 2, -1 do
      state = (state * 1103515245 + 12345) % 0x80000000
      local other = state // 65536 % index + 1
      all[index], all[other] = all[other], all[index]
    end
    return search(...)
  end
  return resource
end

--- A service that sends no Content-Range.
local function silent(count)
  local all = {}
  for number = 1, count do all[number] = entry(number) end
  return resourceOf(function(limit, offset) return slice(all, limit, offset) end)
end

local function ids(iterator)
  local list = {}
  for found in iterator do list[#list + 1] = found.id end
  return list
end

local function numbered(first, last, step)
  local list = {}
  for number = first, last, step or 1 do list[#list + 1] = entry(number).id end
  return list
end

local function take(all, id)
  for index, found in ipairs(all) do
    if found.id == id then return table.remove(all, index) end
  end
end

local function raised(work, ...)
  local done, failure = pcall(work, ...)
  assert.is_false(done)
  return failure
end

describe("paging.readContentRange", function()
  local function read(header) return { paging.readContentRange(header) } end

  it("gives the total and the places of the page's first and last entry", function()
    assert.same({ 1234, 0, 99 }, read "items 0-99/1234")
    assert.same({ 1234, 1200, 1233 }, read "  items  1200-1233/1234 ")
    assert.same({ 0, 0, 0 }, read "items 0-0/0")
    assert.same({ 999999999999999, 1, 2 }, read "records 1-2/999999999999999")
    assert.same({ nil, 123456789012345, 123456789012345 }, read "items 123456789012345-123456789012345/*")
    assert.same({ 9, 0, 8 }, read("items" .. (" "):rep(80 - #"items0-8/9") .. "0-8/9"))
    assert.equal("integer", math.type(paging.readContentRange "items 0-99/1234"))
  end)

  it("knows what the service leaves open", function()
    assert.same({ 0 }, read "items */0")
    assert.same({ nil, 0, 99 }, read "items 0-99/*")
    assert.same({}, read "items */*")
  end)

  it("takes nonsense for an absent header", function()
    for _, header in ipairs {
      "", "*", "items", "items 0-99", "items /5", "items -/5", "items 5/5", "items 0-/5", "0-99/1234", "items 9-0/10",
      "items 0-9/1 0", "items 0-9/-1", "items 0-9/1*", "items *-9/10", "items 0-9-10/11", "items 0x1-2/3",
      "items 0-9/1234567890123456", "items 1234567890123456-1234567890123457/5", "items 0.5-9/10", "items ²-9/10",
      "items 0-99/1234, items 0-99/1234", "items 0-1234567890123456/*",
      "items" .. (" "):rep(81 - #"items0-8/9") .. "0-8/9",
    } do
      assert.same({}, read(header), header)
    end
    assert.same({}, read(nil))
    assert.same({}, read { "items 0-99/1234" })
  end)
end)

describe("paging.all", function()
  it("walks every entry of every page, a hundred at a time", function()
    local resource = connect(250)
    assert.same(numbered(1, 250), ids(paging.all(resource)))
    assert.same({ "limit=100&offset=0", "limit=100&offset=100", "limit=100&offset=200" }, resource.asked)
  end)

  it("asks for nothing after a last page that is full", function()
    local resource = connect(200)
    assert.same(numbered(1, 200), ids(paging.all(resource)))
    assert.equal(2, #resource.asked)
  end)

  it("gives nothing where nothing matches, and goes on giving nothing", function()
    local resource = connect(0)
    local iterator = paging.all(resource)
    assert.is_nil(iterator())
    assert.is_nil(iterator())
    assert.equal(1, #resource.asked)
  end)

  it("asks for no page before its first entry is wanted", function()
    local resource = connect(4)
    local iterator = paging.all(resource, nil, { limit = 2 })
    assert.equal(0, #resource.asked)
    iterator()
    iterator()
    assert.equal(1, #resource.asked)
    iterator()
    assert.equal(2, #resource.asked)
  end)

  it("takes filters of every form, with ordering and select", function()
    local filters = {
      [{ status = "approved" }] = "ordering(-a)&select(-b)&status=approved&limit=100&offset=0",
      [rql.R.status:eq "x"] = "eq(status,x)&ordering(-a)&select(-b)&limit=100&offset=0",
      ["status=x"] = "status=x&ordering(-a)&select(-b)&limit=100&offset=0",
    }
    for filter, query in pairs(filters) do
      local resource = connect(1)
      ids(paging.all(resource, filter, { ordering = "-a", select = "-b" }))
      table.sort(resource.asked)
      local function terms(text)
        local list = {}
        for term in text:gmatch("[^&]+") do list[#list + 1] = term end
        table.sort(list)
        return list
      end
      assert.same(terms(query), terms(resource.asked[1]))
    end
  end)

  it("takes the size of a page and where to start from the options or the filter", function()
    local resource = connect(10)
    assert.same(numbered(4, 10), ids(paging.all(resource, {}, { limit = 5, offset = 3 })))
    assert.same(numbered(4, 10), ids(paging.all(resource, { limit = 5, offset = 3 })))
    assert.same({ "limit=5&offset=3", "limit=5&offset=8", "limit=5&offset=3", "limit=5&offset=8" }, resource.asked)
    assert.same(numbered(1, 10), ids(paging.all(connect(10), {}, { limit = 1 })))
  end)

  it("goes on behind what came where the service's pages are smaller than asked for", function()
    local resource = connect(25, 10)
    assert.same(numbered(1, 25), ids(paging.all(resource, {}, { limit = 1000 })))
    assert.same({ "limit=1000&offset=0", "limit=1000&offset=10", "limit=1000&offset=20" }, resource.asked)
  end)

  it("follows a total that changes on the way", function()
    local resource = connect(5)
    local iterator = paging.all(resource, {}, { limit = 2 })
    iterator()
    resource.entries[6], resource.entries[7] = entry(6), entry(7)
    assert.same(numbered(2, 7), ids(iterator))

    resource = connect(9)
    iterator = paging.all(resource, {}, { limit = 3 })
    iterator()
    for _ = 1, 5 do table.remove(resource.entries) end
    assert.same(numbered(2, 4), ids(iterator))
  end)

  it("ends where the list has become shorter than what was read", function()
    local resource = connect(9)
    local iterator = paging.all(resource, {}, { limit = 3 })
    iterator()
    for _ = 1, 8 do table.remove(resource.entries) end
    assert.same(numbered(2, 3), ids(iterator))
  end)

  it("ends where it starts behind the last match, wherever the service says that is", function()
    local resource = resourceOf(function() return {}, "items 0-0/3" end)
    assert.same({}, ids(paging.all(resource, {}, { offset = 5 })))
  end)

  describe("where the service sends no Content-Range", function()
    it("ends with an empty page, as a page that is not full may just have been cut", function()
      for _, count in ipairs { 20, 25 } do
        local resource = silent(count)
        assert.same(numbered(1, count), ids(paging.all(resource, {}, { limit = 10 })))
        assert.equal("limit=10&offset=" .. count, resource.asked[#resource.asked])
      end
      local all = connect(25).entries
      for most = 1, 4 do
        local cut = resourceOf(function(limit, offset) return slice(all, math.min(limit, most), offset) end)
        assert.same(numbered(1, 25), ids(paging.all(cut, {}, { limit = 10 })))
      end
      assert.same(numbered(1, 25), ids(paging.all(silent(25), {}, { limit = 1 })))
    end)

    it("ends after a list that is longer than a page, as such a service knows none", function()
      local resource = resourceOf(function() return { entry(1), entry(2), entry(3) } end)
      assert.same(numbered(1, 3), ids(paging.all(resource, {}, { limit = 2 })))
      assert.equal(1, #resource.asked)
    end)

    it("raises where the same page comes again, full or not, with ids or without", function()
      for _, first in ipairs { entry(1), "word", 7, { name = "a", item = { id = "b" } } } do
        for _, limit in ipairs { 2, 5 } do
          local resource = resourceOf(function() return { first, { name = "c" } } end)
          local iterator = paging.all(resource, {}, { limit = limit })
          iterator()
          iterator()
          local failure = raised(iterator)
          assert.equal("decode", failure.kind)
          assert.equal("the service sends the same page again and again", failure.message)
          assert.equal(2, #resource.asked)
          assert.equal(failure.message, raised(function()
            iterator()
            iterator()
            iterator()
          end).message)
        end
      end
    end)

    it("raises where the same page of one entry comes again", function()
      local iterator = paging.all(resourceOf(function() return { entry(1) } end), {}, { limit = 1 })
      iterator()
      assert.equal("the service sends the same page again and again", raised(iterator).message)
    end)

    it("takes pages for different ones that differ in their first entry or in their last", function()
      for _, pages in ipairs {
        { { 1, 2 }, { 1, 3 }, { 2, 3 } },
        { { "a", "b" }, { "a", { id = "b" } }, { { id = "b" }, "b" } },
        { { { id = "a" }, { id = "b" } }, { { id = "a" }, { id = "c" } } },
        { { { n = "a" }, { n = "b" } }, { { n = "a" }, { n = "b", m = 1 } }, { { n = "a" }, { n = "b" } } },
        { { { n = "a", m = {} }, 1 }, { { n = "a", m = { 1 } }, 1 }, { { n = "a", m = { 2 } }, 1 } },
        { { { id = "a" }, 1 }, { { n = "a" }, 1 } },
      } do
        local resource = resourceOf(function(_, offset) return pages[offset // 2 + 1] or {} end)
        local met = 0
        for _ in paging.all(resource, {}, { limit = 2 }) do met = met + 1 end
        assert.equal(2 * #pages, met)
      end
    end)

    it("walks entries without an id", function()
      local names = { "a", "b", "c", "d", "e" }
      local resource = resourceOf(function(limit, offset)
        local page = {}
        for index = offset + 1, math.min(offset + limit, #names) do
          page[#page + 1] = { name = names[index], item = { 1 } }
        end
        return page
      end)
      local met = {}
      for found in paging.all(resource, {}, { limit = 2 }) do met[#met + 1] = found.name end
      assert.same(names, met)
    end)

    it("takes a range without a total as a place only", function()
      local resource = resourceOf(function(limit, offset)
        local page = slice(connect(5).entries, limit, offset)
        return page, ("items %d-%d/*"):format(offset, offset + #page)
      end)
      assert.same(numbered(1, 5), ids(paging.all(resource, {}, { limit = 2 })))
    end)
  end)

  describe("where the Content-Range says other things than the page", function()
    --- A service with so many entries whose ranges are written by `range(page, offset, limit)`.
    local function lying(count, range, cap)
      local all = connect(count).entries
      return resourceOf(function(limit, offset)
        local page = slice(all, math.min(limit, cap or 1000), offset)
        return page, range(page, offset, limit)
      end)
    end

    it("reads on where the total is smaller than what came, until there is nothing", function()
      local resource = lying(25, function(page, offset)
        return ("items %d-%d/%d"):format(offset, offset + math.max(#page - 1, 0), offset > 0 and offset - 1 or 3)
      end)
      assert.same(numbered(1, 25), ids(paging.all(resource, {}, { limit = 10 })))
      assert.equal("limit=10&offset=25", resource.asked[#resource.asked])
    end)

    it("raises where the range has other entries than the page", function()
      for _, more in ipairs { -1, 1 } do
        local resource = lying(25, function(page, offset)
          return ("items %d-%d/25"):format(offset, offset + #page - 1 + more)
        end, 10)
        local failure = raised(ids, paging.all(resource, {}, { limit = 10 }))
        assert.equal(("the service says that it sends entries 0 to %d, and sends 10 entries"):format(9 + more),
          failure.message)
      end
    end)

    it("takes no offence at a range that ends behind the list", function()
      local resource = lying(25, function(_, offset, limit)
        return ("items %d-%d/25"):format(offset, offset + math.max(limit - 1, 0))
      end)
      local behind = lying(25, function(page, offset)
        return ("items %d-%d/25"):format(offset, offset + math.max(#page - 1, 0) + (offset + #page) // 25)
      end)
      assert.same(numbered(1, 25), ids(paging.all(behind, {}, { limit = 10 })))
      assert.same(numbered(1, 25), ids(paging.all(resource, {}, { limit = 10 })))
      assert.same(numbered(25, 1, -1), ids(paging.all(resource, {}, { limit = 10, backwards = true })))
    end)

    it("raises where one page comes for ever under a total that is never reached", function()
      local resource = resourceOf(function(_, offset)
        return { entry(1), entry(2) }, ("items %d-%d/%d"):format(offset, offset + 1, offset + 1000)
      end)
      local met = 0
      local failure = raised(function()
        for _ in paging.all(resource, {}, { limit = 2 }) do met = met + 1 end
      end)
      assert.equal("the service sends the same page again and again", failure.message)
      assert.is_true(met <= 4 and #resource.asked <= 3)
    end)

    it("walks entries that are alike and have no id, up to the total", function()
      local resource = resourceOf(function(_, offset)
        return { { status = "x" }, { status = "x" } }, ("items %d-%d/8"):format(offset, offset + 1)
      end)
      local met = 0
      for _ in paging.all(resource, {}, { limit = 2 }) do met = met + 1 end
      assert.equal(8, met)
    end)

    it("meets a page twice that others' changes shift onto the next one, and goes on", function()
      local resource = connect(8)
      local iterator = paging.all(resource, {}, { limit = 2 })
      iterator()
      iterator()
      table.insert(resource.entries, 1, entry(101))
      table.insert(resource.entries, 1, entry(102))
      assert.same({ "UR-0001", "UR-0002", table.unpack(numbered(3, 8)) }, ids(iterator))
    end)

    it("reads a page whose range can't be read as one without", function()
      for _, range in ipairs { "nonsense", "items 0-99", "items 9-0/25", "" } do
        local resource = lying(25, function() return range end)
        assert.same(numbered(1, 25), ids(paging.all(resource, {}, { limit = 10 })))
      end
    end)
  end)

  describe("raises the failure", function()
    it("of a request, and asks for the same page when it is called again", function()
      local broken = { kind = "transport" }
      local up = true
      local resource = connect(6)
      local search = resource.search
      function resource.search(...)
        if not up then return nil, broken end
        return search(...)
      end
      local iterator = paging.all(resource, {}, { limit = 3 })
      for _ = 1, 3 do iterator() end
      up = false
      assert.equal(broken, raised(iterator))
      assert.equal(broken, raised(iterator))
      up = true
      assert.same(numbered(4, 6), ids(iterator))
    end)

    it("where another page comes than the one asked for", function()
      local resource = resourceOf(function() return { entry(1), entry(2) }, "items 0-1/10" end)
      local iterator = paging.all(resource, {}, { limit = 2 })
      iterator()
      iterator()
      local failure = raised(iterator)
      assert.equal("decode", failure.kind)
      assert.equal(200, failure.status)
      assert.equal("asked for entries from 2 on, the service sent those from 0 on", failure.message)
      assert.equal("GET /usage/records?limit=2&offset=2: 200: " .. failure.message, tostring(failure))
    end)

    it("where the service says that there are more and sends none", function()
      local resource = resourceOf(function(limit, offset)
        return slice(connect(4).entries, limit, offset), ("items %d-%d/9"):format(offset, offset + 1)
      end)
      local iterator = paging.all(resource, {}, { limit = 2 })
      for _ = 1, 4 do iterator() end
      assert.equal("the service says that 9 entries match, and sends none from 4 on", raised(iterator).message)
    end)

    it("with the fields of every other failure", function()
      local resource = resourceOf(function() return {}, "items 0-0/5" end)
      local failure = raised(paging.all(resource, { status = "a b" }, { limit = 7 }))
      local query = "?status=%22a%20b%22&limit=7&offset=0"
      assert.equal("GET", failure.method)
      assert.equal("/usage/records" .. query, failure.path)
      assert.equal("https://h/public/v1/usage/records" .. query, failure.url)
      assert.equal(200, failure.status)
      assert.equal(3, failure.attempts)
      -- A reading changes nothing.
      assert.equal("rejected", failure.outcome)
    end)
  end)

  it("refuses what it cannot ask for, before anything is sent, at the caller's place", function()
    local resource = connect(1)
    local misuse = {
      ["bad argument #1 to 'all' (a.$foo: unknown operator)"] = { { a = { ["$foo"] = 1 } } },
      ["bad argument #1 to 'all' (filter (table, condition of connect.R or string) expected, got number)"] = { 5 },
      ["bad argument #2 to 'all' (table expected, got number)"] = { {}, 5 },
      ["bad argument #2 to 'all' (unknown option 'size')"] = { {}, { size = 5 } },
      ["bad argument #2 to 'all' (unknown option 'backward'; the nearest known one is 'backwards')"] = {
        {}, { backward = true } },
      ["bad argument #2 to 'all' (unknown option 'BackWards'; the nearest known one is 'backwards')"] = {
        "a=b", { BackWards = true } },
      ["bad argument #3 to 'all' (options must be a table, got number)"] = { {}, {}, 5 },
      ["bad argument #3 to 'all' (unknown option 'limit')"] = { {}, {}, { limit = 5 } },
      ["bad argument #3 to 'all' (option 'retries' must be an integer from 0 to 1000, got -1)"] = {
        {}, nil, { retries = -1 } },
      ["bad argument #4 to 'all' (one argument too many: a table)"] = { {}, {}, {}, {} },
      ["bad argument #2 to 'all' (limit: 1 to 1000 expected, got 1001)"] = { {}, { limit = 1001 } },
      ["bad argument #2 to 'all' (limit: 1 to 1000 expected, got 0)"] = { {}, { limit = 0 } },
      ["bad argument #1 to 'all' (limit: 1 to 1000 expected, got 5000)"] = { { limit = 5000 } },
      ["bad argument #2 to 'all' (limit: whole number from 0 expected, got x)"] = { {}, { limit = "x" } },
      ["bad argument #2 to 'all' (backwards: boolean expected, got number)"] = { {}, { backwards = 1 } },
      ["bad argument #1 to 'all' (limit is an option beside a ready query)"] = { "status=x&limit=5" },
      ["bad argument #1 to 'all' (offset is an option beside a ready query)"] = { "offset=5" },
      ["bad argument #2 to 'all' (ordering: stands in the filter too)"] = { "ordering(a)", { ordering = "b" } },
    }
    for problem, arguments in pairs(misuse) do
      local message = raised(function()
        local iterator = paging.all(resource, table.unpack(arguments, 1, 4))
        return iterator
      end)
      assert.matches(problem, message, 1, true)
      local line = debug.getinfo(1, "l").currentline - 4
      assert.matches("^%.?/?spec/paging_spec.lua:" .. line .. ": ", message)
    end
    assert.equal(0, #resource.asked)
  end)

  it("does not take a field's name that ends like one of its own words for it", function()
    local resource = connect(1)
    ids(paging.all(resource, "credit_limit=5&a=limit"))
    assert.equal("credit_limit=5&a=limit&limit=100&offset=0", resource.asked[1])
  end)

  it("holds one page at a time", function()
    local pages = setmetatable({}, { __mode = "v" })
    local resource
    resource = resourceOf(function(limit, offset)
      collectgarbage()
      local kept = 0
      for _ in pairs(pages) do kept = kept + 1 end
      assert.equal(0, kept)
      local page = slice(connect(50).entries, limit, offset)
      pages[#resource.asked] = page
      return page, rangeOf(page, offset, 50)
    end)
    assert.equal(50, #ids(paging.all(resource, {}, { limit = 10 })))
    assert.equal(5, #resource.asked)
    assert.equal(50, #ids(paging.all(resource, {}, { limit = 10, backwards = true })))
    assert.equal(11, #resource.asked)
  end)
end)

describe("paging.all from the last match to the first", function()
  local function backwards(resource, limit, more)
    local options = { limit = limit, backwards = true }
    for name, value in pairs(more or {}) do options[name] = value end
    return paging.all(resource, { status = "approved" }, options)
  end

  it("walks every entry, in the other order", function()
    local resource = connect(25)
    assert.same(numbered(25, 1, -1), ids(backwards(resource, 10)))
    assert.same({ "status=approved&limit=0", "status=approved&limit=10&offset=15", "status=approved&limit=10&offset=5",
      "status=approved&limit=5&offset=0" }, resource.asked)
  end)

  it("gives nothing where nothing matches", function()
    local iterator = backwards(connect(0), 10)
    assert.is_nil(iterator())
    assert.is_nil(iterator())
  end)

  it("leaves out as many matches at the start as asked", function()
    assert.same(numbered(7, 4, -1), ids(backwards(connect(7), 2, { offset = 3 })))
    assert.same({}, ids(backwards(connect(7), 2, { offset = 8 })))
  end)

  it("meets every entry once though the loop takes each of them out of the list", function()
    local resource = connect(95)
    local met = {}
    for found in backwards(resource, 10) do
      met[#met + 1] = found.id
      take(resource.entries, found.id)
    end
    assert.same(numbered(95, 1, -1), met)
    assert.same({}, resource.entries)
  end)

  it("meets every entry once in such a loop though ties come in another order each time", function()
    local resource = tied(95)
    local met = {}
    for found in backwards(resource, 10) do
      met[#met + 1] = found.id
      take(resource.entries, found.id)
    end
    table.sort(met)
    assert.same(numbered(1, 95), met)
    assert.same({}, resource.entries)
  end)

  it("misses entries that tie, as every walk does, where they stay in the list", function()
    for _, backwards_ in ipairs { true, false } do
      local met, different = 0, {}
      for found in paging.all(tied(95), {}, { limit = 10, backwards = backwards_ }) do
        met = met + 1
        different[found.id] = true
      end
      local count = 0
      for _ in pairs(different) do count = count + 1 end
      assert.is_true(count < 95 and met >= count)
    end
    -- One page is one request.
    local whole = ids(paging.all(tied(95), {}, { limit = 100 }))
    table.sort(whole)
    assert.same(numbered(1, 95), whole)
  end)

  it("meets every entry once where the loop cannot take out some of them", function()
    local resource = connect(95)
    local met = {}
    for found in backwards(resource, 10) do
      met[#met + 1] = found.id
      if #met % 3 ~= 0 then take(resource.entries, found.id) end
    end
    assert.same(numbered(95, 1, -1), met)
  end)

  it("misses entries walking forwards in such a loop, which is why it is there", function()
    local resource = connect(95)
    local met = 0
    for found in paging.all(resource, {}, { limit = 10 }) do
      met = met + 1
      take(resource.entries, found.id)
    end
    assert.equal(50, met)
  end)

  it("meets no entry twice that others' changes shift onto the next page", function()
    local resource = connect(20)
    local met = {}
    for found in backwards(resource, 5) do
      met[#met + 1] = found.id
      if #met % 5 == 0 then table.remove(resource.entries, 1) end
    end
    assert.same(numbered(20, 3, -1), met)
  end)

  it("goes on where others' changes make a whole page one that was met", function()
    local resource = connect(20)
    local met = {}
    for found in backwards(resource, 5) do
      met[#met + 1] = found.id
      if #met == 5 then
        for _ = 1, 5 do table.remove(resource.entries, 1) end
      end
    end
    assert.same(numbered(20, 6, -1), met)
  end)

  it("ends where others took out all that was left", function()
    local resource = connect(20)
    local iterator = backwards(resource, 5)
    iterator()
    for index = #resource.entries, 1, -1 do resource.entries[index] = nil end
    assert.same(numbered(19, 16, -1), ids(iterator))
  end)

  it("asks for smaller pages where the service's are smaller", function()
    local resource = connect(25, 10)
    assert.same(numbered(25, 1, -1), ids(backwards(resource, 1000)))
    assert.equal(5, #resource.asked)
  end)

  it("raises where the service does not tell the total", function()
    local failure = raised(backwards(silent(5), 2))
    assert.equal("the reply has no Content-Range with a total", failure.message)
    local resource = resourceOf(function(limit, offset)
      return slice(connect(5).entries, limit, offset), limit == 0 and "items */5" or nil
    end)
    assert.equal("the reply has no Content-Range with a total", raised(backwards(resource, 2)).message)
  end)

  it("raises where more comes than was asked for", function()
    local resource = resourceOf(function(limit, offset)
      return slice(connect(20).entries, limit + 1, offset), ("items %d-%d/9"):format(offset, offset + limit)
    end)
    assert.equal("the service sent more than asked for", raised(backwards(resource, 2)).message)
  end)

  it("raises the failure of a request, and asks again when it is called again", function()
    local up, broken = false, { kind = "transport" }
    local resource = connect(3)
    local search = resource.search
    function resource.search(...)
      if not up then return nil, broken end
      return search(...)
    end
    local iterator = backwards(resource, 2)
    assert.equal(broken, raised(iterator))
    up = true
    assert.equal(entry(3).id, iterator().id)
    iterator()
    up = false
    assert.equal(broken, raised(iterator))
    up = true
    assert.same(numbered(1, 1), ids(iterator))
  end)
end)

describe("paging.first", function()
  it("asks for one entry", function()
    local resource = connect(5)
    local found, reply = paging.first(resource, { status = "x" }, { ordering = "-created", offset = 2 })
    assert.equal("UR-0003", found.id)
    assert.equal(200, reply.status)
    assert.same({ "ordering(-created)&limit=1&offset=2&status=x" }, resource.asked)
  end)

  it("is not misled by a limit in the filter", function()
    local resource = connect(5)
    paging.first(resource, { limit = 50 })
    assert.same({ "limit=1" }, resource.asked)
  end)

  it("gives nil alone where nothing matches", function()
    assert.equal(1, select("#", paging.first(connect(0))))
    assert.is_nil(paging.first(connect(0)))
  end)

  it("gives nil and the failure where there is one", function()
    local broken = { kind = "transport" }
    local found, failure = paging.first(resourceOf(function() return nil, broken end))
    assert.is_nil(found)
    assert.equal(broken, failure)
  end)

  it("gives nil and a failure where the service says that there are matches, and sends none", function()
    local found, failure = paging.first(resourceOf(function() return {}, "items 0-0/3" end), { status = "x" })
    assert.is_nil(found)
    assert.equal("decode", failure.kind)
    assert.equal("the service says that 3 entries match, and sends none from 0 on", failure.message)
    assert.equal("https://h/public/v1/usage/records?limit=1&status=x", failure.url)
  end)

  it("gives nil alone where it starts behind the last match", function()
    assert.equal(1, select("#", paging.first(connect(3), {}, { offset = 3 })))
    assert.equal(1, select("#", paging.first(connect(3), {}, { offset = 5 })))
  end)

  it("refuses what it cannot ask for", function()
    local resource = connect(1)
    local function said(...)
      local message = raised(function(...)
        local found = paging.first(resource, ...)
        return found
      end, ...)
      local line = debug.getinfo(1, "l").currentline - 3
      assert.matches("^%.?/?spec/paging_spec.lua:" .. line .. ": ", message)
      return message
    end
    assert.matches("bad argument #2 to 'first' (unknown option 'x')", said({}, { x = 1 }), 1, true)
    assert.matches("bad argument #2 to 'first' (unknown option 'backwards')", said({}, { backwards = true }), 1, true)
    assert.matches("bad argument #1 to 'first' (offset is an option", said("a=1&offset=5"), 1, true)
    assert.matches("bad argument #3 to 'first' (options must be a table, got number)", said({}, {}, 5), 1, true)
    assert.matches("bad argument #3 to 'first' (unknown option 'timeOut'; the nearest known one is 'timeout')",
      said({}, {}, { timeOut = 5 }), 1, true)
    assert.matches("bad argument #4 to 'first' (one argument too many: a boolean)", said({}, nil, nil, false), 1, true)
    assert.equal(0, #resource.asked)
  end)
end)

describe("paging.count", function()
  it("asks for nothing but the total", function()
    local resource = connect(1234)
    assert.equal(1234, paging.count(resource, { status = "x" }))
    assert.same({ "limit=0&status=x" }, resource.asked)
  end)

  it("counts all matches, whatever else the filter says", function()
    local resource = connect(7)
    assert.equal(7, paging.count(resource, { limit = 2, offset = 5, ["$ordering"] = "a", ["$select"] = "b", c = 1 }))
    assert.same({ "c=1&limit=0" }, resource.asked)
  end)

  it("gives the total of a service that sends entries all the same", function()
    local resource = resourceOf(function() return { entry(1) }, "items 0-0/9" end)
    assert.equal(9, paging.count(resource))
  end)

  it("fails where the service does not tell the total", function()
    local total, failure = paging.count(silent(5))
    assert.is_nil(total)
    assert.equal("decode", failure.kind)
    assert.equal("the reply has no Content-Range with a total", failure.message)
  end)

  it("gives nil and the failure where there is one", function()
    local broken = { kind = "transport" }
    local total, failure = paging.count(resourceOf(function() return nil, broken end))
    assert.is_nil(total)
    assert.equal(broken, failure)
  end)

  it("fails where the service sends more than it counts", function()
    local total, failure = paging.count(resourceOf(function() return { entry(1), entry(2) }, "items 0-0/1" end))
    assert.is_nil(total)
    assert.equal("the service says that 1 entries match, and sends 2", failure.message)
  end)

  it("refuses what it cannot ask for", function()
    local resource = connect(1)
    assert.matches("bad argument #1 to 'count' (limit is an option", raised(paging.count, resource, "limit=5"), 1, true)
    assert.matches("bad argument #2 to 'count' (unknown option 'limit')",
      raised(paging.count, resource, {}, { limit = 1 }), 1, true)
    assert.matches("bad argument #3 to 'count' (one argument too many: a table)",
      raised(paging.count, resource, {}, nil, {}), 1, true)
    assert.equal(0, #resource.asked)
  end)
end)

describe("against a service", function()
  local connect_ = require "cloudblue.connect"
  local sandbox = require "cloudblue.connect.sandbox"
  local service, records

  before_each(function()
    service = assert(sandbox.start { records = 45, statuses = { "approved", "closed", "approved" } })
    records = connect_.ConnectClient(service.endpoint, service.apiKey).usageRecords
  end)

  after_each(function()
    local problems = service:problems()
    service:stop()
    assert.same({}, problems)
  end)

  local function paths()
    local list = {}
    for index, request in ipairs(service:requests()) do list[index] = request.method .. " " .. request.path end
    return list
  end

  it("walks all pages, forwards and backwards", function()
    local forth = ids(records:all({ status = "approved" }, { limit = 20 }))
    assert.equal(30, #forth)
    assert.same({
      "GET /public/v1/usage/records?status=approved&limit=20&offset=0",
      "GET /public/v1/usage/records?status=approved&limit=20&offset=20",
    }, paths())
    local back = ids(records:all(connect_.R.status:eq "approved", { limit = 20, backwards = true }))
    for index = 1, 30 do assert.equal(forth[index], back[31 - index]) end
  end)

  it("counts and gives the first", function()
    assert.equal(15, records:count(~connect_.R.status:eq "approved"))
    assert.equal("UR-2026-01-0000-0000-0000-0002", records:first({ status = "closed" }).id)
    assert.is_nil(records:first { status = "nothing" })
    assert.same({
      "GET /public/v1/usage/records?not(eq(status,approved))&limit=0",
      "GET /public/v1/usage/records?limit=1&status=closed",
      "GET /public/v1/usage/records?limit=1&status=nothing",
    }, paths())
  end)

  it("closes every approved record in a walk from the last to the first", function()
    local closed = 0
    for record in records:all({ status = "approved" }, { limit = 7, backwards = true }) do
      assert(records:close(record.id, "BILL-" .. record.id))
      closed = closed + 1
    end
    assert.equal(30, closed)
    assert.same({ closed = 45 }, service:counts())
    assert.equal(30, #service:journal())
  end)

  it("tells a filter that the service does not understand from an empty list", function()
    local failure = raised(records:all "status=~")
    assert.equal("api", failure.kind)
    assert.equal(400, failure.status)
    local found, refused = records:first "status=~"
    assert.is_nil(found)
    assert.equal(400, refused.status)
  end)

  it("fails with the same fields whether C or Lua has found the reply unusable", function()
    local rawserver = require "spec.support.rawserver"
    local other = require "spec.support.service"
    local again = rawserver.reply(503, "", { ["Retry-After"] = "0" })
    for body, says in pairs {
      ["{}"] = "the reply is no list", [' {"results":[]}'] = "the reply is no list", ['"x"'] = "the reply is a string",
      ["[]"] = "the service says that 7 entries match, and sends none from 0 on",
    } do
      local answers = { again, rawserver.reply(200, body, { ["Content-Range"] = "items 0-0/7" }) }
      local s <close> = other.answering({ answers[1], answers[2], answers[1], answers[2] }, { retries = 3 })
      local found, failure = s.records:first { status = "x" }
      assert.is_nil(found)
      assert.matches(says, failure.message, 1, true)
      local path = "/usage/records?limit=1&status=x"
      assert.same({ "decode", "rejected", "GET", s.client.endpoint .. path, path, 200, 2 }, { failure.kind,
        failure.outcome, failure.method, failure.url, failure.path, failure.status, failure.attempts })
      assert.matches(says, raised(s.records:all()).message, 1, true)
    end
  end)

  it("keeps to the limits of the call at every page, as they were when the walk began", function()
    service:configure { faults = { { on = "GET /usage/records", fault = "status", status = 503, nth = 2 } } }
    local limits = { retries = 0 }
    local iterator = records:all({}, { limit = 20 }, limits)
    for _ = 1, 20 do iterator() end
    limits.retries = 5
    limits.timeout = "no time"
    local failure = raised(iterator)
    assert.same({ 503, 1 }, { failure.status, failure.attempts })
    assert.is_table(iterator())
    assert.equal(3, #service:requests())
    service:configure { faults = { { on = "GET /usage/records", fault = "status", status = 503 } } }
    failure = raised(records:all({}, { backwards = true }, { retries = 0 }))
    assert.same({ 503, 1 }, { failure.status, failure.attempts })
  end)

  it("raises misuse at the caller's place", function()
    local message = raised(function() records:all { a = { ["$x"] = 1 } } end)
    assert.matches("^%.?/?spec/paging_spec.lua:%d+: bad argument #1 to 'all'", message)
  end)
end)
