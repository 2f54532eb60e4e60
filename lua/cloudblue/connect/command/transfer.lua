--- Words about files on their way: how large they are, and on a terminal how far.

local terminal = require "cloudblue.connect.command.terminal"

local transfer = {}

-- Seconds between two drawings.
local INTERVAL <const> = 0.2

local UNITS <const> = { "kB", "MB", "GB", "TB" }

--- A size in words: "16384 bytes", "3.2 MB".
---@param bytes integer
---@return string
function transfer.size(bytes)
  if bytes < 100000 then return bytes == 1 and "1 byte" or bytes .. " bytes" end
  local size, unit = bytes, 0
  while size >= 999.5 and UNITS[unit + 1] do size, unit = size / 1000, unit + 1 end
  return (size < 9.95 and "%.1f %s" or "%.0f %s"):format(size, UNITS[unit])
end

--- Shows on stderr how far a file is, where that is a terminal.
---@param now fun(): number seconds
---@return fun(done: integer, total: integer?)? onProgress for a call; nil where stderr is no terminal
---@return fun() clear takes the line away
function transfer.progress(now)
  if not terminal.redraws(io.stderr) then return nil, function() end end
  local last, isDrawn = now(), false
  local function show(done, total)
    if now() - last < INTERVAL then return end
    last, isDrawn = now(), true
    local share = total and total > 0 and (" of %s, %d%%"):format(transfer.size(total), done * 100 // total) or ""
    io.stderr:write("\r", transfer.size(done), share, "\27[K")
  end
  return show, function() if isDrawn then io.stderr:write "\r\27[K" end end
end

return transfer
