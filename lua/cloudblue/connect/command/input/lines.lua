--- The lines of a file, one after the other: memory is bounded, whatever the file is.

local lines = {}

-- Bytes that are read at once, and that a line has at most.
local BLOCK <const>, LONGEST <const> = 65536, 1024 * 1024

local UTF8_MARK <const> = "\xEF\xBB\xBF"

-- What is wrong with the beginning of a file; nil where nothing is.
local function problemOfStart(bytes)
  if bytes:find "^\xFF\xFE" or bytes:find "^\xFE\xFF" then return "this is UTF-16: save it as UTF-8" end
  return nil
end

-- Refuses what JSON could not carry. Returns the first wrong byte's place in the line.
local function problemOfLine(line)
  local length, wrong = utf8.len(line)
  if length then return nil end
  return "this is no UTF-8: save the file as UTF-8", wrong
end

--- How many characters stand before a byte of a line, and one more: a column, as editors count them.
---@param line string
---@param position integer of the byte
---@return integer column
function lines.column(line, position)
  return (utf8.len(line:sub(1, position - 1)) or position - 1) + 1
end

--- Reads the lines of a file. A mark of UTF-8 at its beginning is left out.
---@param file file*
---@return fun(): string?, integer, string?, integer? next the line with its end, nil after the last; its number; where
--- it is wrong the problem, and the column
function lines.of(file)
  local buffer, first, number, ended = "", 1, 0, false

  -- Reads on; the rest of the buffer stays.
  local function more()
    local block, problem = file:read(BLOCK)
    if problem then return problem end
    local begins = number == 0 and buffer == ""
    buffer, first, ended = buffer:sub(first) .. (block or ""), 1, block == nil
    if begins then
      problem = problemOfStart(buffer)
      if buffer:sub(1, 3) == UTF8_MARK then first = 4 end
    end
    return problem
  end

  local function take(last)
    local line = buffer:sub(first, last)
    first, number = last + 1, number + 1
    local problem, wrong = problemOfLine(line)
    if problem then return nil, number, problem, lines.column(line, wrong) end
    return line, number
  end

  return function()
    while true do
      local last = buffer:find("\n", first, true)
      if last then return take(last) end
      if ended then
        if first > #buffer then return nil, number end
        return take(#buffer)
      end
      if #buffer - first >= LONGEST then
        return nil, number + 1, ("this line has more than %d bytes"):format(LONGEST), 1
      end
      local problem = more()
      if problem then return nil, number + 1, problem, 1 end
    end
  end
end

return lines
