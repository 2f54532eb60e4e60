--- One big upload or download in a process of its own, whose resident memory is then that of the client alone.
---
---     lua5.4 spec/support/bigfile.lua WHAT ENDPOINT KEY ID PATH
---
--- WHAT is `upload-path`, `upload-reader`, `download-path` or `download-function`; ID is a usage file's or a chunk's;
--- PATH is the file to be read or written. Prints by how many KiB the resident memory grew at most, from before the
--- first request on, and in how many seconds; a failure goes to stderr. Linux alone tells so much of a process.

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

local calls = {}

calls["upload-path"] = function()
  return client.usageFiles:upload(id, path)
end

calls["upload-reader"] = function()
  local file <close> = assert(io.open(path, "rb"))
  return client.usageFiles:upload(id, { name = "big.xlsx", reader = function() return file:read(65536) end })
end

calls["download-path"] = function()
  return client.usageChunks:download(id, path)
end

calls["download-function"] = function()
  local file <close> = assert(io.open(path, "wb"))
  return client.usageChunks:download(id, function(bytes) assert(file:write(bytes)) end)
end

forgetPeak()
local before, start = resident("VmRSS"), cqueues.monotime()
assert(calls[what]())
print(resident("VmHWM") - before, ("%.1f"):format(cqueues.monotime() - start))
