--- Lists that come in pages: every match, the first one, how many.
--
-- The functions are methods of every resource: the first argument is the resource, with `client` and `baseUri`.
--
-- A page is asked for by `limit` and `offset`. `Content-Range: items 0-99/1234` of the reply tells where the page lies
-- and how many entries match (connect-api: "RQL RFC2616 limit offset pagination"); an empty page's is `items O-O/1234`
-- (django-rql, drf/paginations.py, which also cuts a limit above its maximum, and sends nothing for `limit=0`). A list
-- ends where the service says so: at the total, or, where it tells none, with an empty page; a page that is shorter
-- than asked for may just have been cut. A reply that contradicts itself or what was asked for is a failure.

local core = require "cloudblue.connect.core"
local rql = require "cloudblue.connect.rql"

local paging = {}

local PAGE_SIZE = 100

-- The service sends no more entries than this at once, whatever is asked for.
local MAX_PAGE_SIZE = 1000

-- A total of more digits is nonsense; so long a number is exact as an integer and as a float.
local DIGITS = 15

--- Reads a Content-Range header.
---@param header string? e.g. `items 0-99/1234`, `items */0`, `items 0-99/*`
---@return integer? total nil where it is unknown, or where the header is absent or no Content-Range
---@return integer? first place of the page's first entry, from 0
---@return integer? last
function paging.readContentRange(header)
  if type(header) ~= "string" or #header > 80 then return nil end
  local range, size = header:match("^%s*%a+%s+([%d*-]+)/([%d*]+)%s*$")
  if not range then return nil end
  local first, last = range:match("^(%d+)-(%d+)$")
  if not first and range ~= "*" or size ~= "*" and not size:find("^%d+$") then return nil end
  if #size > DIGITS or first and (#first > DIGITS or #last > DIGITS) then return nil end
  if first and tonumber(first) > tonumber(last) then return nil end
  return tonumber(size), tonumber(first), tonumber(last)
end

---@class cloudblue.connect.paging.Page
---@field entries table[]
---@field total integer? how many entries match; nil where the service does not tell
---@field first integer? place of the first entry, from 0, as the service says
---@field last integer?
---@field resource cloudblue.connect.GenericResource where it came from
---@field query string what was asked
---@field reply cloudblue.connect.Reply

-- The failure of a page that came and cannot be used. A reading changes nothing, whatever comes of it.
local function unusable(page, message)
  local path = page.resource.baseUri .. "?" .. page.query
  return core.newFailure {
    kind = "decode", outcome = "rejected", method = "GET", url = page.resource.client.endpoint:gsub("/+$", "") .. path,
    path = path, status = page.reply.status, attempts = page.reply.attempts, message = message,
  }
end

-- Asks for a page. Returns nil and a failure where there is no list.
local function fetch(resource, query)
  local list, reply = resource:search(query)
  if not list then return nil, reply end
  local page = { entries = list, resource = resource, query = query, reply = reply }
  page.total, page.first, page.last = paging.readContentRange(reply.headers["content-range"])
  return page
end

