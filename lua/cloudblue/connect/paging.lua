--- Lists that come in pages: every match, the first one, how many.
--
-- The functions are methods of every resource: the first argument is the resource, with `client` and `baseUri`.
--
-- A page is asked for by `limit` and `offset`. `Content-Range: items 0-99/1234` of the reply tells where the page
-- lies and how many entries match (connect-api: "RQL RFC2616 limit offset pagination"). A service that sends none is
-- walked by the size of its pages: a short one is the last.

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

-- The failure of a reply that came and cannot be used.
local function unusable(resource, reply, message)
  return core.newFailure {
    kind = "decode", outcome = "applied", method = "GET", path = resource.baseUri,
    status = reply and reply.status, attempts = 1, message = message,
  }
end

-- Asks for one page. Gives its list, then the total and the first entry's place where the service tells them;
-- nil and a failure where there is no list.
local function fetch(resource, query)
  local list, reply = resource.client:request("GET", resource.baseUri, { query = query })
  if not list then return nil, reply end
  if type(list) ~= "table" or list[1] == nil and next(list) ~= nil then
    return nil, unusable(resource, reply, "the reply is no list")
  end
  local total, first = paging.readContentRange(reply.headers["content-range"])
  return list, total, first, reply
end

-- How many entries match; nil and a failure where that is not to be had.
local function fetchTotal(resource, query)
  local list, total, _, reply = fetch(resource, query)
  if not list then return nil, total end
  if not total then return nil, unusable(resource, reply, "the reply has no Content-Range with a total") end
  return total
end

-- Fetches the page of at most `size` entries from `offset` on. Raises the failure where there is none, or where the
-- service sends another page than the one asked for: what follows would be met twice, or never.
local function fetchPage(walk, size, offset)
  local query = ("%slimit=%d&offset=%d"):format(walk.prefix, size, offset)
  local page, total, first, reply = fetch(walk.resource, query)
  if not page then error(total, 0) end -- where the total would stand, the failure does
  local problem
  if first and first ~= offset and page[1] ~= nil then
    problem = ("asked for entries from %d on, the service sent those from %d on"):format(offset, first)
  elseif total and total > offset and page[1] == nil then
    problem = ("the service says that %d entries match, and sends none from %d on"):format(total, offset)
  end
  if problem then error(unusable(walk.resource, reply, problem), 0) end
  return page, total, reply
end

local function sameEntry(one, other)
  if type(one) == "table" and type(other) == "table" then return one.id ~= nil and one.id == other.id end
  return one ~= nil and one == other
end

-- Gives a function that gives the next page, nil after the last.
local function forwards(walk)
  local offset, previous, done = walk.offset, nil, false
  return function()
    if done then return nil end
    local page, total, reply = fetchPage(walk, walk.size, offset)
    local length = #page
    if not total and sameEntry(page[1], previous) then
      error(unusable(walk.resource, reply, "the service sends the same page again and again"), 0)
    end
    previous = page[1]
    offset = offset + length
    if total then
      done = offset >= total
    else
      -- More than asked for: the service knows no pages, and this is all there is.
      done = length ~= walk.size
    end
    return length > 0 and page or nil
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

-- Fetches the page that ends before `stop`; where the service's pages are smaller than asked for, smaller ones.
local function fetchPageBefore(walk, stop)
  while true do
    local from = stop - walk.size
    if from < walk.offset then from = walk.offset end
    local page, total, reply = fetchPage(walk, stop - from, from)
    local length = #page
    if not total then error(unusable(walk.resource, reply, "the reply has no Content-Range with a total"), 0) end
    if length > stop - from then error(unusable(walk.resource, reply, "the service sent more than asked for"), 0) end
    if length >= (total < stop and total or stop) - from then return page, from end
    walk.size = length
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
      local page, from = fetchPageBefore(walk, stop)
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
---@param filters cloudblue.connect.Filter? see `rql.encode`; a `limit` in it is the size of a page too
---@param options cloudblue.connect.AllOptions?
---@return fun(): any? next the next entry, nil after the last
function paging.all(resource, filters, options)
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
---@param filters cloudblue.connect.Filter? see `rql.encode`; its limit does not count
---@param options cloudblue.connect.rql.Options? `ordering`, `select`, `offset`
---@return any? entry nil where nothing matches, with nothing behind it
---@return table? reply or, beside nil, the failure
function paging.first(resource, filters, options)
  local parts = partsOf("first", filters, options)
  parts.written.limit = "limit=1"
  local list, failure, _, reply = fetch(resource, rql.write(parts, { "ordering", "select", "limit", "offset" }))
  if not list then return nil, failure end
  if list[1] == nil then return nil end
  return list[1], reply
end

--- How many entries match. One request, which asks for no entries.
---@param filters cloudblue.connect.Filter? see `rql.encode`; only its conditions count
---@return integer? total
---@return any? failure beside nil; also where the service does not tell the total
function paging.count(resource, filters)
  local parts = partsOf("count", filters)
  parts.written.limit = "limit=0"
  return fetchTotal(resource, rql.write(parts, { "limit" }))
end

return paging
