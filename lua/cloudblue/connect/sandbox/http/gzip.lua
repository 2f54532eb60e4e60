--- Packs bytes as gzip does (RFC 1952), without making them fewer: in stored blocks (RFC 1951).

local gzip = {}

--- The most that a stored block holds.
local MAX_BLOCK = 65535

local TABLE = {}
for byte = 0, 255 do
  local remainder = byte
  for _ = 1, 8 do
    remainder = remainder & 1 == 1 and 0xEDB88320 ~ remainder >> 1 or remainder >> 1
  end
  TABLE[byte] = remainder
end

local function checksum(bytes)
  local sum = 0xFFFFFFFF
  for index = 1, #bytes do
    sum = TABLE[(sum ~ bytes:byte(index)) & 0xFF] ~ sum >> 8
  end
  return sum ~ 0xFFFFFFFF
end

--- Packs bytes.
---@param bytes string
---@return string packed
function gzip.pack(bytes)
  local pieces = { "\x1F\x8B\8\0\0\0\0\0\0\xFF" }
  for first = 1, math.max(#bytes, 1), MAX_BLOCK do
    local block = bytes:sub(first, first + MAX_BLOCK - 1)
    local isLast = first + MAX_BLOCK > #bytes
    pieces[#pieces + 1] = string.pack("<BI2I2", isLast and 1 or 0, #block, ~#block & 0xFFFF) .. block
  end
  pieces[#pieces + 1] = string.pack("<I4I4", checksum(bytes), #bytes & 0xFFFFFFFF)
  return table.concat(pieces)
end

return gzip