-- How many entries match; nil and a failure where that is not to be had.
local function fetchTotal(resource, query)
  local page, failure = fetch(resource, query)
  if not page then return nil, failure end
  if not page.total then return nil, unusable(page, "the reply has no Content-Range with a total") end
  if #page.entries > page.total then
    return nil, unusable(page, ("the service says that %d entries match, and sends %d"):format(
      page.total, #page.entries))
  end
  return page.total
end

-- In what a page that was to begin at `offset` contradicts that or itself: entries would be met twice, or never. Where
-- the range ends behind the list, the service has not cut it.
local function contradiction(page, offset)
  local count, total, first, last = #page.entries, page.total, page.first, page.last
  if count == 0 then
    return total and total > offset
      and ("the service says that %d entries match, and sends none from %d on"):format(total, offset)
  end
  if first and first ~= offset then
    return ("asked for entries from %d on, the service sent those from %d on"):format(offset, first)
  end
  return total and last and last < total and last - first + 1 ~= count
    and ("the service says that it sends entries %d to %d, and sends %d entries"):format(first, last, count)
end

-- As `fetch`, for a page that begins at `offset`.
local function fetchFrom(resource, query, offset)
  local page, failure = fetch(resource, query)
  if not page then return nil, failure end
  local problem = contradiction(page, offset)
  if problem then return nil, unusable(page, problem) end
  return page
end

-- Fetches the page of at most `size` entries from `offset` on. Raises the failure where there is none.
local function fetchPage(walk, size, offset)
  local query = ("%slimit=%d&offset=%d"):format(walk.prefix, size, offset)
  local page, failure = fetchFrom(walk.resource, query, offset)
  if not page then error(failure, 0) end
  return page
end

local function isEqual(one, other)
  if type(one) ~= "table" or type(other) ~= "table" then return one == other end
  for key, value in next, one do
    if not isEqual(value, other[key]) then return false end
  end
  for key in next, other do
    if one[key] == nil then return false end
  end
  return true
end

-- Whether two entries are the same one. Entries without an id may be alike and two all the same.
local function isSame(one, other, byContent)
  local haveIds = type(one) == "table" and type(other) == "table" and one.id ~= nil and other.id ~= nil
  if haveIds then return one.id == other.id end
  return byContent and isEqual(one, other)
end

-- Looks for a service that sends one page for ever, whatever is asked for: returns a function that raises the failure.
-- Where there is a total to be reached, what others put into the list may show a page a second time.
local function repetition()
  local before, times = {}, 0
  return function(page)
    local count, byContent = #page.entries, page.total == nil
    local now = { count = count, first = page.entries[1], last = page.entries[count] }
    local again = count > 0 and count == before.count and isSame(now.first, before.first, byContent)
      and isSame(now.last, before.last, byContent)
    before, times = now, again and times + 1 or 0
    if times > (page.total and 1 or 0) then
      before, times = {}, 0
      error(unusable(page, "the service sends the same page again and again"), 0)
    end
  end
end

-- Returns a function that returns the entries of the next page, nil after the last.
local function forwards(walk)
  local offset, done = walk.offset, false
  local refuseRepetition = repetition()
  return function()
    if done then return nil end
    local page = fetchPage(walk, walk.size, offset)
    refuseRepetition(page)
    local count = #page.entries
    offset = offset + count
    -- Past the total there may be more; only an empty page tells. More than asked for: the service knows no pages.
    done = count == 0 or offset == page.total or not page.total and count > walk.size
    return count > 0 and page.entries or nil
  end
end

-- The entries from the last to the first, without those that stood on the page met before this one.
local function reversed(page, met)
  local entries, ids = {}, {}
  for index = #page, 1, -1 do
    local entry = page[index]
    local id = type(entry) == "table" and entry.id or nil
    if id == nil or not met[id] then entries[#entries + 1] = entry end
    if id ~= nil then ids[id] = true end
  end
  return entries, ids
end

-- Fetches the entries before `stop`, as many as a page takes; where the service's pages are smaller than asked for,
-- smaller ones. Returns them and the place of the first.
local function fetchBefore(walk, stop)
  while true do
    local from = math.max(stop - walk.size, walk.offset)
    local page = fetchPage(walk, stop - from, from)
    local count = #page.entries
    if not page.total then error(unusable(page, "the reply has no Content-Range with a total"), 0) end
    if count > stop - from then error(unusable(page, "the service sent more than asked for"), 0) end
    if count >= math.min(page.total, stop) - from then return page.entries, from end
    walk.size = count
  end
end

-- As `forwards`, from the last page to the first, each from its last entry to its first.
local function backwards(walk)
  local stop
  local met = {}
  return function()
    if not stop then
      local total, failure = fetchTotal(walk.resource, walk.prefix .. "limit=0")
      if not total then error(failure, 0) end
      stop = total
    end
    while stop > walk.offset do
      local page, from = fetchBefore(walk, stop)
      stop = from
      page, met = reversed(page, met)
      if page[1] ~= nil then return page end
    end
    return nil
  end
end

local NO_PAGE = {}

-- One entry after the other. A page is let go before the next is asked for.
local function entries(nextPage)
  local page, index = NO_PAGE, 0
  return function()
    index = index + 1
    local entry = page[index]
    if entry ~= nil then return entry end
    page, index = NO_PAGE, 0
    page = nextPage() or NO_PAGE
    index = 1
    return page[1]
  end
end

-- `level`: where the caller of the method stands, seen from here.
local function argumentError(method, position, problem, level)
  error(("bad argument #%d to '%s' (%s)"):format(position, method, problem), level + 1)
end

-- The words of the C methods (cbl_checklast).
local function refuseMore(method, last, ...)
  for index = 1, select("#", ...) do
    local value = select(index, ...)
    if value ~= nil then argumentError(method, last + index, "one argument too many: a " .. type(value), 3) end
  end
end

-- The parts of a filter whose limit and offset are written here, not there. `known`: see `rql.parts`.
local function partsOf(method, filters, options, known)
  local parts, position, problem = rql.parts(filters, options, known)
  if not parts then argumentError(method, position, problem, 3) end
  for _, name in ipairs { "limit", "offset" } do
    if parts.own[name] then argumentError(method, 1, name .. " is an option beside a ready query", 3) end
  end
  return parts
end

local ALL_OPTIONS = { "limit", "offset", "ordering", "select", "backwards" }

--- Iterates over every match of every page: `for record in records:all { status = "approved" } do … end`.
--
-- A page is asked for when its first entry is wanted, and let go before the next one is asked for: memory stays
-- that of a page. Pages are places in a list that the service sorts anew for each request, so a walk of several
-- pages meets every match once only where the list has one order and nothing changes it. Usage records have no
-- unique order, and ties come in another order each time: entries can be missed, and met twice.
--
-- What leaves the list shifts the pages not yet read. The loop itself can do so: closing approved records while
-- listing approved records, it misses as many records after each page as it closed. With `backwards = true` the walk
-- goes from the last match to the first, and what the loop takes out shifts only what has been read. Where it takes
-- out every entry that it meets and nothing else changes the list, the matches before a page are always as many as
-- are still to be met, so that every match is met once, in whatever order ties come. This needs a service that
-- returns the total.
--
-- Raises the failure itself where a page cannot be had; called again, the iterator asks for the same page again.
---@param filters cloudblue.connect.Filter? a `limit` in a filter object is the size of a page, too
---@param options cloudblue.connect.AllOptions?
---@return fun(): any? next the next entry, nil after the last
function paging.all(resource, filters, options, ...)
  refuseMore("all", 2, ...)
  local parts = partsOf("all", filters, options, ALL_OPTIONS)
  local isBackwards = options and options.backwards
  if isBackwards ~= nil and type(isBackwards) ~= "boolean" then
    argumentError("all", 2, "backwards: boolean expected, got " .. type(isBackwards), 2)
  end
  local size = parts.given.limit or PAGE_SIZE
  if size < 1 or size > MAX_PAGE_SIZE then
    local position = options and options.limit ~= nil and 2 or 1
    argumentError("all", position, ("limit: 1 to %d expected, got %d"):format(MAX_PAGE_SIZE, size), 2)
  end
  local query = rql.write(parts, { "ordering", "select" })
  local walk = {
    resource = resource, size = size, offset = parts.given.offset or 0,
    prefix = query == "" and "" or query .. "&",
  }
  return entries((isBackwards and backwards or forwards)(walk))
end

--- The first match.
---@param filters cloudblue.connect.Filter? the limit of a filter object does not count
---@param options cloudblue.connect.rql.Options? `ordering`, `select`, `offset`
---@return any? entry nil where nothing matches, with nothing behind it
---@return table? reply or, beside nil, the failure
function paging.first(resource, filters, options, ...)
  refuseMore("first", 2, ...)
  local parts = partsOf("first", filters, options)
  parts.written.limit = "limit=1"
  local query = rql.write(parts, { "ordering", "select", "limit", "offset" })
  local page, failure = fetchFrom(resource, query, parts.given.offset or 0)
  if not page then return nil, failure end
  if page.entries[1] == nil then return nil end
  return page.entries[1], page.reply
end

--- How many entries match. One request, which asks for no entries.
---@param filters cloudblue.connect.Filter? only its conditions count
---@return integer? total
---@return any? failure beside nil; also where the service does not tell the total
function paging.count(resource, filters, ...)
  refuseMore("count", 1, ...)
  local parts = partsOf("count", filters)
  parts.written.limit = "limit=0"
  return fetchTotal(resource, rql.write(parts, { "limit" }))
end

return paging
