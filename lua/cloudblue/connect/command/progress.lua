--- How far a run is: on a terminal a bar that is drawn again and again, elsewhere a line now and then.

local terminal = require "cloudblue.connect.command.terminal"

local progress = {}

-- Seconds between two lines where there is no terminal, and between two drawings where there is one.
local LINES <const>, DRAWINGS <const> = 30, 0.2

-- The rate is that of the last seconds.
local WINDOW <const> = 20

local WIDTH <const> = 20

-- Draws from the line's beginning, without going on in a next line where the terminal is too narrow; clears the rest.
local DRAWN <const> = "\r\27[?7l%s\27[K\27[?7h"
local CLEARED <const> = "\r\27[K"

---@class cloudblue.connect.command.Counts
---@field done integer of how many it is known what became of them
---@field total integer
---@field refused integer
---@field unknown integer

local Progress = {}
Progress.__index = Progress

--- Shows the progress of a run on stderr.
---@param now fun(): number seconds
---@param file file* stderr
---@return table progress
function progress.new(now, file)
  local redraws = terminal.redraws(file)
  return setmetatable({
    now = now, file = file, redraws = redraws, paint = terminal.painter(file),
    interval = redraws and DRAWINGS or LINES, last = now(), samples = {}, drawn = false,
  }, Progress)
end

-- Entries a second, of the last seconds; nil where that is not known yet.
local function rateOf(self, counts)
  local samples, now = self.samples, self.now()
  samples[#samples + 1] = { now, counts.done }
  while #samples > 2 and now - samples[1][1] > WINDOW do table.remove(samples, 1) end
  local seconds, done = now - samples[1][1], counts.done - samples[1][2]
  return seconds > 0 and done > 0 and done / seconds or nil
end

--- Seconds in words: "50 s", "4 min", "2 h 05 min".
---@param seconds number
---@return string
function progress.duration(seconds)
  seconds = math.ceil(seconds)
  if seconds < 60 then return ("%d s"):format(seconds) end
  local minutes = (seconds + 59) // 60
  if minutes < 60 then return ("%d min"):format(minutes) end
  return ("%d h %02d min"):format(minutes // 60, minutes % 60)
end

-- "240/s", "3.5/s".
local function inWords(rate)
  return rate < 10 and ("%.1f/s"):format(rate) or ("%.0f/s"):format(rate)
end

-- What matters most comes first: a terminal may be too narrow for all.
local function partsOf(self, counts)
  local rate = rateOf(self, counts)
  local parts = { ("%d of %d"):format(counts.done, counts.total) }
  local function add(text) parts[#parts + 1] = text end
  if counts.refused > 0 then add(self.paint("red", counts.refused .. " refused")) end
  if counts.unknown > 0 then add(self.paint("yellow", counts.unknown .. " unknown")) end
  if rate and counts.done < counts.total then
    add(progress.duration((counts.total - counts.done) / rate) .. " left")
  end
  if rate then add(inWords(rate)) end
  return parts
end

local function bar(self, counts)
  local share = counts.total > 0 and counts.done / counts.total or 1
  local full = math.floor(WIDTH * share)
  return ("[%s%s] %3d%%"):format(self.paint("green", ("#"):rep(full)), ("-"):rep(WIDTH - full), share * 100 // 1)
end

--- Shows how far it is, where it is time for that.
---@param counts cloudblue.connect.command.Counts
---@param always boolean? whatever the time is
function Progress:show(counts, always)
  local now = self.now()
  if not always and now - self.last < self.interval then return end
  self.last = now
  local parts = partsOf(self, counts)
  if self.redraws then
    self.file:write(DRAWN:format(bar(self, counts) .. "  " .. table.concat(parts, "  ")))
    self.file:flush()
    self.drawn = true
  else
    self.file:write(table.concat(parts, ", "), "\n")
  end
end

--- Takes the bar away, so that words have the line.
function Progress:clear()
  if self.drawn then self.file:write(CLEARED) end
  self.drawn = false
end

return progress
