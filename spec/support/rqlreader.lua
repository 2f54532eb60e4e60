--- Reads RQL back, for the tests: written from the service's grammar alone, and as narrow as that. It judges what the
--- module writes, so it shares nothing with the sandbox's reader: a mistake of both would hide one. (The fuzzer holds
--- the two against each other.)
--
--   query   := term { ("&" | ",") term }
--   term    := comp | listing | search | signed | not | and | or | bracketed
--   comp    := cmp "(" prop "," val ")" | prop "=" cmp "=" val | prop "=" val        cmp := eq ne gt ge lt le
--   listing := ("in" | "out") "(" prop "," "(" val { "," val } ")" ")"
--   search  := ("like" | "ilike") "(" prop "," val ")"
--   signed  := ("ordering" | "select") "(" [ [sign] prop { "," [sign] prop } ] ")"
--   not     := "not" "(" comparison in any number of brackets ")"
--   and, or := ("and" | "or") "(" term "," query ")"
--   bracketed: a comparison in any number of brackets; `(a&b)` in one pair; `(a|b)`, whose brackets are part
--              of it, in one pair more; a `not` in none
--   val     := prop | "null()" | "empty()" | quoted by " or ' (no escapes) | bare word; a bare `t` is none of these
--
-- The result is a tree of { "and", … }, { "or", … }, { "not", x }, { "eq", field, value }, { "in", field, values… },
-- { "like", field, pattern }, { "ordering", names… }, where a value is a text or a word such as reader.NULL, and a
-- pattern is its text with reader.ANY for every wildcard.

local reader = {}

reader.NULL = setmetatable({}, { __tostring = function() return "null()" end })
reader.EMPTY = setmetatable({}, { __tostring = function() return "empty()" end })

--- Stands for a wildcard in a pattern; no text can hold it.
reader.ANY = "\0"

local COMPARISON = { eq = true, ne = true, gt = true, ge = true, lt = true, le = true }
local LISTING = { ["in"] = true, out = true }
local SEARCH = { like = true, ilike = true }
local SIGNED = { ordering = true, select = true }
local LEAF = { COMPARISON, LISTING, SEARCH, SIGNED }

local Reader = {}
Reader.__index = Reader

function Reader:fail(what)
  error(("%s at byte %d of %s"):format(what, self.at, self.query), 0)
end

function Reader:looking(pattern)
  return self.query:match("^" .. pattern, self.at)
end

function Reader:take(pattern)
  local found = self:looking(pattern)
  if found then self.at = self.at + #found end
  return found
end

function Reader:expect(character)
  if self.query:sub(self.at, self.at) ~= character then self:fail("expected " .. character) end
  self.at = self.at + 1
end

function Reader:prop()
  local name = self:take("[A-Za-z][%w_.\128-\255-]*")
  if not name or name == "t" then self:fail("expected a field's name") end
  return name
end

function Reader:rawValue()
  if self:take("null%(%)") then return reader.NULL end
  if self:take("empty%(%)") then return reader.EMPTY end
  local quote = self:looking("[\"']")
  if quote then
    local found = self:take(quote .. "[^" .. quote .. "]*" .. quote)
    if not found then self:fail("no closing quotation mark") end
    return found:sub(2, -2)
  end
  local word = self:take("[%w_*+\\\128-\255-][%w_.%s:+@*\\\128-\255-]*")
  if not word or word == "t" then self:fail("expected a value") end
  return word
end

