--- Dates and times as the API writes them, and as numbers that can be compared.

local moment = {}

local DAY = 86400

--- Days from 1970-01-01 to a date of the Gregorian calendar.
local function days(year, month, day)
  -- The year begins in March here, so that the day that leap years add is its last one.
  local shifted = (month + 9) % 12
  year = month > 2 and year or year - 1
  local ofYear = (153 * shifted + 2) // 5 + day - 1
  return 365 * year + year // 4 - year // 100 + year // 400 + ofYear - 719468
end

--- Seconds that a zone is ahead of UTC; none is UTC.
local function ahead(zone)
  if zone == "" or zone == "Z" or zone == "z" then
    return 0
  end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):?(%d?%d?)$")
  return sign and (sign == "-" and -1 or 1) * (hours * 3600 + (tonumber(minutes) or 0) * 60)
end

local function ofDay(text)
  if text == "" then
    return 0
  end
  local hours, minutes, rest = text:match("^[T ](%d%d?):(%d%d)(.*)$")
  if not hours then
    return nil
  end
  local seconds, zone = rest:match("^:(%d%d%.?%d*)(.*)$")
  local offset = ahead(zone or rest)
  return offset and hours * 3600 + minutes * 60 + (tonumber(seconds) or 0) - offset
end

--- The seconds since 1970 of a date, or of a date and a time.
---@param text any "2026-01-31", "2026-01-31T10:00:00+01:00", …
---@return number? seconds nil for what is neither
function moment.read(text)
  local year, month, day, rest = tostring(text):match("^(%d%d%d%d)%-(%d%d?)%-(%d%d?)(.*)$")
  month, day = math.tointeger(month), math.tointeger(day)
  local seconds = rest and ofDay(rest)
  if not seconds or month < 1 or month > 12 or day < 1 or day > 31 then
    return nil
  end
  return days(math.tointeger(year), month, day) * DAY + seconds
end

--- A time the way the API writes it.
---@param seconds integer? since 1970; now when nil
---@return string
function moment.write(seconds)
  return os.date("!%Y-%m-%dT%H:%M:%S+00:00", seconds) --[[@as string]]
end

return moment
