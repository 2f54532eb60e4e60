-- order.lua LAYERS DIRECTORY... : holds the sources to their layers. Each line of the file LAYERS names parts, from top
-- to bottom; DIRECTORY has sources (`part.c`, `part.h`) or objects (`part.o`). Reported is every include and every
-- symbol by which a part uses another one of its own layer or of a layer above, and every part without a layer.
-- What goes downward only has no circles.

local layers, sources, objects = {}, {}, {}

---@param path string
local function readLayers(path)
  local number = 0
  for line in assert(io.open(path)):lines() do
    local names = line:gsub("#.*", "")
    if names:find("%S") then number = number + 1 end
    for name in names:gmatch("%S+") do layers[name] = number end
  end
end

local function list(directory)
  for path in assert(io.popen(("find '%s' -name '*.[cho]' | LC_ALL=C sort"):format(directory))):lines() do
    table.insert(path:find("%.o$") and objects or sources, path)
  end
end

local function partOf(path) return (path:match("([^/]+)%.%w+$")) end

local problems, known = {}, {}

local function report(problem)
  if not known[problem] then table.insert(problems, problem) end
  known[problem] = true
end

-- A part uses another: that has to be below it.
local function uses(part, other, how)
  if part == other or not layers[part] or not layers[other] then return end
  if layers[other] > layers[part] then return end
  local where = layers[other] == layers[part] and "of its own layer" or "above it"
  report(("%s uses %s, which is %s: %s"):format(part, other, where, how))
end

local function checkIncludes()
  for _, path in ipairs(sources) do
    local part = partOf(path)
    if not layers[part] then report(part .. " has no layer") end
    for line in io.lines(path) do
      local other = line:match('^%s*#%s*include%s+"([^"]+)%.h"')
      if other then uses(part, other, ('#include "%s.h" in %s'):format(other, path)) end
    end
  end
end

-- What the objects define and what they want, by name.
local function readSymbols()
  local owner, wanted = {}, {}
  for _, path in ipairs(objects) do
    local part = partOf(path)
    for line in assert(io.popen(("nm -g '%s'"):format(path))):lines() do
      local type, name = line:match("(%a) ([%w_]+)$")
      if type == "U" then table.insert(wanted, { part, name }) elseif type then owner[name] = part end
    end
  end
  return owner, wanted
end

local function checkSymbols()
  local owner, wanted = readSymbols()
  for _, want in ipairs(wanted) do
    local part, name = want[1], want[2]
    if owner[name] then uses(part, owner[name], "the symbol " .. name) end
  end
end

readLayers(arg[1])
for i = 2, #arg do list(arg[i]) end
checkIncludes()
checkSymbols()
for _, problem in ipairs(problems) do print(problem) end
os.exit(#problems == 0 and #sources > 0 and #objects > 0)
