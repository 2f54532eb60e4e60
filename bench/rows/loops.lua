-- Closing usage records, 64 at once, in the loop of a host that has a timer of its own. A timer may be late for many
-- reasons; what it may not be is late because of a call.

local BUILD = os.getenv("BUILD") or "build"
local LUA = os.getenv("LUA") or "lua5.4"

-- Milliseconds.
local LATE <const> = 20

local function inProcess(stage)
  return ("%s bench/loops/in_process.lua %s"):format(LUA, stage)
end

local hosts = {
  { name = "cqueues", command = inProcess "cqueues" },
  { name = "luv", command = inProcess "luv" },
  { name = "Prosody", command = LUA .. " bench/loops/prosody.lua" },
  { name = "polling", command = inProcess "polling" },
  { name = "a poll loop in C", command = BUILD .. "/examples/host_poll bench/loops/host_poll.lua" },
}

local function said(texts)
  local reached, parts = true, {}
  for _, host in ipairs(hosts) do
    local text = texts[host.name]
    local late = text and tonumber(text:match("([%d.]+) ms late"))
    if late then
      table.insert(parts, host.name .. " " .. text:match("[%d.]+ ms late, [%d.]+ at worst, [%d.]+ without calls"))
      reached = reached and late <= LATE
    end
  end
  return reached, ("a 10 ms timer, at most %d ms late: %s"):format(LATE, table.concat(parts, "; "))
end

return {
  title = "Closing usage records in a host's loop, 64 at once",
  unit = "close",
  count = 20000,
  programs = hosts,
  limits = {},
  said = said,
}
