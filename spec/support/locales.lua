--- Locales with other decimal points than '.', made for the specs: a machine may have none. They are the C locale but
--- for their numbers, compiled by localedef from spec/support/locale.
---
---     local output = child.run("os.setlocale 'comma'", locales.environment())   -- or 'wide', two bytes

local locales = {}

local SOURCES = "spec/support/locale"

local made

local function isThere(folder, name)
  local file <close> = io.open(("%s/%s/LC_IDENTIFICATION"):format(folder, name))
  return file ~= nil
end

-- Those that are there are kept: specs that run side by side share them.
local function make()
  local folder = (os.getenv("BUILD") or "build") .. "/locale"
  assert(os.execute(("mkdir -p '%s'"):format(folder)))
  for _, name in ipairs { "comma", "dotless", "wide" } do
    if not isThere(folder, name) then
      -- It exits with 1 for the categories that the source leaves out, having written all the same.
      os.execute(("localedef -c --quiet -f %s/charmap -i %s/%s.src '%s/%s' 2>/dev/null")
        :format(SOURCES, SOURCES, name, folder, name))
    end
    assert(isThere(folder, name), "localedef made no locale " .. name)
  end
  local pipe <close> = assert(io.popen(("cd '%s' && pwd"):format(folder)))
  return pipe:read("l")
end

--- The environment of a process in which `os.setlocale` knows the locales.
---@return table<string, string>
function locales.environment()
  made = made or make()
  return { LOCPATH = made }
end

return locales
