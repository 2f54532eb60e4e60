--- Lists that come in pages: every match, the first one, how many.
--
-- The functions are methods of every resource: the first argument is the resource, with `client` and `baseUri`.
--
-- A page is asked for by `limit` and `offset`. `Content-Range: items 0-99/1234` of the reply says where the page lies
-- and how many entries match (connect-api: "RQL RFC2616 limit offset pagination"); an empty page's is `items O-O/1234`
-- (django-rql, drf/paginations.py, which also cuts a limit above its maximum, and sends nothing for `limit=0`). A list
-- ends where the service says so: at the total, or, where it reports none, with an empty page; a page that is shorter
-- than asked for may just have been cut. A reply that contradicts itself or what was asked for is a failure.

local core = require "cloudblue.connect.core"
local misuse = require "cloudblue.connect.misuse"
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

-- Where pages come from.
---@class cloudblue.connect.paging.Source
---@field resource cloudblue.connect.GenericResource
---@field limits cloudblue.connect.Limits? of the call for each page

---@class cloudblue.connect.paging.Page
---@field entries table[]
---@field total integer? how many entries match; nil where the service does not report it
---@field first integer? place of the first entry, from 0, as the service says
---@field last integer?
---@field resource cloudblue.connect.GenericResource
---@field query string what was asked for
---@field reply cloudblue.connect.Reply

-- The failure of a page that came and can't be used. A read changes nothing: the outcome is rejected.
local function unusable(page, message)
  local path = page.resource.baseUri .. "?" .. page.query
  return core.newFailure {
    kind = "decode", outcome = "rejected", method = "GET", url = page.resource.client.endpoint:gsub("/+$", "") .. path,
    path = path, status = page.reply.status, attempts = page.reply.attempts, message = message,
  }
end

-- Asks for a page. Returns nil and a failure where there is no list.
local function fetch(source, query)
  local list, reply = source.resource:search(query, nil, source.limits)
  if not list then return nil, reply end
  local page = { entries = list, resource = source.resource, query = query, reply = reply }
  page.total, page.first, page.last = paging.readContentRange(reply.headers["content-range"])
  return page
end

-- How many entries match; nil and a failure where that is not to be had.
local function fetchTotal(source, query)
  local page, failure = fetch(source, query)
  if not page then return nil, failure end
  if not page.total then return nil, unusable(page, "the reply has no Content-Range with a total") end
  if #page.entries > page.total then
    return nil, unusable(page, ("the service says that %d entries match, and sends %d"):format(
      page.total, #page.entries))
  end
  return page.total
end

-- How a page that was to begin at `offset` contradicts that or itself: entries would be met twice, or never. A range
-- that ends behind the list is none: the service has not cut it.
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
local function fetchFrom(source, query, offset)
  local page, failure = fetch(source, query)
  if not page then return nil, failure end
  local problem = contradiction(page, offset)
  if problem then return nil, unusable(page, problem) end
  return page
end

-- Fetches the page of at most `size` entries from `offset` on. Raises the failure where there is none.
local function fetchPage(walk, size, offset)
  local query = ("%slimit=%d&offset=%d"):format(walk.prefix, size, offset)
  local page, failure = fetchFrom(walk, query, offset)
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
    -- Past the total there may be more; only an empty page is the end. More than asked for: the service has no pages.
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
      local total, failure = fetchTotal(walk, walk.prefix .. "limit=0")
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

local function isResource(value)
  local done, search = pcall(function() return value.search end)
  return done and type(search) == "function"
end

-- As the methods in C do (cbl_checkself, cbl_checklast).
local function checkCall(method, self, last, ...)
  if not isResource(self) then
    error(("calling '%s' on a bad self (a resource expected, got %s)"):format(method, type(self)), 3)
  end
  misuse.more(method, last, 3, ...)
end

-- The parts of a filter whose limit and offset are written here, not there. `known`: see `rql.parts`.
local function partsOf(method, filters, options, known)
  local parts, position, problem = rql.parts(filters, options, known)
  if not parts then misuse.argument(method, position, problem, 3) end
  for _, name in ipairs { "limit", "offset" } do
    if parts.own[name] then misuse.argument(method, 1, name .. " is an option beside a ready query", 3) end
  end
  return parts
end

-- A copy of the limits for each call, which can't be changed while pages are still to come.
local function limitsOf(method, position, callOptions)
  if callOptions == nil then return nil end
  local limits, problem = core.readLimits(callOptions)
  if not limits then misuse.argument(method, position, problem, 3) end
  return limits
end

local ALL_OPTIONS = { "limit", "offset", "ordering", "select", "backwards" }

-- What the three methods do, take and return is described in meta.lua.

--- GenericResource:all.
--
-- Where the loop takes out every entry that it meets and nothing else changes the list, the matches before a page are
-- always as many as are still to be met: so a walk backwards meets each once, in whatever order ties come.
function paging.all(resource, filters, options, callOptions, ...)
  checkCall("all", resource, 3, ...)
  local parts = partsOf("all", filters, options, ALL_OPTIONS)
  local limits = limitsOf("all", 3, callOptions)
  local isBackwards = options and options.backwards
  if isBackwards ~= nil and type(isBackwards) ~= "boolean" then
    misuse.argument("all", 2, "backwards: boolean expected, got " .. type(isBackwards), 2)
  end
  local size = parts.given.limit or PAGE_SIZE
  if size < 1 or size > MAX_PAGE_SIZE then
    local position = options and options.limit ~= nil and 2 or 1
    misuse.argument("all", position, ("limit: 1 to %d expected, got %d"):format(MAX_PAGE_SIZE, size), 2)
  end
  local query = rql.write(parts, { "ordering", "select" })
  local walk = {
    resource = resource, limits = limits, size = size, offset = parts.given.offset or 0,
    prefix = query == "" and "" or query .. "&",
  }
  return entries((isBackwards and backwards or forwards)(walk))
end

--- GenericResource:first.
function paging.first(resource, filters, options, callOptions, ...)
  checkCall("first", resource, 3, ...)
  local parts = partsOf("first", filters, options)
  local source = { resource = resource, limits = limitsOf("first", 3, callOptions) }
  parts.written.limit = "limit=1"
  local query = rql.write(parts, { "ordering", "select", "limit", "offset" })
  local page, failure = fetchFrom(source, query, parts.given.offset or 0)
  if not page then return nil, failure end
  if page.entries[1] == nil then return nil end
  return page.entries[1], page.reply
end

--- GenericResource:count.
function paging.count(resource, filters, callOptions, ...)
  checkCall("count", resource, 2, ...)
  local parts = partsOf("count", filters)
  local source = { resource = resource, limits = limitsOf("count", 2, callOptions) }
  parts.written.limit = "limit=0"
  return fetchTotal(source, rql.write(parts, { "limit" }))
end

return paging
