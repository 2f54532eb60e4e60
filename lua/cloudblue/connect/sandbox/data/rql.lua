--- Reads a query in RQL, the filter language of Connect, into a tree.
---
--- The grammar, after percent-decoding of the whole query:
---
---     query    = [terms]
---     terms    = term {("&" | ",") term}                      all of them
---     term     = simple | "not(" simple ")" | group
---              | ("and" | "or") "(" term "," terms ")"
---     group    = "(" terms ")" | "(" terms {"|" terms} ")" | "(" terms {";" terms} ")"
---     simple   = ("eq"|"ne"|"gt"|"ge"|"lt"|"le"|"like"|"ilike") "(" field "," value ")"
---              | ("in" | "out") "(" field ",(" value {"," value} "))"
---              | field "=" value | field "=" ("eq"|"ne"|"gt"|"ge"|"lt"|"le") "=" value
---              | ("ordering" | "select") "(" [sign field {"," sign field}] ")"
---              | "(" simple ")"
---     value    = "null()" | "empty()" | a quoted string | a bare word
---
--- It is the service's own (cloudblue/lib-rql, py_rql/grammar.py) without tuples, t(…). Where that is narrower than one
--- expects, this is, too; else a filter would pass here that the service refuses, or reads as another one:
---
---   * `not(…)` takes no group.
---   * `or(a,b,c)` is a, or both b and c: from the second argument on, a comma joins what must all hold.
---   * Brackets are put once more around `(a|b)`, `(a,b)`, `and(…)` and `or(…)` at most, never around `(a&b)` and
---     `not(…)`.
---   * The bare word `t` is no value and begins no term.
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

--- Begins a tuple.
local TUPLE = "t"

--- Deeper nesting is refused: no person writes it, and the reader calls itself.
local MAX_DEPTH = 100

--- How many pairs of brackets may be put around a term as it stands.
local NO_MORE, ONE_MORE, ANY = 0, 1, math.huge

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

function Reader:bareWord()
  local at = self.at
  local word = self:match(BARE)
  if word == TUPLE then
    self.at = at
    return nil
  end
  return word
end

function Reader:value()
  if self:skip("null()") then
    return rql.NULL
  elseif self:skip("empty()") then
    return rql.EMPTY
  end
  local quoted = self:match("^\"[^\"]*\"") or self:match("^'[^']*'")
  return quoted and quoted:sub(2, -2) or self:bareWord() or fail(self, "a value")
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

function Reader:negation()
  local at = self.at
  local node, brackets = self:term()
  if brackets < ANY then
    self.at = at
    fail(self, "a comparison")
  end
  return { op = "not", node }
end

function Reader:logical(name)
  local first = self:term()
  self:need(",")
  local rest = self:conjunction(self:term())
  if name == "or" or rest.op ~= "and" then
    return { op = name, first, rest }
  end
  table.insert(rest, 1, first)
  return rest
end

--- What follows "name(" for each kind of operator. Gives how many brackets may stand around it, too.
function Reader:operator(name)
  local node, brackets = { op = name }, ANY
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
    node, brackets = self:logical(name), ONE_MORE
  elseif name == "not" then
    node, brackets = self:negation(), NO_MORE
  else
    self.at = self.at - #name - 1
    fail(self, "an operator")
  end
  self:need(")")
  return node, brackets
end

--- The rest of alternatives.
function Reader:alternatives(first)
  local separator = self:match("^[|;]")
  local node = { op = "or", first }
  repeat
    node[#node + 1] = self:conjunction(self:term())
  until not self:skip(separator)
  return node
end

--- What follows "(": alternatives, terms that all hold, or one term. Gives how many brackets may stand around it, too.
function Reader:group()
  local node, brackets = self:term()
  if self:peek(")") and brackets == NO_MORE then
    fail(self, "'&', ',', '|' or ';'")
  end
  brackets = self:peek(",") and ONE_MORE or self:peek("&") and NO_MORE or brackets - 1
  node = self:conjunction(node)
  if self:peek("|") or self:peek(";") then
    node, brackets = self:alternatives(node), ONE_MORE
  end
  self:need(")")
  return node, brackets
end

--- Gives a term, and how many brackets may stand around it.
function Reader:term()
  self.depth = self.depth + 1
  if self.depth > MAX_DEPTH then
    error({ problem = "the filter is nested too deeply" }, 0)
  end
  local node, brackets
  if self:skip("(") then
    node, brackets = self:group()
  else
    local name = self:field()
    if self:skip("(") then
      node, brackets = self:operator(name)
    else
      node, brackets = self:equation(name), ANY
    end
  end
  self.depth = self.depth - 1
  return node, brackets
end

--- What follows a field's name where that is no operator's.
function Reader:equation(name)
  if name == TUPLE then
    fail(self, "'('")
  end
  self:need("=")
  local comparison = self.text:match("^(%l+)=", self.at)
  local known = COMPARISONS[comparison]
  self.at = known and self.at + #comparison + 1 or self.at
  return { op = known and comparison or "eq", field = name, value = self:value() }
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
