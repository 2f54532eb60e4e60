--- Big files against a sandbox: each way in and out, in a process of its own (bigfile.lua).
---
---     local scene <close> = bigfiles.start(64 * bigfiles.MIB)
---     local result = scene:run("upload-path")      -- {grown = KiB, seconds =, same = boolean, size = bytes}

local folders = require "spec.support.folder"
local sandbox = require "cloudblue.connect.sandbox"

local bigfiles = {
  MIB = 1024 * 1024,
  --- Every way a file goes that need not stand in memory.
  ways = { "upload-path", "upload-reader", "download-path", "download-function" },
  --- A reader that gives all in one piece: that is in memory, and should be there once.
  piece = "upload-piece",
}

local DRAFT, CHUNK = "UF-2026-01-0000-0003", "UFC-2026-01-0000-0000-001"

-- AddressSanitizer, where the tests run with it, keeps freed memory to watch it.
local KEEP_NOTHING = "ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=0:thread_local_quarantine_size_kb=0 "

--- Makes a file of that size with blocks that differ, and holes between them: it takes little of the disk.
local function makeSparse(path, size)
  local file <close> = assert(io.open(path, "wb"))
  local step = size // 16
  for number = 0, 15 do
    assert(file:seek("set", number * step))
    assert(file:write(("block %d\r\n"):format(number):rep(20000)))
  end
  assert(file:seek("set", size - 8))
  assert(file:write("the end\n"))
end

local function sha256(path)
  local pipe <close> = assert(io.popen("sha256sum '" .. path .. "'"))
  return assert(pipe:read("a"):match("^%x+"))
end

---@class BigFiles
local BigFiles = {}
BigFiles.__index = BigFiles

--- Starts a sandbox whose downloads have that size, and makes a file of that size.
---@param size integer bytes
---@return BigFiles
function bigfiles.start(size)
  local self = setmetatable({ size = size, folder = folders.make() }, BigFiles)
  self.sandbox = assert(sandbox.start { records = 1, downloadBytes = size })
  self.source = self.folder:path("source.xlsx")
  makeSparse(self.source, size)
  return self
end

--- Carries out one of `bigfiles.ways`, or `bigfiles.piece`.
---@param way string
---@return {grown: number, seconds: number, same: boolean, size: integer} result grown: resident memory at its most, in
--- KiB above what it was before; same: whether the SHA-256 at both ends agree
function BigFiles:run(way)
  local upload = way:find("^upload") ~= nil
  local path = upload and self.source or self.folder:path(way)
  local command = ("%s spec/support/bigfile.lua %s '%s' '%s' %s '%s' 2>&1"):format(os.getenv("LUA") or "lua5.4", way,
    self.sandbox.endpoint, self.sandbox.apiKey, upload and DRAFT or CHUNK, path)
  local pipe <close> = assert(io.popen(KEEP_NOTHING .. command))
  local output = pipe:read("a")
  local grown, seconds = output:match("^(%-?%d+)\t(%d+%.%d)\n$")
  if not grown then error(output, 2) end
  local sent = upload and self.sandbox:upload(DRAFT) or self.sandbox:download(CHUNK)
  local result = { grown = tonumber(grown), seconds = tonumber(seconds), size = sent.size }
  result.same = sent.sha256 == sha256(path)
  if not upload then os.remove(path) end
  return result
end

--- Ends the sandbox and removes the files.
function BigFiles:stop()
  self.sandbox:stop()
  self.folder:stop()
end

BigFiles.__close = BigFiles.stop

return bigfiles
