--- Random texts for the readers that are written in Lua: grown from seeds, as a fuzzer without coverage does it.
---
--- A reader is tried with a check that holds what it read against somebody else's reading of the same text, and that
--- raises where they differ. Which texts come depends on the seed of the random numbers alone.

local multipart = require "cloudblue.connect.sandbox.http.multipart"
local paging = require "cloudblue.connect.paging"
local sandboxRql = require "cloudblue.connect.sandbox.data.rql"
local grammar = require "spec.support.rqlreader"

local luafuzz = {}

local BYTES = "\"'\\()[]{},;:/&|=%*+-.<>@?# \t\r\n\0\127\128\255\xC2\xE20123456789aeINnotequllistkrd"

local random = math.random

local function byte()
  if random(4) == 1 then return string.char(random(0, 255)) end
  local at = random(#BYTES)
  return BYTES:sub(at, at)
end

--- Changes a few places of a text.
---@param text string
---@param other string another seed, to take pieces from
---@return string
function luafuzz.change(text, other)
  for _ = 1, random(4) do
    local from = random(#text + 1)
    local to = math.min(#text, from + random(0, 8))
    local kind = random(5)
    local piece = ""
    if kind == 1 then
      piece = byte()
    elseif kind == 2 then
      piece = text:sub(from, to):rep(random(0, 3))
    elseif kind == 3 then
      local at = random(#other + 1)
      piece = other:sub(at, at + random(12))
    elseif kind == 4 then
      to = from - 1
      piece = byte()
    end
    text = text:sub(1, from - 1) .. piece .. text:sub(to + 1)
  end
  return #text > 4000 and text:sub(1, 4000) or text
end

-- ==== Content-Range =================================================================================================

local function numbers(text)
  local list = {}
  for digits in text:gmatch "%d+" do list[#list + 1] = tonumber(digits) end
  return list
end

local function checkContentRange(text)
  local total, first, last = paging.readContentRange(text)
  local read = {}
  for _, value in ipairs { first or false, last or false, total or false } do
    if value then
      assert(math.type(value) == "integer" and value >= 0, "no natural number")
      read[#read + 1] = value
    end
  end
  assert((first == nil) == (last == nil), "half a range")
  if #read == 0 then return false end
  -- Nothing is read into the header that does not stand there, and nothing is passed over.
  assert(table.concat(read, " ") == table.concat(numbers(text), " "), "other numbers")
  assert(not first or first <= last, "a range that ends before it begins")
  return true
end

-- ==== RQL ===========================================================================================================

-- What the narrow reader of the specs takes for a query, the sandbox's takes too; and what it refuses, it explains.
local function checkRql(text)
  local tree, problem = sandboxRql.parse(grammar.decode(text))
  assert(tree and tree.op == "and" or type(problem) == "string" and #problem > 0, "neither read nor refused")
  if not text:find "[%c ]" then
    assert(not grammar.read(text) or tree, problem)
  end
  return tree ~= nil
end

-- ==== multipart/form-data ===========================================================================================

local function readForm(text, nextSize)
  local parts = {}
  local parser = multipart.new("B", function(part)
    local seen = { tostring(part.name), tostring(part.filename), tostring(part.type), "" }
    parts[#parts + 1] = seen
    return function(bytes) seen[4] = seen[4] .. bytes end
  end)
  local at, ok, problem = 1, true, nil
  while ok and at <= #text do
    local size = nextSize()
    ok, problem = parser:feed(text:sub(at, at + size - 1))
    at = at + size
  end
  if ok then ok, problem = parser:finish() end
  assert(ok or type(problem) == "string" and #problem > 0, "neither read nor refused")
  for i, part in ipairs(parts) do parts[i] = table.concat(part, "|") end
  return ok, table.concat(parts, "\n")
end

-- However the bytes are cut into pieces, the same parts come.
local function checkForm(text)
  local ok, whole = readForm(text, function() return #text end)
  local okToo, pieces = readForm(text, function() return random(1, 9) end)
  assert(not ok == not okToo, "read in one way and refused in another")
  assert(not ok or whole == pieces, "other parts")
  return ok
end

-- ==== Trying ========================================================================================================

--- The readers: name → { seeds, check }, where check raises, or says whether the text was taken.
luafuzz.readers = {
  ["Content-Range"] = {
    seeds = { "items 0-99/1234", "items */0", "items 0-99/*", "items 5-5/6", "bytes 0-0/1", " items  10-19/20 ", "",
      "items 0-99/999999999999999", "items 9-1/5", "items 0-9/5" },
    check = checkContentRange,
  },
  ["RQL"] = {
    seeds = { "eq(status,approved)&limit=3", "in(id,(UR-1,UR-2))&ordering(-id,+name)",
      "(((eq(a,1))|(eq(b,2)))|not(c=d))", "and(eq(a,null()),or(ne(b,empty()),gt(c,1)))",
      "name=%22a%20b%22,like(x,*y*)",
      "out(a,('x','y'))&select(-b)&d=ge=5", "a=lt=2026-01-01T00:00:00&ilike(n,*\\**)", "" },
    check = checkRql,
  },
  ["multipart/form-data"] = {
    seeds = {
      '--B\r\nContent-Disposition: form-data; name="usage_file"; filename="u.xlsx"\r\nContent-Type: x/y\r\n\r\nabc\r\n'
        .. "--B--\r\n",
      '--B\r\ncontent-disposition: form-data; name=note\r\n\r\n\r\n--B\r\nContent-Disposition: form-data; name="a\\"b"'
        .. "\r\n\r\n\r\n-\r\n--\r\n--C\r\n--B--",
      "--B--",
    },
    check = checkForm,
  },
}

--- Tries a reader.
---@param name string
---@param more fun(count: integer): boolean whether to go on after so many texts
---@return integer texts how many were tried
---@return integer taken how many of them the reader took
function luafuzz.try(name, more)
  local reader = luafuzz.readers[name]
  local pool, texts, taken = table.move(reader.seeds, 1, #reader.seeds, 1, {}), 0, 0
  while more(texts) do
    texts = texts + 1
    local text = reader.seeds[texts] or luafuzz.change(pool[random(#pool)], pool[random(#pool)])
    local ok, result = pcall(reader.check, text)
    if not ok then error(("%s, in a reader of %s: %q"):format(tostring(result), name, text), 0) end
    if result then
      taken = taken + 1
      -- What is well formed grows on.
      if #pool < 500 then pool[#pool + 1] = text else pool[random(#reader.seeds + 1, #pool)] = text end
    end
  end
  return texts, taken
end

return luafuzz
