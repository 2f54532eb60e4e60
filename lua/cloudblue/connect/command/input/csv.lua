--- CSV as in RFC 4180: a header, commas, fields in quotes where they have commas, quotes or line breaks. Lines end with
--- CRLF or LF. What stands outside of these rules is refused by its place: a guess could bill the wrong record.

local lines = require "cloudblue.connect.command.input.lines"

local find, sub = string.find, string.sub

local csv = {}

-- Lines that a field in quotes may go on for; one more has lost its closing quote.
local MOST_LINES <const> = 1000

local LONE_RETURN <const> = "a carriage return without a line feed: lines end with CRLF or LF"

local Rows = {}
Rows.__index = Rows

-- The end of a line's content.
local function contentEnd(line)
  local last = #line
  if line:byte(last) == 10 then
    last = last - 1
    if line:byte(last) == 13 then last = last - 1 end
  end
  return last
end

-- A problem at a byte of the line that was read last.
local function wrong(rows, position, problem)
  return nil, problem, rows.number, lines.column(rows.line, position)
end

-- Reads on. Returns false at the end of the file; nil, the problem and its place.
local function advance(rows)
  local line, number, problem, column = rows.nextLine()
  if not line then
    if problem then return nil, problem, number, column end
    return false
  end
  rows.line, rows.number, rows.stop = line, number, contentEnd(line)
  return true
end

-- Reads a field in quotes that begins at `position`. Returns it, and the position behind it.
local function quotedField(rows, position)
  local beginning, beginningLine, parts = position, rows.line, {}
  local number = rows.number
  local from = position + 1
  while true do
    local quote = rows.line:find('"', from, true)
    if quote and rows.line:byte(quote + 1) == 34 then
      parts[#parts + 1] = rows.line:sub(from, quote)
      from = quote + 2
    elseif quote then
      parts[#parts + 1] = rows.line:sub(from, quote - 1)
      return table.concat(parts), quote + 1
    else
      parts[#parts + 1] = rows.line:sub(from)
      local more, problem, place, column = advance(rows)
      if more == nil then return nil, problem, place, column end
      if not more or rows.number - number > MOST_LINES then
        return nil, "the quote that begins here is not closed", number, lines.column(beginningLine, beginning)
      end
      from = 1
    end
  end
end

-- Reads a field without quotes that begins at `position`.
local function plainField(rows, position)
  local comma = rows.line:find(",", position, true)
  local last = comma and comma - 1 or rows.stop
  local field = rows.line:sub(position, last)
  local quote = field:find('"', 1, true)
  if quote then
    return wrong(rows, position + quote - 1,
      'a quote within a field: write the field in quotes, and "" for a quote in it')
  end
  local lone = field:find("\r", 1, true)
  if lone then return wrong(rows, position + lone - 1, LONE_RETURN) end
  return field, last + 1
end

-- Splits the line, field by field, and notes their places: line number, line, byte. Columns are counted when somebody
-- asks, for that goes through the line from its beginning.
local function splitQuoted(rows)
  local fields, position = {}, 1
  rows.places = {}
  while true do
    rows.places[#fields + 1] = { rows.number, rows.line, position }
    local read = rows.line:byte(position) == 34 and quotedField or plainField
    local field, behind, number, column = read(rows, position)
    if not field then return nil, behind, number, column end
    fields[#fields + 1] = field
    if behind > rows.stop then return fields end
    if rows.line:byte(behind) ~= 44 then return wrong(rows, behind, "text behind a closing quote") end
    position = behind + 1
  end
end

-- Splits a line that has no quotes.
local function splitPlain(rows)
  rows.places = nil
  local lone = rows.line:find("\r", 1, true)
  if lone and lone <= rows.stop then return wrong(rows, lone, LONE_RETURN) end
  local line, fields, count, position = rows.line, {}, 0, 1
  while true do
    local comma = find(line, ",", position, true)
    count = count + 1
    fields[count] = sub(line, position, comma and comma - 1 or rows.stop)
    if not comma then return fields end
    position = comma + 1
  end
end

--- The fields of the next row. Empty lines are left out.
---@return string[]|nil fields nil after the last
---@return string? problem beside nil, where the file is wrong; its line and column behind it
---@return integer? line
---@return integer? column
function Rows:next()
  repeat
    local more, problem, number, column = advance(self)
    if not more then return nil, problem, number, column end
  until self.stop > 0
  self.first = self.number
  return (self.line:find('"', 1, true) and splitQuoted or splitPlain)(self)
end

--- Where a field of the last row begins.
---@param index integer
---@return integer line
---@return integer column
function Rows:place(index)
  if self.places then
    local place = self.places[index]
    if not place then return self.first, 1 end
    return place[1], lines.column(place[2], place[3])
  end
  local position = 1
  for _ = 2, index do position = (self.line:find(",", position, true) or position - 1) + 1 end
  return self.number, lines.column(self.line, position)
end

--- Reads the rows of a file.
---@param file file*
---@return table rows with `next` and `place`
function csv.rows(file)
  return setmetatable({ nextLine = lines.of(file) }, Rows)
end

return csv
