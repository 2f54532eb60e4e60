--- One big upload or download in a process of its own, whose resident memory is then that of the client alone.
---
---     lua5.4 spec/support/bigfile.lua WHAT ENDPOINT KEY ID PATH
---
--- WHAT is `upload-path`, `upload-reader`, `upload-piece` (a reader that gives all in one piece), `download-path` or
--- `download-function`; ID is a usage file's or a chunk's; PATH is the file to be read or written. Prints by how many
--- KiB the resident memory grew at most, from before the first request on, and in how many seconds; a failure goes to
--- stderr. Linux alone tells so much of a process.

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"

local what, endpoint, key, id, path = ...

--- A size of this process in KiB.
---@param name "VmRSS"|"VmHWM" resident now; the most that was resident
local function resident(name)
  local file <close> = assert(io.open("/proc/self/status"))
  return assert(tonumber(file:read("a"):match(name .. ":%s*(%d+) kB")))
end

--- Lets the count of the most that was resident begin anew.
local function forgetPeak()
  local file <close> = assert(io.open("/proc/self/clear_refs", "w"))
  assert(file:write("5"))
end

local client = connect.ConnectClient(endpoint, key, { timeout = 3600, deadline = 3600 })

--- For each way a function that prepares it, and returns the one that is measured.
local ways = {}

ways["upload-path"] = function()
  return function() return client.usageFiles:upload(id, path) end
end

ways["upload-reader"] = function()
  local file = assert(io.open(path, "rb"))
  return function()
    return client.usageFiles:upload(id, { name = "big.xlsx", reader = function() return file:read(65536) end })
  end
end

ways["upload-piece"] = function()
  local file <close> = assert(io.open(path, "rb"))
  local piece = file:read("a")
  local function reader()
    local bytes = piece
    piece = nil
    return bytes
  end
  return function() return client.usageFiles:upload(id, { name = "big.xlsx", reader = reader }) end
end

ways["download-path"] = function()
  return function() return client.usageChunks:download(id, path) end
end

ways["download-function"] = function()
  local file = assert(io.open(path, "wb"))
  return function()
    local size = client.usageChunks:download(id, function(bytes) assert(file:write(bytes)) end)
    return size and file:close() and size
  end
end

local call = ways[what]()
collectgarbage()
forgetPeak()
local before, start = resident("VmRSS"), cqueues.monotime()
assert(call())
print(resident("VmHWM") - before, ("%.1f"):format(cqueues.monotime() - start))
