--- Bodies that are written in pieces: generated downloads and the bytes of uploads.
---
--- A content is a table {type=, length=, each=}: `each()` returns an iterator over its pieces, strings
--- that together have `length` bytes. Every iteration has the same bytes.

local content = {}

--- The media type of everything that can be downloaded here.
content.XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

local BLOCK = 65536

--- A block of bytes that depends on the name alone; it holds every value of a byte.
local function block(name)
  local state, bytes = 2166136261, {}
  for index = 1, #name do
    state = ((state ~ name:byte(index)) * 16777619) & 0xffffffff
  end
  for index = 1, BLOCK / 4 do
    state = (state * 1664525 + 1013904223) & 0xffffffff
    bytes[index] = string.pack("<I4", state)
  end
  return table.concat(bytes)
end

--- Bytes as hexadecimal digits.
---@param bytes string
---@return string
function content.hex(bytes)
  return (bytes:gsub(".", function(byte)
    return string.format("%02x", byte:byte())
  end))
end

--- A generated file: deterministic bytes that start like a ZIP archive (as every XLSX file does) and
--- hold neither sheets nor records.
---@param name string what the bytes depend on
---@param length integer
---@return table content
function content.generated(name, length)
  local unit = block(name)
  local first = ("PK\3\4" .. unit:sub(5)):sub(1, length)
  return {
    type = content.XLSX,
    length = length,
    each = function()
      local done = 0
      return function()
        if done >= length then
          return nil
        end
        local piece = done == 0 and first or unit:sub(1, length - done)
        done = done + #piece
        return piece
      end
    end,
  }
end

return content
