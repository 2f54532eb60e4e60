-- A file that changes while it is uploaded: what was announced is sent, or the call ends and says why.

local connect = require "cloudblue.connect"
local folders = require "spec.support.folder"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

local sha256 = folders.sha256

local DRAFT = "UF-2026-01-0000-0003"

-- More than the buffers of a connection hold: when the first bytes are on their way, others are yet to be read.
local BIG = ("0123456789abcdef"):rep(2 * 1024 * 1024)

--- An onProgress that does something once, when some bytes have been sent.
local function once(act)
  local done = false
  return { timeout = 20, onProgress = function()
    if not done then
      done = true
      act()
    end
  end }
end

local function append(path, bytes)
  local file <close> = assert(io.open(path, "ab"))
  assert(file:write(bytes))
end

local function truncate(path, size)
  assert(os.execute(("truncate -s %d '%s'"):format(size, path)))
end

-- Everything takes so many times as long, under valgrind or beside others.
local SLOWNESS <const> = tonumber(os.getenv "TEST_SLOWNESS") or 1

describe("the file of an upload", function()
  local sb, time, client, files, folder

  setup(function()
    sb = assert(sandbox.start { records = 5, bodyLog = 1024 })
  end)

  teardown(function()
    sb:stop()
  end)

  before_each(function()
    sb:configure { faults = {} }
    sb:reset()
    time = testenv.start()
    folder = folders.make()
    client = connect.ConnectClient(sb.endpoint, sb.apiKey)
    files = client.usageFiles
  end)

  after_each(function()
    client:close()
    time.stop()
    assert.equal(0, folder:descriptors())
    folder:stop()
    assert.same({}, sb:problems())
  end)

  --- Calls act(attempt) before each request.
  local function beforeRequest(act)
    client:addBeforeRequestHook(function(request) act(request.attempt) end)
  end

  it("is sent as long as it was announced when it grows meanwhile", function()
    local path = folder:write("a.xlsx", BIG)
    local smuggled = "DELETE /public/v1/usage/files/" .. DRAFT .. " HTTP/1.1\r\nHost: x\r\nAuthorization: "
      .. sb.apiKey .. "\r\nContent-Length: 0\r\n\r\n"
    assert(files:upload(DRAFT, path, once(function() append(path, smuggled) end)))
    assert.equal(#BIG + #smuggled, #folder:read("a.xlsx"))
    assert.equal(#BIG, sb:upload(DRAFT).size)
    assert.equal(sha256(BIG), sb:upload(DRAFT).sha256)
    -- What follows on the same connection is the next request, and nothing was in between.
    assert.equal("ready", assert(files:get(DRAFT)).status)
    assert.equal(2, #sb:requests())
    assert.equal(1, sb:connections())
  end)

  it("ends the call at once when it shrinks meanwhile, and its connection is not used again", function()
    local s <close> = service.scripted {
      { { read = 1000 }, { hang = true } },
      { { read = "request" }, { send = service.reply(200, ('{"id":"%s"}'):format(DRAFT)) }, { hang = true } },
    }
    local path = folder:write("a.xlsx", BIG)
    local result, failure = s.client.usageFiles:upload(DRAFT, path, once(function() truncate(path, 1000) end))
    assert.is_nil(result)
    assert.equal("file", failure.kind)
    assert.equal("unknown", failure.outcome)
    assert.equal(1, failure.attempts)
    local missing, all = failure.message:match(
      "^can't read '" .. path .. "': it became shorter while it was sent, (%d+) of its (%d+) bytes are missing$")
    assert.equal(#BIG, tonumber(all))
    assert.is_true(tonumber(missing) > 0 and tonumber(missing) < #BIG)
    assert.equal(0, folder:descriptors())
    assert(s.client.usageFiles:get(DRAFT))
    local received = s.raw:received()
    assert.equal(2, #received)
    local head, body = received[1]:match("^(.-\r\n\r\n)(.*)$")
    assert.is_true(tonumber(head:match("Content%-Length: (%d+)")) > #body)
    assert.matches("^GET ", received[2])
  end)

  it("fails the call as file, before anything is sent, when it vanishes before the request", function()
    local path = folder:write("a.xlsx", "PK")
    beforeRequest(function() os.remove(path) end)
    local result, failure = files:upload(DRAFT, path)
    assert.is_nil(result)
    assert.equal("file", failure.kind)
    assert.equal("unsent", failure.outcome)
    assert.equal(("can't read '%s': No such file or directory"):format(path), failure.message)
    assert.same({}, sb:requests())
    assert.same({}, time.pauses())
  end)

  it("fails the call as file when it vanishes before a further attempt", function()
    sb:configure { faults = { { on = "POST /**", fault = "status", status = 429, retryAfter = 1, count = "all" } } }
    local path = folder:write("a.xlsx", "PK")
    beforeRequest(function(attempt) if attempt == 2 then os.remove(path) end end)
    local result, failure = files:upload(DRAFT, path)
    assert.is_nil(result)
    assert.equal("file", failure.kind)
    assert.equal("rejected", failure.outcome)
    assert.equal(1, failure.attempts)
    assert.equal(1, #sb:requests())
    assert.equal(1, #time.pauses())
  end)

  it("may have been replaced by what would block: the call fails rather than waits", function()
    local path = folder:write("a.xlsx", "PK")
    beforeRequest(function()
      os.remove(path)
      assert(os.execute(("mkfifo '%s'"):format(path)))
    end)
    local result, failure = files:upload(DRAFT, path)
    assert.is_nil(result)
    assert.equal("file", failure.kind)
    assert.equal("unsent", failure.outcome)
    assert.equal(("can't read '%s': it is no regular file; give a reader"):format(path), failure.message)
    assert.same({}, sb:requests())
  end)

  it("is sent from its start, as it is then, with each attempt", function()
    sb:configure { faults = { { on = "POST /**", fault = "status", status = 429, retryAfter = 1, count = 2 } } }
    local path = folder:write("a.xlsx", BIG)
    local contents = { BIG, "shorter", BIG .. "longer" }
    beforeRequest(function(attempt) folder:write("a.xlsx", contents[attempt]) end)
    assert(files:upload(DRAFT, path))
    assert.equal(#contents[3], sb:upload(DRAFT).size)
    assert.equal(sha256(contents[3]), sb:upload(DRAFT).sha256)
    local requests = sb:requests()
    assert.equal(3, #requests)
    local around = requests[1].headers["content-length"] - #contents[1]
    for number, content in ipairs(contents) do
      assert.equal(#content + around, tonumber(requests[number].headers["content-length"]))
    end
  end)

  it("is closed when the call ends early", function()
    local path = folder:write("a.xlsx", BIG)
    local problem = {}
    local ok, raised = pcall(files.upload, files, DRAFT, path, once(function()
      assert.equal(1, folder:descriptors())
      error(problem)
    end))
    assert.is_false(ok)
    assert.equal(problem, raised)
    assert.equal(0, folder:descriptors())
    local result, failure = files:upload(DRAFT, path, once(function() client:close() end))
    assert.is_nil(result)
    assert.equal("cancelled", failure.kind)
    assert.equal(0, folder:descriptors())
  end)
end)

describe("the reader of an upload", function()
  local sb, client, files

  setup(function()
    sb = assert(sandbox.start { records = 5, bodyLog = 1024 })
    client = connect.ConnectClient(sb.endpoint, sb.apiKey, { timeout = 60 })
    files = client.usageFiles
  end)

  teardown(function()
    client:close()
    sb:stop()
  end)

  --- Uploads the bytes in pieces of that size; returns the seconds of processor time that it took.
  local function secondsFor(bytes, size)
    local at, start = 1, os.clock()
    assert(files:upload(DRAFT, function()
      if at > #bytes then return nil end
      local piece = size == #bytes and bytes or bytes:sub(at, at + size - 1)
      at = at + size
      return piece
    end, { timeout = 60 * SLOWNESS }))
    local seconds = os.clock() - start
    assert.equal(#bytes, sb:upload(DRAFT).size)
    assert.equal(sha256(bytes), sb:upload(DRAFT).sha256)
    return seconds
  end

  it("may give all in one piece: what it costs grows with the size, not with its square", function()
    local bytes = BIG .. BIG
    secondsFor(bytes, 65536)
    local pieces, whole = secondsFor(bytes, 65536), secondsFor(bytes, #bytes)
    assert.is_true(whole < 2 * pieces, ("%.2f s in one piece, %.2f s in many"):format(whole, pieces))
  end)

  it("may mix pieces of any size", function()
    local sizes = { 1, 70000, 16383, 0, 16384, 3, 500000, 16385, 0, 0, 10 }
    local sent, turn = {}, 0
    assert(files:upload(DRAFT, function()
      turn = turn + 1
      if not sizes[turn] then return nil end
      sent[turn] = string.char(96 + turn):rep(sizes[turn])
      collectgarbage()
      return sent[turn]
    end))
    assert.equal(sha256(table.concat(sent)), sb:upload(DRAFT).sha256)
  end)

  it("need not keep what it gave: nothing of it goes before it was sent", function()
    local size, turns, reports, kept = #BIG // 8, 0, 0, {}
    assert(files:upload(DRAFT, function()
      turns = turns + 1
      return turns <= 3 and string.char(96 + turns):rep(size) or nil
    end, { onProgress = function()
      reports = reports + 1
      if reports > 30 then return end
      collectgarbage()
      kept[reports % 3] = ("x"):rep(size) -- takes the place of what was given back
    end }))
    assert.is_true(#kept > 0)
    assert.equal(sha256(("a"):rep(size) .. ("b"):rep(size) .. ("c"):rep(size)), sb:upload(DRAFT).sha256)
  end)

  it("may give small pieces: they are sent together", function()
    local s <close> = service.answering(service.reply(200, "{}"))
    local turns = 0
    assert(s.client.usageFiles:upload(DRAFT, function()
      turns = turns + 1
      return turns <= 1000 and "0123456789" or nil
    end))
    local received = table.concat(s.raw:received())
    assert.equal(1000, select(2, received:gsub("\r\n%x+\r\n", "\r\n"):gsub("0123456789", "")))
    local _, chunks = received:gsub("\r\n%x+\r\n", "")
    assert.is_true(chunks < 100, chunks .. " chunks")
  end)

  for name, piece in pairs { ["gives nothing"] = "", ["gives a byte at a time"] = "x" } do
    it(("that %s and never ends is held to the limits of the call"):format(name), function()
      for kind, options in pairs { transport = { timeout = 0.3 }, cancelled = { deadline = 0.3 } } do
        local turns, start = 0, os.time()
        local result, failure = files:upload(DRAFT, function()
          turns = turns + 1
          -- What would hang ends, and fails the spec.
          if os.time() - start > 20 then error("never held", 0) end
          return piece
        end, options)
        assert.is_nil(result)
        assert.equal(kind, failure.kind)
        assert.is_true(turns > 1)
      end
    end)
  end

  it("that takes its time is sent what it gave, and held to the limits of the call", function()
    local turns = 0
    local result, failure = files:upload(DRAFT, function()
      turns = turns + 1
      local until_ = os.clock() + 0.03
      while os.clock() < until_ do end
      return turns < 1000 and "x" or nil
    end, { timeout = 0.3 })
    assert.is_nil(result)
    assert.equal("transport", failure.kind)
    assert.is_true(turns < 100)
  end)

  it("that raises leaves no connection for the next request", function()
    local before = sb:connections()
    for _, after in ipairs { 0, 3 } do
      local turns = 0
      assert.has_error(function()
        files:upload(DRAFT, function()
          turns = turns + 1
          if turns > after then error("out of paper", 0) end
          return BIG:sub(1, 100000)
        end)
      end, "out of paper")
      assert.equal("ready", assert(files:get(DRAFT)).status)
    end
    assert.is_true(sb:connections() > before)
    assert.same({}, sb:problems())
  end)
end)
