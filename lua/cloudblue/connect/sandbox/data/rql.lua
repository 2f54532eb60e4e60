--- Reads a query in RQL, the filter language of Connect, into a tree.
---
--- The grammar, after percent-decoding of the whole query:
---
---     query    = [terms]
---     terms    = term {("&" | ",") term}                      all of them
---     term     = "(" terms ")" | "(" term {("|" | ";") term} ")"
---              | ("and" | "or") "(" term "," term {"," term} ")" | "not(" term ")"
---              | ("eq"|"ne"|"gt"|"ge"|"lt"|"le"|"like"|"ilike") "(" field "," value ")"
---              | ("in" | "out") "(" field ",(" value {"," value} "))"
---              | field "=" value | field "=" comparison "=" value
---              | ("ordering" | "select") "(" [sign field {"," sign field}] ")"
---     value    = "null()" | "empty()" | a quoted string | a bare word
---
--- A field starts with a letter of ASCII and goes on with letters, digits and _-. ; a bare word starts with a letter,
--- a digit or one of _-*+\ and goes on with these, spaces and .:@ (a byte above 127 counts as a letter, as the
--- service's \w takes letters of every alphabet). A quoted string is between two " or two ' and has no escapes.
---
--- A node of the tree is {op="and"|"or", ...terms}, {op="not", term}, {op=comparison, field=, value=},
--- {op="in"|"out", field=, values=}, {op="ordering"|"select", fields={{name=, minus=}, ...}}.

local rql = {}

--- The values null() and empty().
rql.NULL = setmetatable({}, { __tostring = function() return "null()" end })
rql.EMPTY = setmetatable({}, { __tostring = function() return "empty()" end })

local COMPARISONS = { eq = true, ne = true, gt = true, ge = true, lt = true, le = true }
local SEARCHES = { like = true, ilike = true }
local LISTINGS = { ["in"] = true, out = true }
local LOGICALS = { ["and"] = true, ["or"] = true }
local PROPERTIES = { ordering = true, select = true }

local FIELD = "^[%a][%w_%-%.\128-\255]*"
local BARE = "^[%w_%-%*%+\\\128-\255][%w_%-%*%+\\%s%.:@\128-\255]*"

--- Deeper nesting is refused: no person writes it, and the reader calls itself.
local MAX_DEPTH = 100

local Reader = {}
Reader.__index = Reader

--- Gives up. The error is a table, so that it can't be confused with a mistake in the reader.
local function fail(reader, wanted)
  local rest = reader.text:sub(reader.at, reader.at + 19)
  local found = rest == "" and "the end" or "'" .. rest .. "'"
  error({ problem = string.format("%s expected at character %d, found %s", wanted, reader.at, found) }, 0)
end

function Reader:peek(text)
  return self.text:sub(self.at, self.at + #text - 1) == text
end

function Reader:skip(text)
  if self:peek(text) then
    self.at = self.at + #text
    return true
  end
  return false
end

function Reader:need(text)
  if not self:skip(text) then
    fail(self, "'" .. text .. "'")
  end
end

function Reader:match(pattern)
  local found = self.text:match(pattern, self.at)
  self.at = found and self.at + #found or self.at
  return found
end

function Reader:field()
  return self:match(FIELD) or fail(self, "a field")
end

function Reader:value()
  if self:skip("null()") then
    return rql.NULL
  elseif self:skip("empty()") then
    return rql.EMPTY
  end
  local quoted = self:match("^\"[^\"]*\"") or self:match("^'[^']*'")
  return quoted and quoted:sub(2, -2) or self:match(BARE) or fail(self, "a value")
end

local function list(reader, read, separator)
  local entries = {}
  repeat
    entries[#entries + 1] = read(reader)
  until not reader:skip(separator)
  return entries
end

local function signedField(reader)
  local sign = reader:match("^[+-]")
  return { name = reader:field(), minus = sign == "-" }
end

--- What follows "name(" for each kind of operator.
function Reader:operator(name)
  local node = { op = name }
  if COMPARISONS[name] or SEARCHES[name] then
    node.field = self:field()
    self:need(",")
    node.value = self:value()
  elseif LISTINGS[name] then
    node.field = self:field()
    self:need(",(")
    node.values = list(self, self.value, ",")
    self:need(")")
  elseif PROPERTIES[name] then
    node.fields = self:peek(")") and {} or list(self, signedField, ",")
  elseif LOGICALS[name] then
    node = list(self, self.term, ",")
    if #node < 2 then
      fail(self, "','")
    end
    node.op = name
  elseif name == "not" then
    node[1] = self:term()
  else
    self.at = self.at - #name - 1
    fail(self, "an operator")
  end
  self:need(")")
  return node
end

--- A group in parentheses: alternatives, or terms that all hold.
function Reader:group()
  local first = self:term()
  local node
  if self:peek("|") or self:peek(";") then
    node = { op = "or", first }
    while self:skip("|") or self:skip(";") do
      node[#node + 1] = self:term()
    end
  else
    node = self:conjunction(first)
  end
  self:need(")")
  return node
end

function Reader:term()
  self.depth = self.depth + 1
  if self.depth > MAX_DEPTH then
    error({ problem = "the filter is nested too deeply" }, 0)
  end
  local node
  if self:skip("(") then
    node = self:group()
  else
    local name = self:field()
    if self:skip("(") then
      node = self:operator(name)
    else
      self:need("=")
      local comparison = self.text:match("^(%l+)=", self.at)
      local known = COMPARISONS[comparison] or SEARCHES[comparison]
      self.at = known and self.at + #comparison + 1 or self.at
      node = { op = known and comparison or "eq", field = name, value = self:value() }
    end
  end
  self.depth = self.depth - 1
  return node
end

--- The rest of a list of terms that all have to hold.
function Reader:conjunction(first)
  local node = { op = "and", first }
  while self:skip("&") or self:skip(",") do
    node[#node + 1] = self:term()
  end
  return node[2] and node or first
end

--- Reads a query.
---@param text string percent-decoded already
---@return table|nil tree an "and" node, whatever the query says
---@return string? problem what is wrong and where
function rql.parse(text)
  local reader = setmetatable({ text = text, at = 1, depth = 0 }, Reader)
  local ok, tree = pcall(function()
    if text == "" then
      return { op = "and" }
    end
    local node = reader:conjunction(reader:term())
    if reader.at <= #text then
      fail(reader, "'&' or the end")
    end
    return node.op == "and" and node or { op = "and", node }
  end)
  if ok then
    return tree
  elseif type(tree) == "table" then
    return nil, tree.problem
  end
  return error(tree, 0)
end

return rql
