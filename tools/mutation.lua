--- Where a source file can be changed so that a test ought to notice: the pure part of tools/mutants.lua.
---
--- A site is `{ first =, last =, text =, what = }`: the bytes that are replaced, by what, and in words. It is found in
--- the text with comments, strings and lines of the preprocessor blanked out, so it is always in code.

local mutation = {}

-- ---------------------------------------------------------------- what is no code

-- The last byte of the string that begins at `at`.
local function stringEnd(text, at)
  local quote, p = text:sub(at, at), at + 1
  while p <= #text and text:sub(p, p) ~= quote do
    p = p + (text:sub(p, p) == "\\" and 2 or 1)
  end
  return p
end

-- The last byte of what begins at `at` and is no code; nil for code.
local skip = {}

function skip.c(text, at)
  if text:find("^[\"']", at) then return stringEnd(text, at) end
  local _, last = text:find("^/%*.-%*/", at)
  if not last then _, last = text:find("^//[^\n]*", at) end
  if not last and text:find("^#", at) and not text:sub(1, at - 1):match("[^\n]*$"):find("%S") then
    _, last = text:find("^[^\n]*", at)
    while text:sub(last, last) == "\\" do _, last = text:find("^\n[^\n]*", last + 1) end
  end
  return last
end

function skip.lua(text, at)
  if text:find("^[\"']", at) then return stringEnd(text, at) end
  local _, last = text:find("^%-%-%[(=*)%[.-%]%1%]", at)
  if not last then _, last = text:find("^%-%-[^\n]*", at) end
  if not last then _, last = text:find("^%[(=*)%[.-%]%1%]", at) end
  return last
end

--- The text with all that is no code replaced by blanks; every other byte keeps its place.
---@param text string
---@param language "c"|"lua"
---@return string
function mutation.code(text, language)
  local parts, at = {}, 1
  while at <= #text do
    local last = skip[language](text, at)
    table.insert(parts, last and text:sub(at, last):gsub("[^\n]", " ") or text:sub(at, at))
    at = (last or at) + 1
  end
  return table.concat(parts)
end

-- ---------------------------------------------------------------- what can be changed

-- Words of a line, between blanks, and what may stand for each.
local WORDS <const> = {
  ["=="] = { "!=" }, ["!="] = { "==" }, ["~="] = { "==" },
  ["<"] = { "<=", ">=" }, ["<="] = { "<", ">" }, [">"] = { ">=", "<=" }, [">="] = { ">", "<" },
  ["&&"] = { "||" }, ["||"] = { "&&" }, ["and"] = { "or" }, ["or"] = { "and" },
  ["+"] = { "-" }, ["-"] = { "+" }, ["+="] = { "-=" }, ["-="] = { "+=" },
}

local NAMES <const> = { ["true"] = "false", ["false"] = "true" }

-- Patterns with captures at both ends of what is replaced, what stands there instead, and what that is called.
local PATTERNS <const> = {
  c = {
    { "()%+%+()", "--" },
    { "()!()[%a_(]", "", "a negation dropped" },
    { "if ()%b()() ", function(condition) return "(!" .. condition .. ")" end, "a condition negated" },
    { "\n    +()return[^;\n]*;()", ";", "an early return dropped" },
    { "if %b() ()return[^;\n]*;()", ";", "an early return dropped" },
    { "\n +()[%a_*][^;{}\n]*[=(+-][^;{}\n]*;()\n", ";", "a statement dropped" },
  },
  lua = {
    { "%f[%a]()not ()", "", "a negation dropped" },
    { "if ()[^\n]-() then", function(condition) return "not (" .. condition .. ")" end, "a condition negated" },
    { "\n    +()return%f[^%w_][^\n]*()", "", "an early return dropped" },
    { "then ()return%f[^%w_][^\n]-() end\n", "", "an early return dropped" },
    { "\n +()[%a_][%w_.:]*%b()()\n", "", "a statement dropped" },
    { "\n +()[%a_][%w_.]* = [^\n]*[^,\n]()\n", "", "a statement dropped" },
  },
}

-- `==` for Lua's `~=`, and the like.
local function other(language, word)
  return language == "lua" and word == "!=" and "~=" or word
end

local function addWords(sites, code, language)
  for first, word in code:gmatch("()%f[%S](%S+)") do
    for _, text in ipairs(WORDS[word] or {}) do
      table.insert(sites, { first = first, last = first + #word - 1, text = other(language, text) })
    end
  end
  for first, name in code:gmatch("()%f[%w_](%l+)%f[^%w_]") do
    if NAMES[name] then table.insert(sites, { first = first, last = first + #name - 1, text = NAMES[name] }) end
  end
  for first, digits in code:gmatch("()%f[%w_.](%d+)%f[^%w_.]") do
    local n = tonumber(digits)
    local text = n == 1 and "0" or ("%d"):format(n + 1)
    table.insert(sites, { first = first, last = first + #digits - 1, text = text })
  end
end

-- Matches may share bytes (a line's end is the next one's beginning): each is looked for from the start of the last.
local function addPattern(sites, text, code, pattern, replacement, what)
  local at = 1
  while true do
    local found, _, first, after = code:find(pattern, at)
    if not found then return end
    local old = text:sub(first, after - 1)
    local new = type(replacement) == "function" and replacement(old) or replacement
    table.insert(sites, { first = first, last = after - 1, text = new, what = what })
    at = found + 1
  end
end

--- All sites of a source file.
---@param text string
---@param language "c"|"lua"
---@return table[] sites in no order that means anything, but always the same
function mutation.sites(text, language)
  local sites, code = {}, mutation.code(text, language)
  addWords(sites, code, language)
  for _, pattern in ipairs(PATTERNS[language]) do addPattern(sites, text, code, table.unpack(pattern)) end
  for _, site in ipairs(sites) do
    site.line = select(2, text:sub(1, site.first):gsub("\n", "")) + 1
    site.what = site.what or ("%s for %s"):format(site.text, text:sub(site.first, site.last))
  end
  return sites
end

--- The text with a site changed.
---@param text string
---@param site table
---@return string
function mutation.apply(text, site)
  return text:sub(1, site.first - 1) .. site.text .. text:sub(site.last + 1)
end

--- The lines that a site changes, as they were and as they are then.
---@param text string
---@param site table
---@return string before
---@return string after
function mutation.lines(text, site)
  local first = #(text:sub(1, site.first - 1):match("^.*\n") or "")
  local last = text:find("\n", site.last, true) or #text + 1
  local changed = mutation.apply(text, site)
  return text:sub(first + 1, last - 1), changed:sub(first + 1, last - 1 + #changed - #text)
end

return mutation
