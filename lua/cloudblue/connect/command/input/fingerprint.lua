--- Numbers that stand for texts, to find out which may be the same without keeping them. Alike texts have one number;
--- texts that differ have another one nearly always, so whoever acts on it looks closer.

local unpack = string.unpack

-- An odd number, so that what is multiplied by it stays apart.
local FACTOR <const> = -7046029254386353131

-- How the last 0 to 7 bytes are read.
local REST <const> = { "<I1", "<I2", "<I3", "<I4", "<I5", "<I6", "<I7" }

--- Adds a text to a number.
---@param number integer 0 at first
---@param text string? nil is another text than ""
---@return integer number
local function fingerprint(number, text)
  local length = text and #text or -1
  local position = 1
  while position + 7 <= length do
    number = (number ~ unpack("<i8", text, position)) * FACTOR
    number = number ~ (number >> 32)
    position = position + 8
  end
  local rest = length - position + 1
  if rest > 0 then number = (number ~ unpack(REST[rest], text, position)) * FACTOR end
  number = (number ~ (number >> 29) ~ length) * FACTOR
  return number ~ (number >> 32)
end

return fingerprint
