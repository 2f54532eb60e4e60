-- What a download hands over: every byte once, in order, whatever runs meanwhile; and a whole file or none.

local connect = require "cloudblue.connect"
local folders = require "spec.support.folder"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"

local sha256 = folders.sha256

local DRAFT, CHUNK = "UF-2026-01-0000-0003", "UFC-2026-01-0000-0000-001"
local SIZE = 4 * 1024 * 1024

--- Lets act run in a finalizer again and again, as often as the collector can be made to, until the returned value is
--- closed.
local function whileCollecting(act)
  local running, count = true, 0
  local function litter()
    setmetatable({}, { __gc = function()
      if running then
        count = count + 1
        act()
        litter()
      end
    end })
  end
  -- Whole cycles, whenever 64 KiB were allocated; from now on, not when the present pause is over.
  collectgarbage("incremental", 10, 1000, 16)
  collectgarbage()
  litter()
  return setmetatable({}, {
    __index = { count = function() return count end },
    __close = function()
      running = false
      collectgarbage("incremental", 200, 100, 13)
      collectgarbage()
    end,
  })
end

describe("while finalizers call the same client,", function()
  local sb, client

  setup(function()
    sb = assert(sandbox.start { records = 5, downloadBytes = SIZE })
  end)

  teardown(function()
    sb:stop()
  end)

  before_each(function()
    client = connect.ConnectClient(sb.endpoint, sb.apiKey, { timeout = 60 })
  end)

  after_each(function()
    client:close()
    assert.same({}, sb:problems())
  end)

  --- Makes finalizers call.
  local function calling()
    return whileCollecting(function() assert(client.usageChunks:get(CHUNK)) end)
  end

  it("a download to a function loses no byte", function()
    local calls <close> = calling()
    local pieces = {}
    local total = assert(client.usageChunks:download(CHUNK, function(bytes) pieces[#pieces + 1] = bytes end))
    local bytes = table.concat(pieces)
    assert.is_true(calls.count() > 5)
    assert.equal(SIZE, #bytes)
    assert.equal(SIZE, total)
    assert.equal(sb:download(CHUNK).sha256, sha256(bytes))
  end)

  it("a download to a path loses no byte", function()
    local folder <close> = folders.make()
    local calls <close> = calling()
    local path = folder:path("chunk.xlsx")
    local total = assert(client.usageChunks:download(CHUNK, path, { onProgress = function() collectgarbage() end }))
    assert.is_true(calls.count() > 5)
    assert.equal(SIZE, total)
    assert.equal(sb:download(CHUNK).sha256, sha256(folder:read("chunk.xlsx")))
  end)

  it("an upload by a function loses no byte", function()
    local bytes = ("0123456789abcdef"):rep(SIZE // 16)
    local calls <close> = calling()
    local at = 1
    -- Time is not what this is about, and a collection for each piece takes some.
    assert(client.usageFiles:upload(DRAFT, function()
      collectgarbage()
      if at > #bytes then return nil end
      local piece = bytes:sub(at, at + 9999)
      at = at + 10000
      return piece
    end, { timeout = 3000, deadline = 3000 }))
    assert.is_true(calls.count() > 5)
    assert.equal(#bytes, sb:upload(DRAFT).size)
    assert.equal(sha256(bytes), sb:upload(DRAFT).sha256)
  end)
end)

describe("a download that is answered with another status than 200", function()
  local function replyOf(status)
    if status == 204 then return "HTTP/1.1 204 No Content\r\n\r\n" end
    return rawserver.reply(status, "a part of the file", { ["Content-Range"] = "bytes 0-17/100" })
  end

  local function check(status, to)
    local s <close> = service.answering(replyOf(status), { retries = 3 })
    local told = 0
    local result, failure = s.chunks:download(CHUNK, to, { onProgress = function() told = told + 1 end })
    assert.is_nil(result)
    assert.equal(status, failure.status)
    assert.equal(status < 300 and "decode" or "http", failure.kind)
    assert.equal(1, failure.attempts)
    assert.equal(1, #s:requests())
    if to then assert.equal(0, told) end
    return failure
  end

  for _, status in ipairs { 201, 202, 203, 204, 206, 226, 299, 300 } do
    it(("%d makes no file and calls no function"):format(status), function()
      local folder <close> = folders.make()
      local failure = check(status, folder:path("chunk.xlsx"))
      if status < 300 then
        assert.equal(("the reply has status %d, and only 200 brings the whole file"):format(status), failure.message)
      end
      assert.same({}, folder:list())
      folder:write("chunk.xlsx", "what was there before")
      check(status, folder:path("chunk.xlsx"))
      assert.same({ "chunk.xlsx" }, folder:list())
      assert.equal("what was there before", folder:read("chunk.xlsx"))
      local pieces = 0
      check(status, function() pieces = pieces + 1 end)
      assert.equal(0, pieces)
      check(status)
    end)
  end
end)

describe("a download to a path", function()
  local sb, client, folder

  setup(function()
    sb = assert(sandbox.start { records = 5, downloadBytes = SIZE })
  end)

  teardown(function()
    sb:stop()
  end)

  before_each(function()
    client = connect.ConnectClient(sb.endpoint, sb.apiKey, { retries = 0 })
    folder = folders.make()
  end)

  after_each(function()
    client:close()
    folder:stop()
    sb:configure { faults = {} }
  end)

  --- Downloads, with a look at the descriptors when the first bytes have come.
  local function download(act)
    local seen
    local path = folder:path("chunk.xlsx")
    local outcome = table.pack(pcall(client.usageChunks.download, client.usageChunks, CHUNK, path, {
      onProgress = function()
        if not seen then
          seen = folder:descriptors()
          act()
        end
      end,
    }))
    assert.equal(1, seen)
    return table.unpack(outcome, 1, outcome.n)
  end

  it("holds one descriptor, and none when it is over, whatever ends it", function()
    assert.equal(SIZE, (select(2, download(function() end))))
    assert.equal(0, folder:descriptors())
    assert.same({ "chunk.xlsx" }, folder:list())
    os.remove(folder:path("chunk.xlsx"))

    local problem = {}
    local ok, raised = download(function() error(problem) end)
    assert.is_false(ok)
    assert.equal(problem, raised)
    assert.equal(0, folder:descriptors())
    assert.same({}, folder:list())

    sb:configure { faults = { { on = "GET /**", fault = "truncate", bytes = SIZE - 1 } } }
    assert.equal("transport", select(3, download(function() end)).kind)
    assert.equal(0, folder:descriptors())
    assert.same({}, folder:list())

    assert.equal("cancelled", select(3, download(function() client:close() end)).kind)
    assert.equal(0, folder:descriptors())
    assert.same({}, folder:list())
  end)

  it("is never readable to more than the file that it replaces", function()
    local path = folder:write("chunk.xlsx", "secret")
    assert(os.execute(("chmod 4600 '%s'"):format(path)))
    local modes
    assert.equal(SIZE, (select(2, download(function()
      local pipe <close> = assert(io.popen(("stat -c %%a '%s'/*.part-*"):format(folder.root)))
      modes = pipe:read("a")
    end))))
    assert.equal("600\n", modes)
    local pipe <close> = assert(io.popen(("stat -c %%a '%s'"):format(path)))
    assert.equal("600\n", pipe:read("a"))
  end)
end)