-- Two backslashes are one, a backslash and a star are a star, every other star is a wildcard.
function Reader:pattern()
  local text = self:rawValue()
  if type(text) ~= "string" then self:fail("a word is no pattern") end
  local parts, at = {}, 1
  while at <= #text do
    local pair = text:match("^\\[\\*]", at)
    local one = text:sub(at, at)
    parts[#parts + 1] = pair and pair:sub(2) or one == "*" and reader.ANY or one
    at = at + (pair and 2 or 1)
  end
  return table.concat(parts)
end

function Reader:values()
  local values = {}
  self:expect("(")
  repeat values[#values + 1] = self:rawValue() until not self:take(",")
  self:expect(")")
  return values
end

function Reader:signedNames(kind)
  local node = { kind }
  if self:looking("%)") then return node end
  repeat
    local sign = self:take("[+-]") or ""
    node[#node + 1] = (sign == "-" and sign or "") .. self:prop()
  until not self:take(",")
  return node
end

function Reader:arguments(name)
  if SIGNED[name] then return self:signedNames(name) end
  local field = self:prop()
  self:expect(",")
  if LISTING[name] then return { name, field, table.unpack(self:values()) } end
  return { name, field, SEARCH[name] and self:pattern() or self:rawValue() }
end

local function isLeaf(node)
  for _, names in ipairs(LEAF) do
    if names[node[1]] then return true end
  end
  return false
end

function Reader:negation()
  local inner = self:term()
  if not isLeaf(inner) then self:fail("not takes one comparison") end
  return { "not", inner }
end

function Reader:logical(name)
  local first = self:term()
  self:expect(",")
  local rest = self:sequence(self:term(), "[&,]")
  return { name, first, rest, brackets = 0 }
end

function Reader:call(name)
  self:expect("(")
  local node
  if name == "not" then
    node = self:negation()
  elseif name == "and" or name == "or" then
    node = self:logical(name)
  else
    node = self:arguments(name)
  end
  self:expect(")")
  return node
end

function Reader:equation()
  local field = self:prop()
  self:expect("=")
  local comparison = self:looking("(%l%l)=")
  if comparison and COMPARISON[comparison] then
    self.at = self.at + 3
    return { comparison, field, self:rawValue() }
  end
  return { "eq", field, self:rawValue() }
end

-- Terms with one kind of separator between them; `first` alone where there is none of those that may stand there.
function Reader:sequence(first, allowed)
  local separator = self:looking(allowed)
  if not separator then return first end
  local isOr = separator == "|" or separator == ";"
  local same = isOr and separator or "[&,]"
  local node = { isOr and "or" or "and", first }
  while self:take(same) do node[#node + 1] = self:term() end
  return node
end

function Reader:bracketed()
  self:expect("(")
  local first = self:term()
  local node = self:sequence(first, "[&,|;]")
  self:expect(")")
  if isLeaf(node) then return node end
  if node ~= first then
    node.brackets = node[1] == "or" and 0 or 1
  else
    if node[1] == "not" or node.brackets > 0 then self:fail("a bracket too many") end
    node.brackets = node.brackets + 1
  end
  return node
end

function Reader:term()
  if self:looking("%(") then return self:bracketed() end
  local name = self:looking("(%l+)%(")
  if not name then return self:equation() end
  local known = name == "not" or name == "and" or name == "or" or isLeaf { name }
  if not known then self:fail("unknown operator " .. name) end
  self.at = self.at + #name
  return self:call(name)
end

--- Undoes percent-encoding. A `+` stays one, as the service has it.
---@param query string
---@return string
function reader.decode(query)
  return (query:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

--- Reads a query as it stands in a URL.
---@param query string percent-encoded
---@return table? tree, string? problem an empty query is { "and" }
function reader.read(query)
  if query:find("[^A-Za-z0-9_.~*:@!$&'(),;=/?%%+-]") then return nil, "a byte that no URL carries: " .. query end
  if query == "" then return { "and" } end
  local self = setmetatable({ query = reader.decode(query), at = 1 }, Reader)
  local done, result = pcall(function()
    local node = self:sequence(self:term(), "[&,]")
    if self.at <= #self.query then self:fail("more than a query") end
    return node
  end)
  if not done then return nil, result end
  return result
end

local function normal(node, negated)
  local kind = node[1]
  if kind == "not" then return normal(node[2], not negated) end
  if kind ~= "and" and kind ~= "or" then return negated and { "not", node } or node end
  local flat = { negated and (kind == "and" and "or" or "and") or kind }
  for index = 2, #node do
    local child = normal(node[index], negated)
    if child[1] == flat[1] then
      table.move(child, 2, #child, #flat + 1, flat)
    else
      flat[#flat + 1] = child
    end
  end
  return #flat == 2 and flat[2] or flat
end

local function show(node)
  local parts = {}
  for index = 2, #node do
    local part = node[index]
    if part == reader.NULL or part == reader.EMPTY then
      parts[#parts + 1] = tostring(part)
    else
      parts[#parts + 1] = type(part) == "table" and show(part) or ("%q"):format(part)
    end
  end
  if node[1] == "and" or node[1] == "or" then table.sort(parts) end
  return node[1] .. "(" .. table.concat(parts, ", ") .. ")"
end

--- A tree as a text that two trees share when they mean the same: negations at the comparisons, `and` and `or`
--- flattened and without an order, lists in theirs.
---@param tree table
---@return string
function reader.meaning(tree)
  return show(normal(tree, false))
end

return reader
