--- A folder of its own for a spec, gone with its files when the spec is over.
---
---     local folder <close> = folders.make()
---     folder:write("a.xlsx", bytes); folder:read("a.xlsx"); folder:list(); folder:path("b.xlsx")

local digest = require "openssl.digest"

local folders = {}

---@class Folder
---@field root string its path
local Folder = {}
Folder.__index = Folder

--- Makes an empty folder.
---@return Folder
function folders.make()
  local pipe <close> = assert(io.popen("mktemp -d"))
  return setmetatable({ root = assert(pipe:read("l")) }, Folder)
end

--- The path of a file in it.
---@param name string
---@return string
function Folder:path(name)
  return self.root .. "/" .. name
end

--- Makes a file with these bytes.
---@param name string
---@param bytes string
---@return string path
function Folder:write(name, bytes)
  local file <close> = assert(io.open(self:path(name), "wb"))
  assert(file:write(bytes))
  return self:path(name)
end

--- The bytes of a file, nil when it is not there.
---@param name string
---@return string?
function Folder:read(name)
  local file <close> = io.open(self:path(name), "rb")
  return file and file:read("a")
end

--- The names of all that is in it, sorted.
---@return string[]
function Folder:list()
  local names = {}
  local pipe <close> = assert(io.popen("ls -A '" .. self.root .. "'"))
  for name in pipe:lines() do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- How many descriptors of this process are open on files in it, removed ones included.
---@return integer
function Folder:descriptors()
  local stat <close> = assert(io.open("/proc/self/stat"))
  local pipe <close> = assert(io.popen(("ls -l /proc/%d/fd 2>/dev/null"):format(stat:read("n"))))
  return select(2, pipe:read("a"):gsub(" %-> " .. self.root .. "/", ""))
end

--- Removes it.
function Folder:stop()
  os.execute("rm -rf '" .. self.root .. "'")
end

Folder.__close = Folder.stop

--- The SHA-256 of bytes in hexadecimal digits: what a spec compares where the bytes would fill the screen.
---@param bytes string
---@return string
function folders.sha256(bytes)
  return (digest.new("sha256"):final(bytes):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

return folders
