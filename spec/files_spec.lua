-- Files in and out: what is uploaded arrives byte for byte, what is downloaded is there whole or not at all.

local connect = require "cloudblue.connect"
local folders = require "spec.support.folder"
local rawserver = require "spec.support.rawserver"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

local misuse = service.misuse
local sha256 = folders.sha256

local DRAFT, ACCEPTED, CHUNK = "UF-2026-01-0000-0003", "UF-2026-01-0000-0000", "UFC-2026-01-0000-0000-001"
local DOWNLOAD = "/usage/chunks/" .. CHUNK .. "/download"
local SIZE = 1000003

-- Every byte, line ends of all kinds, what looks like the end of a form, and more than any buffer on the way holds.
local function hostileBytes()
  local all = {}
  for byte = 0, 255 do all[#all + 1] = string.char(byte) end
  local every = table.concat(all)
  return "PK\3\4\r\n\n\r\0\0\r\n--\r\n------------------------\r\n--------------------------0123456789abcdef--\r\n"
    .. every:rep(1000) .. "\r\n\r\nContent-Disposition: form-data; name=\"usage_file\"\r\n\r\n\26\0"
end

local BYTES = hostileBytes()

--- A function that gives the bytes in pieces, then nil.
local function readerOf(bytes, size)
  local at = 1
  return function()
    local piece = bytes:sub(at, at + size - 1)
    at = at + #piece
    return piece ~= "" and piece or nil
  end
end

--- The parts of a form as they stand on the wire: {head, bytes}.
local function partsOf(request)
  local boundary = assert(request.headers["content-type"]:match("^multipart/form%-data; boundary=(%S+)$"))
  local parts, at = {}, 1
  while true do
    local _, last = assert(request.body:find("--" .. boundary, at, true))
    if request.body:sub(last + 1) == "--\r\n" then return parts end
    local headEnd = assert(select(2, request.body:find("\r\n\r\n", last, true)))
    local next = assert(request.body:find("\r\n--" .. boundary, headEnd, true))
    parts[#parts + 1] = { request.body:sub(last + 3, headEnd - 4), request.body:sub(headEnd + 1, next - 1) }
    at = next + 2
  end
end

local SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

local sb, time, client, files, chunks, reconciliations, folder

--- Makes the client anew, with options.
local function setClient(options)
  if client then client:close() end
  client = connect.ConnectClient(sb.endpoint, sb.apiKey, options)
  files, chunks, reconciliations = client.usageFiles, client.usageChunks, client.usageReconciliations
end

--- Starts what the specs below share.
local function surroundings()
  setup(function()
    sb = assert(sandbox.start { records = 5, bodyLog = 4 * 1024 * 1024, downloadBytes = SIZE })
  end)

  teardown(function()
    sb:stop()
  end)

  before_each(function()
    sb:configure { faults = {}, listening = true, downloadBytes = SIZE }
    sb:reset()
    time = testenv.start()
    folder = folders.make()
    setClient()
  end)

  after_each(function()
    client:close()
    time.stop()
    folder:stop()
    assert.same({}, sb:problems())
  end)
end

--- The last request that was received.
local function lastRequest()
  local requests = sb:requests()
  return requests[#requests]
end

describe("an upload", function()
  surroundings()

  describe("takes the file", function()
    local function checkUpload(filename)
      local parts = partsOf(lastRequest())
      assert.equal(1, #parts)
      assert.matches('^Content%-Disposition: form%-data; name="usage_file"; filename="' .. filename .. '"',
        parts[1][1])
      assert.equal(#BYTES, #parts[1][2])
      assert.is_true(parts[1][2] == BYTES)
      assert.equal(sha256(BYTES), sb:upload(DRAFT).sha256)
    end

    it("from a path, under the last name of it", function()
      local file = assert(files:upload(DRAFT, folder:write("january.xlsx", BYTES)))
      checkUpload("january.xlsx")
      assert.equal("ready", file.status)
      assert.equal("ready", sb:file(DRAFT).status)
    end)

    it("from { name, content }", function()
      assert(files:upload(DRAFT, { name = "january.xlsx", content = BYTES }))
      checkUpload("january.xlsx")
    end)

    it("from { name, reader }, piece by piece", function()
      for _, size in ipairs { 7, 16384, 65536, #BYTES } do
        assert(files:upload(DRAFT, { name = "january.xlsx", reader = readerOf(BYTES, size) }))
        checkUpload("january.xlsx")
      end
    end)

    it("from a reader alone, as file.xlsx", function()
      assert(files:upload(DRAFT, readerOf(BYTES, 10000)))
      checkUpload("file.xlsx")
    end)

    it("from a reader with empty pieces between the others", function()
      local reader, turn = readerOf(BYTES, 5000), 0
      assert(files:upload(DRAFT, function()
        turn = turn + 1
        return turn % 3 == 0 and reader() or turn % 3 ~= 0 and "" or nil
      end))
      checkUpload("file.xlsx")
    end)

    it("when it is empty, from each of them", function()
      for _, source in ipairs { folder:write("none.xlsx", ""), { name = "none.xlsx", content = "" },
        { name = "none.xlsx", reader = function() return nil end } } do
        sb:reset()
        local _, failure = files:upload(DRAFT, source)
        assert.equal("VAL_001", failure.errorCode)
        local parts = partsOf(lastRequest())
        assert.matches('filename="none.xlsx"', parts[1][1])
        assert.equal("", parts[1][2])
      end
    end)
  end)

  it("tells the size beforehand where it is known", function()
    for _, source in ipairs { folder:write("a.xlsx", BYTES), { name = "a.xlsx", content = BYTES } } do
      assert(files:upload(DRAFT, source))
      local request = lastRequest()
      assert.equal(#request.body, tonumber(request.headers["content-length"]))
      assert.is_nil(request.headers["transfer-encoding"])
    end
    assert(files:upload(DRAFT, readerOf(BYTES, 10000)))
    assert.equal("chunked", lastRequest().headers["transfer-encoding"])
    assert.is_nil(lastRequest().headers["content-length"])
  end)

  it("does not ask whether the service wants it", function()
    assert(files:upload(DRAFT, { name = "a.xlsx", content = BYTES:rep(8) }))
    assert.is_nil(lastRequest().headers.expect)
  end)

  it("says what a file is, wherever it comes from", function()
    for _, source in ipairs { folder:write("a.xlsx", "PK"), { name = "a.xlsx", content = "PK" },
      { name = "a.xlsx", reader = readerOf("PK", 1) } } do
      assert(files:upload(DRAFT, source))
      assert.equal(SHEET, sb:upload(DRAFT).type)
    end
  end)

  it("has the part recon_file for a reconciliation of a usage file", function()
    assert(files:reconciliation(ACCEPTED, { name = "r.xlsx", content = BYTES }))
    local parts = partsOf(lastRequest())
    assert.equal(1, #parts)
    assert.matches('name="recon_file"; filename="r.xlsx"', parts[1][1], 1, true)
    assert.equal(sha256(BYTES), sb:upload(ACCEPTED, "reconciliation").sha256)
  end)

  it("has the parts recon_file and upload_note for a new reconciliation", function()
    local made = assert(reconciliations:create({ name = "r.xlsx", content = BYTES }, "as billed, \"all\" of it\r\n--é"))
    local parts = partsOf(lastRequest())
    assert.equal(2, #parts)
    assert.matches('name="recon_file"; filename="r.xlsx"', parts[1][1], 1, true)
    assert.equal('Content-Disposition: form-data; name="upload_note"', parts[2][1])
    assert.equal("as billed, \"all\" of it\r\n--é", parts[2][2])
    assert.equal("as billed, \"all\" of it\r\n--é", made.notes.uploaded)
  end)

  it("leaves out a note that is nil", function()
    assert(reconciliations:create({ name = "r.xlsx", content = "PK" }))
    assert.equal(1, #partsOf(lastRequest()))
  end)

  it("quotes the name of the file so that it stays one", function()
    local names = {
      ['say "hi"; name="other".xlsx'] = 'say %22hi%22; name=%22other%22.xlsx',
      ["Übersicht Januar 日本.xlsx"] = "Übersicht Januar 日本.xlsx",
      ["a/../b%22.xlsx"] = "a/../b%22.xlsx",
    }
    for name, sent in pairs(names) do
      assert(files:upload(DRAFT, { name = name, content = "PK" }))
      assert.matches('name="usage_file"; filename="' .. sent .. '"', partsOf(lastRequest())[1][1], 1, true)
    end
  end)

  it("is no JSON after one, nor the other way round", function()
    assert(files:upload(DRAFT, { name = "a.xlsx", content = "PK" }))
    assert(files:update(DRAFT, { note = "n" }))
    assert.equal("application/json", lastRequest().headers["content-type"])
    assert.equal('{"note":"n"}', lastRequest().body)
    assert(files:get(DRAFT))
    assert.equal("", lastRequest().body)
    assert(files:upload(DRAFT, { name = "b.xlsx", content = "PK" }))
    assert.matches("^multipart/form%-data", lastRequest().headers["content-type"])
    assert.equal(1, sb:connections())
  end)

  describe("refuses", function()
    local function refusal(source, options)
      local message = misuse(function() return (files:upload(DRAFT, source, options)) end)
      assert.same({}, sb:requests())
      return message
    end

    it("what is no file", function()
      for got, value in pairs { ["nil"] = false, number = 5, boolean = true } do
        assert.equal(
          ("bad argument #2 to 'upload' (file must be a path, a function or a table, got %s)"):format(got),
          refusal(value or nil))
      end
    end)

    it("an empty path, and one with a control character", function()
      assert.equal("bad argument #2 to 'upload' (the path is empty)", refusal(""))
      assert.equal("bad argument #2 to 'upload' (the path has a control character (0x00) at byte 2)", refusal("a\0b"))
    end)

    it("a table without a name, or with a bad one", function()
      for _, name in ipairs { false, 5 } do
        assert.equal("bad argument #2 to 'upload' (file.name must be a string)",
          refusal { name = name or nil, content = "PK" })
      end
      assert.equal("bad argument #2 to 'upload' (file.name is empty)", refusal { name = "", content = "PK" })
      assert.equal("bad argument #2 to 'upload' (file.name has a control character (0x0D) at byte 2)",
        refusal { name = "a\r\nX: y", content = "PK" })
    end)

    it("a table without content and reader, with both, or with one of another type", function()
      local reason = "file must have either a content (a string) or a reader (a function)"
      for _, file in ipairs { { name = "a" }, { name = "a", content = "PK", reader = print },
        { name = "a", content = 5 }, { name = "a", reader = "PK" }, { name = "a", content = 5, reader = print } } do
        assert.equal(("bad argument #2 to 'upload' (%s)"):format(reason), refusal(file))
      end
    end)

    it("a table with a member that it does not know", function()
      assert.matches("unknown option 'contents'; the nearest known one is 'content'",
        refusal { name = "a", contents = "PK" }, 1, true)
    end)

    it("options that it does not know, and bad ones", function()
      assert.matches("unknown option 'onProgres'; the nearest known one is 'onProgress'",
        refusal({ name = "a", content = "" }, { onProgres = print }), 1, true)
      assert.equal("bad argument #3 to 'upload' (option 'onProgress' must be a function, got 5)",
        refusal({ name = "a", content = "" }, { onProgress = 5 }))
      assert.equal("bad argument #3 to 'upload' (option 'timeout' must be a number of seconds over 0, got 0)",
        refusal({ name = "a", content = "" }, { timeout = 0 }))
    end)

    it("a note of a reconciliation that is no text", function()
      local file = { name = "r.xlsx", content = "PK" }
      assert.equal("bad argument #2 to 'create' (note must be a string, got number)",
        misuse(function() return (reconciliations:create(file, 5)) end))
      assert.equal("bad argument #2 to 'create' (note is not UTF-8)",
        misuse(function() return (reconciliations:create(file, "\255")) end))
      assert.same({}, sb:requests())
    end)
  end)

  it("fails before anything is sent where the file can't be read", function()
    local reasons = {
      [folder:path("none.xlsx")] = "No such file or directory",
      [folder.root] = "it is a directory",
      [folder:write("plain", "") .. "/a.xlsx"] = "Not a directory",
    }
    for path, reason in pairs(reasons) do
      local result, failure = files:upload(DRAFT, path)
      assert.is_nil(result)
      assert.equal("file", failure.kind)
      assert.equal("unsent", failure.outcome)
      assert.equal(0, failure.attempts)
      assert.equal(("can't read '%s': %s"):format(path, reason), failure.message)
    end
    assert.same({}, sb:requests())
    assert.equal(0, sb:connections())
  end)

  describe("by a reader that fails", function()
    local function check()
      assert.same({}, sb:journal())
      assert.is_nil(sb:upload(DRAFT))
      -- The client is as good as before.
      assert(files:upload(DRAFT, { name = "a.xlsx", content = "PK" }))
    end

    it("ends there, and the error reaches the caller as it is", function()
      for _, problem in ipairs { "out of paper", { code = 7 } } do
        for _, after in ipairs { 0, 1, 100 } do
          sb:reset()
          local reader = readerOf(BYTES, 2000)
          local turns = 0
          local ok, raised = pcall(files.upload, files, DRAFT, function()
            turns = turns + 1
            if turns > after then error(problem, 0) end
            return reader()
          end)
          assert.is_false(ok)
          assert.equal(problem, raised)
          check()
        end
      end
    end)

    it("ends there, too, when it gives something else than a string", function()
      for type, value in pairs { number = 5, table = {}, boolean = false } do
        sb:reset()
        local turns = 0
        local message = misuse(function()
          return (files:upload(DRAFT, function()
            turns = turns + 1
            if turns == 3 then return value end
            return BYTES
          end))
        end)
        assert.equal("the reader of a file must return a string or nil, got " .. type, message)
        check()
      end
    end)
  end)

  describe("is tried again", function()
    it("from its start where the service asks to come later", function()
      for _, source in ipairs { folder:write("a.xlsx", BYTES), { name = "a.xlsx", content = BYTES } } do
        sb:reset()
        sb:configure { faults = { { on = "POST /**", fault = "status", status = 429, retryAfter = 1 } } }
        assert(files:upload(DRAFT, source))
        local requests = sb:requests()
        assert.equal(2, #requests)
        for _, request in ipairs(requests) do assert.is_true(partsOf(request)[1][2] == BYTES) end
        assert.equal(sha256(BYTES), sb:upload(DRAFT).sha256)
      end
    end)

    it("no more once a reader was asked: its bytes are there once", function()
      sb:configure { faults = { { on = "POST /**", fault = "status", status = 429, retryAfter = 1 } } }
      local reader, ended = readerOf(BYTES, 5000), 0
      local result, failure = files:upload(DRAFT, function()
        local piece = reader()
        if not piece then ended = ended + 1 end
        return piece
      end)
      assert.is_nil(result)
      assert.equal(429, failure.status)
      assert.equal("rejected", failure.outcome)
      assert.equal(1, #sb:requests())
      assert.equal(1, ended)
    end)

    it("while no reader was asked yet", function()
      sb:configure { listening = false }
      local asked = 0
      local result, failure = files:upload(DRAFT, function()
        asked = asked + 1
        return nil
      end)
      assert.is_nil(result)
      assert.equal("unsent", failure.outcome)
      assert.equal(4, failure.attempts)
      assert.equal(0, asked)
    end)

    it("not where it may have taken effect", function()
      for _, fault in ipairs { "reset-after", "truncate", "reset-before" } do
        sb:reset()
        sb:configure { faults = { { on = "POST /**", fault = fault } } }
        local result, failure = files:upload(DRAFT, { name = "a.xlsx", content = BYTES })
        assert.is_nil(result)
        assert.equal("transport", failure.kind)
        assert.equal("unknown", failure.outcome)
        assert.equal(1, #sb:requests())
      end
    end)
  end)

  it("ends early where the service answers early, and the reader is not asked for the rest", function()
    local refused = rawserver.reply(413, '{"error_code":"REQ_005","errors":["too large"]}', { Connection = "close" })
    local s <close> = service.scripted { { { read = 1000 }, { send = refused }, { hang = true } } }
    local asked = 0
    local result, failure = s.client.usageFiles:upload(DRAFT, function()
      asked = asked + 1
      return asked < 100000 and ("x"):rep(10000) or nil
    end)
    assert.is_nil(result)
    assert.equal("REQ_005", failure.errorCode)
    assert.equal("rejected", failure.outcome)
    assert.is_true(asked < 100000)
  end)

  it("is given up when its time is over", function()
    time.stop() -- this is about the real one
    local s <close> = service.scripted { { { read = 1000 }, { pause = 30 } } }
    for options, kind in pairs { [{ timeout = 0.2 }] = "transport", [{ deadline = 0.2 }] = "cancelled" } do
      local result, failure = s.client.usageFiles:upload(DRAFT, function() return ("x"):rep(100000) end, options)
      assert.is_nil(result)
      assert.equal(kind, failure.kind)
      assert.equal("unknown", failure.outcome)
    end
  end)

  describe("reports its progress", function()
    --- Uploads and gives what onProgress was told.
    local function progressOf(source)
      local told = {}
      assert(files:upload(DRAFT, source, { onProgress = function(done, total) told[#told + 1] = { done, total } end }))
      return told
    end

    it("up to the total where that is known", function()
      for _, source in ipairs { folder:write("a.xlsx", BYTES:rep(4)), { name = "a.xlsx", content = BYTES:rep(4) } } do
        local told = progressOf(source)
        local total = #lastRequest().body
        assert.is_true(#told > 1)
        for index, pair in ipairs(told) do
          assert.equal("integer", math.type(pair[1]))
          assert.equal(total, pair[2])
          assert.is_true(pair[1] > (index > 1 and told[index - 1][1] or 0))
        end
        assert.equal(total, told[#told][1])
      end
    end)

    it("without a total from a reader", function()
      local told = progressOf(readerOf(BYTES, 10000))
      for index, pair in ipairs(told) do
        assert.is_nil(pair[2])
        assert.is_true(pair[1] > (index > 1 and told[index - 1][1] or 0))
      end
      assert.is_true(told[#told][1] >= #lastRequest().body)
    end)

    it("and ends where onProgress raises an error", function()
      local problem = {}
      local ok, raised = pcall(files.upload, files, DRAFT, { name = "a.xlsx", content = BYTES:rep(20) },
        { onProgress = function() error(problem) end })
      assert.is_false(ok)
      assert.equal(problem, raised)
      assert.same({}, sb:journal())
    end)
  end)

  it("ends as cancelled where the client is closed by its reader or onProgress", function()
    local function close() client:close() end
    local cases = {
      { function() close() return BYTES end },
      { { name = "a.xlsx", content = BYTES:rep(20) }, { onProgress = close } },
    }
    for _, case in ipairs(cases) do
      sb:reset()
      setClient()
      local result, failure = files:upload(DRAFT, case[1], case[2])
      assert.is_nil(result)
      assert.equal("cancelled", failure.kind)
      assert.equal("unknown", failure.outcome)
      assert.same({}, sb:journal())
    end
  end)

  it("lets its reader call the client itself", function()
    local reader = readerOf(BYTES, 50000)
    assert(files:upload(DRAFT, function()
      assert.equal(CHUNK, assert(chunks:get(CHUNK)).id)
      return reader()
    end))
    assert.equal(sha256(BYTES), sb:upload(DRAFT).sha256)
  end)
end)

describe("a download", function()
  surroundings()

  --- Asserts that there is nothing in the folder, neither the target nor something unfinished.
  local function checkNothing()
    assert.same({}, folder:list())
  end

  describe("goes", function()
    local function check(bytes)
      local expected = sb:download(CHUNK)
      assert.equal(SIZE, expected.size)
      assert.equal(SIZE, #bytes)
      assert.equal(expected.sha256, sha256(bytes))
    end

    it("to a string", function()
      check(assert(chunks:download(CHUNK)))
    end)

    it("to a path, and gives the number of bytes", function()
      assert.equal(SIZE, assert(chunks:download(CHUNK, folder:path("chunk.xlsx"))))
      check(folder:read("chunk.xlsx"))
      assert.same({ "chunk.xlsx" }, folder:list())
    end)

    it("to a function, piece by piece, and gives the number of bytes", function()
      local pieces = {}
      assert.equal(SIZE, assert(chunks:download(CHUNK, function(bytes) pieces[#pieces + 1] = bytes end)))
      assert.is_true(#pieces > 3)
      for _, piece in ipairs(pieces) do assert.is_true(#piece > 0 and #piece <= 262144) end
      check(table.concat(pieces))
    end)

    it("from a chunk object, too", function()
      local chunk = assert(chunks:get(CHUNK))
      assert.equal(SIZE, assert(chunk:download(folder:path("chunk.xlsx"))))
      check(folder:read("chunk.xlsx"))
      local pieces = {}
      assert.equal(SIZE, assert(chunk:download(function(bytes) pieces[#pieces + 1] = bytes end, { timeout = 30 })))
      check(table.concat(pieces))
      check(assert(chunk:download()))
    end)
  end)

  it("brings the files of a reconciliation", function()
    local made = assert(reconciliations:create({ name = "r.xlsx", content = BYTES }))
    assert.equal(sha256(BYTES), sha256(assert(reconciliations:uploadedFile(made.id))))
    assert.equal(#BYTES, assert(reconciliations:uploadedFile(made.id, folder:path("u.xlsx"))))
    assert.equal(sha256(BYTES), sha256(folder:read("u.xlsx")))
    assert.equal(SIZE, assert(reconciliations:processedFile(made.id, folder:path("p.xlsx"))))
    assert.equal(sb:download(made.id).sha256, sha256(folder:read("p.xlsx")))
  end)

  it("of nothing makes an empty file", function()
    sb:configure { downloadBytes = 0 }
    local called = 0
    assert.equal(0, assert(chunks:download(CHUNK, folder:path("chunk.xlsx"))))
    assert.equal("", folder:read("chunk.xlsx"))
    assert.equal(0, assert(chunks:download(CHUNK, function() called = called + 1 end)))
    assert.equal(0, called)
    assert.equal("", assert(chunks:download(CHUNK)))
  end)

  it("is bounded by maxResponseBytes as a string alone", function()
    setClient { maxResponseBytes = 100000, retries = 0 }
    local bytes, failure = chunks:download(CHUNK)
    assert.is_nil(bytes)
    assert.equal("transport", failure.kind)
    assert.matches("more than 100000 bytes", failure.message, 1, true)
    assert.equal(SIZE, assert(chunks:download(CHUNK, folder:path("chunk.xlsx"))))
    assert.equal(SIZE, assert(chunks:download(CHUNK, function() end)))
  end)

  describe("replaces a file that is there", function()
    before_each(function()
      folder:write("chunk.xlsx", "what was there before")
    end)

    it("when it is whole", function()
      local during
      assert(chunks:download(CHUNK, folder:path("chunk.xlsx"), { onProgress = function(done, total)
        if done < total then during = folder:read("chunk.xlsx") end
      end }))
      assert.equal("what was there before", during)
      assert.equal(SIZE, #folder:read("chunk.xlsx"))
      assert.same({ "chunk.xlsx" }, folder:list())
    end)

    it("and leaves it alone when it fails", function()
      setClient { retries = 0 }
      for _, fault in ipairs { "truncate", "reset-middle", "status" } do
        local rule = { on = "GET " .. DOWNLOAD, fault = fault, status = fault == "status" and 500 or nil }
        sb:configure { faults = { rule } }
        assert.is_nil((chunks:download(CHUNK, folder:path("chunk.xlsx"))))
        assert.equal("what was there before", folder:read("chunk.xlsx"))
        assert.same({ "chunk.xlsx" }, folder:list())
      end
    end)
  end)

  describe("that breaks off leaves nothing,", function()
    for _, fault in ipairs { "truncate", "reset-middle" } do
      for _, bytes in ipairs { 0, 1, SIZE // 2, SIZE - 1 } do
        it(("by %s after %d bytes"):format(fault, bytes), function()
          setClient { retries = 0 }
          sb:configure { faults = { { on = "GET " .. DOWNLOAD, fault = fault, bytes = bytes } } }
          local result, failure = chunks:download(CHUNK, folder:path("chunk.xlsx"))
          assert.is_nil(result)
          assert.equal("transport", failure.kind)
          assert.equal("rejected", failure.outcome) -- a read changes nothing
          assert.is_nil(failure.status)
          checkNothing()
        end)
      end
    end

    it("nor does one that takes too long", function()
      sb:configure { faults = { { on = "GET " .. DOWNLOAD, fault = "slow", bytes = 1000, seconds = 0.01 } } }
      local result, failure = chunks:download(CHUNK, folder:path("chunk.xlsx"), { timeout = 0.2, retries = 0 })
      assert.is_nil(result)
      assert.equal("transport", failure.kind)
      assert.matches("timeout", failure.message, 1, true)
      checkNothing()
    end)
  end)

  it("that the service refuses leaves nothing", function()
    local result, failure = chunks:download("UFC-none", folder:path("chunk.xlsx"))
    assert.is_nil(result)
    assert.equal("OBJ_001", failure.errorCode)
    assert.equal("rejected", failure.outcome)
    checkNothing()
    local called = 0
    result, failure = chunks:download("UFC-none", function() called = called + 1 end)
    assert.is_nil(result)
    assert.equal("OBJ_001", failure.errorCode)
    assert.equal(0, called)
  end)

  it("does not follow a redirect, nor keep what came with it", function()
    local s <close> = service.answering(rawserver.reply(302, "moved", { Location = "http://127.0.0.1:1/x" }))
    local result, failure = s.chunks:download(CHUNK, folder:path("chunk.xlsx"))
    assert.is_nil(result)
    assert.equal("http", failure.kind)
    assert.equal(302, failure.status)
    checkNothing()
  end)

  describe("is tried again", function()
    it("into the file from its start", function()
      sb:configure { faults = {
        { on = "GET " .. DOWNLOAD, fault = "truncate", bytes = SIZE - 1 },
        { on = "GET " .. DOWNLOAD, fault = "reset-middle", nth = 2 },
        { on = "GET " .. DOWNLOAD, fault = "status", status = 503, nth = 3 },
      } }
      assert.equal(SIZE, assert(chunks:download(CHUNK, folder:path("chunk.xlsx"))))
      assert.equal(sb:download(CHUNK).sha256, sha256(folder:read("chunk.xlsx")))
      assert.same({ "chunk.xlsx" }, folder:list())
      assert.equal(4, #sb:requests())
    end)

    it("into an empty file where the first attempt broke off and the second brings nothing", function()
      local s <close> = service.answering({
        "HTTP/1.1 500 Scripted\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      }, { retries = 1 })
      assert.equal(0, assert(s.chunks:download(CHUNK, folder:path("chunk.xlsx"))))
      assert.equal("", folder:read("chunk.xlsx"))
      local half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it"
      local cut <close> = service.scripted({
        { { read = "request" }, { send = half }, { close = true } },
        { { read = "request" }, { send = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" }, { hang = true } },
      }, { retries = 1 })
      assert.equal(0, assert(cut.chunks:download(CHUNK, folder:path("chunk.xlsx"))))
      assert.equal("", folder:read("chunk.xlsx"))
    end)

    it("before a function got its first piece", function()
      sb:configure { faults = {
        { on = "GET " .. DOWNLOAD, fault = "status", status = 500 },
        { on = "GET " .. DOWNLOAD, fault = "reset-before", nth = 2 },
        { on = "GET " .. DOWNLOAD, fault = "truncate", bytes = 0, nth = 3 },
      } }
      local pieces = {}
      assert.equal(SIZE, assert(chunks:download(CHUNK, function(bytes) pieces[#pieces + 1] = bytes end)))
      assert.equal(sb:download(CHUNK).sha256, sha256(table.concat(pieces)))
      assert.equal(4, #sb:requests())
    end)

    it("not after it: a function never sees bytes twice", function()
      for _, fault in ipairs { "truncate", "reset-middle" } do
        sb:reset()
        sb:configure { faults = { { on = "GET " .. DOWNLOAD, fault = fault, bytes = 500000 } } }
        local seen = 0
        local result, failure = chunks:download(CHUNK, function(bytes) seen = seen + #bytes end)
        assert.is_nil(result)
        assert.equal("transport", failure.kind)
        assert.equal(1, failure.attempts)
        assert.equal(1, #sb:requests())
        assert.is_true(seen > 0 and seen <= 500000)
      end
    end)

    it("only as often as its options say", function()
      sb:configure { faults = { { on = "GET " .. DOWNLOAD, fault = "truncate", count = "all" } } }
      local _, failure = chunks:download(CHUNK, folder:path("chunk.xlsx"), { retries = 1 })
      assert.equal(2, failure.attempts)
      assert.equal(2, #sb:requests())
      checkNothing()
    end)
  end)

  describe("to a target that can't be written", function()
    local function check(target, reason)
      local result, failure = chunks:download(CHUNK, target)
      assert.is_nil(result)
      assert.equal("file", failure.kind)
      assert.matches(reason, failure.message, 1, true)
      assert.matches(target, failure.message, 1, true)
      return failure
    end

    it("fails before anything is sent", function()
      local reasons = {
        [folder:path("none/chunk.xlsx")] = "No such file or directory",
        [folder:write("plain", "") .. "/chunk.xlsx"] = "Not a directory",
        [folder.root] = "Is a directory",
        [folder:path("")] = "Is a directory",
      }
      for target, reason in pairs(reasons) do
        local failure = check(target, reason)
        assert.equal("unsent", failure.outcome)
        assert.equal(0, failure.attempts)
      end
      assert.same({}, sb:requests())
      assert.same({ "plain" }, folder:list())
    end)

    it("fails where the disk is full, and leaves no part of it", function()
      -- The size of files is limited for a process of its own.
      local script = ([[
        local connect = require "cloudblue.connect"
        local client = connect.ConnectClient("%s", "%s")
        local result, failure = client.usageChunks:download("%s", "%s")
        print(result, failure.kind, failure.message)
      ]]):format(sb.endpoint, sb.apiKey, CHUNK, folder:path("chunk.xlsx"))
      local program = folders.make()
      local limited <close> = assert(io.popen(("trap '' XFSZ; ulimit -f 100; exec %s '%s' 2>&1"):format(
        os.getenv("LUA") or "lua5.4", program:write("download.lua", script))))
      local output = limited:read("a")
      program:stop()
      assert.equal(("nil\tfile\tcan't write '%s': File too large\n"):format(folder:path("chunk.xlsx")), output)
      checkNothing()
      assert.equal(1, #sb:requests())
    end)

    it("fails at once where it is no regular file, which could block past every limit", function()
      os.execute(("cd '%s' && mkfifo pipe && ln -s pipe link && ln -s /dev/null nowhere"):format(folder.root))
      for _, target in ipairs { folder:path("pipe"), folder:path("link"), folder:path("nowhere"), "/dev/null",
        "/dev/full" } do
        local failure = check(target, "it is no regular file; give a function")
        assert.equal("unsent", failure.outcome)
        assert.equal(0, failure.attempts)
      end
      assert.same({}, sb:requests())
      assert.same({ "link", "nowhere", "pipe" }, folder:list())
    end)
  end)

  describe("to a function that raises an error", function()
    it("ends there, and the error reaches the caller as it is", function()
      for _, problem in ipairs { "no more room", { code = 7 } } do
        for _, after in ipairs { 0, 2 } do
          sb:reset()
          local seen = 0
          local ok, raised = pcall(chunks.download, chunks, CHUNK, function()
            seen = seen + 1
            if seen > after then error(problem, 0) end
          end)
          assert.is_false(ok)
          assert.equal(problem, raised)
          assert.equal(after + 1, seen)
          assert.equal(1, #sb:requests())
          assert(chunks:get(CHUNK))
        end
      end
    end)
  end)

  it("to a path ends where onProgress raises an error, and leaves nothing", function()
    local problem = {}
    local ok, raised = pcall(chunks.download, chunks, CHUNK, folder:path("chunk.xlsx"),
      { onProgress = function() error(problem) end })
    assert.is_false(ok)
    assert.equal(problem, raised)
    checkNothing()
  end)

  it("ends as cancelled where the client is closed by the function or onProgress", function()
    local function close() client:close() end
    for _, case in ipairs { { close }, { folder:path("chunk.xlsx"), { onProgress = close } } } do
      setClient()
      local result, failure = chunks:download(CHUNK, case[1], case[2])
      assert.is_nil(result)
      assert.equal("cancelled", failure.kind)
      checkNothing()
    end
  end)

  it("lets its function call the client itself", function()
    local seen = 0
    assert.equal(SIZE, assert(chunks:download(CHUNK, function(bytes)
      seen = seen + #bytes
      assert.equal(CHUNK, assert(chunks:get(CHUNK)).id)
    end)))
    assert.equal(SIZE, seen)
  end)

  it("waits for its function: the service can't run ahead of it", function()
    sb:configure { downloadBytes = 64 * 1024 * 1024 }
    local most, before = 0, collectgarbage("count")
    local total = assert(chunks:download(CHUNK, function(bytes)
      most = math.max(most, #bytes)
      bytes = nil -- luacheck: ignore
      collectgarbage()
      assert.is_true(collectgarbage("count") - before < 2048)
    end, { timeout = 3000, deadline = 3000 }))
    assert.equal(64 * 1024 * 1024, total)
    assert.is_true(most <= 262144)
  end)

  describe("reports its progress", function()
    for name, target in pairs { ["a string"] = false, ["a path"] = "chunk.xlsx", ["a function"] = true } do
      it("up to the total, to " .. name, function()
        local told = {}
        local to = target == true and function() end or target and folder:path(target) or nil
        assert(chunks:download(CHUNK, to, {
          onProgress = function(done, total) told[#told + 1] = { done, total } end,
        }))
        -- A string may be there at once; what is handed over comes piece by piece.
        assert.is_true(#told > (to and 3 or 0))
        for index, pair in ipairs(told) do
          assert.equal("integer", math.type(pair[1]))
          assert.equal(SIZE, pair[2])
          assert.is_true(pair[1] > (index > 1 and told[index - 1][1] or 0))
        end
        assert.equal(SIZE, told[#told][1])
      end)
    end

    it("without a total where the service tells none", function()
      local s <close> = service.scripted {
        { { read = "request" }, { send = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" },
          { send = "3e8\r\n" .. ("x"):rep(1000) .. "\r\n", times = 300 }, { send = "0\r\n\r\n" } },
      }
      local told = {}
      assert.equal(300000, assert(s.chunks:download(CHUNK, function() end, {
        onProgress = function(done, total) told[#told + 1] = { done, total } end,
      })))
      for _, pair in ipairs(told) do assert.is_nil(pair[2]) end
      assert.equal(300000, told[#told][1])
    end)

    it("of the file alone, not of a refusal", function()
      local told = 0
      chunks:download("UFC-none", folder:path("chunk.xlsx"), { onProgress = function() told = told + 1 end })
      assert.equal(0, told)
    end)
  end)

  describe("refuses", function()
    local function refusal(to, options)
      local message = misuse(function() return (chunks:download(CHUNK, to, options)) end)
      assert.same({}, sb:requests())
      return message
    end

    it("what is no target", function()
      assert.equal("bad argument #2 to 'download' (to must be a path, a function or nil, got number)", refusal(5))
      assert.equal("bad argument #2 to 'download' (to must be a path, a function or nil, got table)", refusal {})
    end)

    it("an empty path, and one with a control character", function()
      assert.equal("bad argument #2 to 'download' (the path is empty)", refusal(""))
      assert.equal("bad argument #2 to 'download' (the path has a control character (0x0A) at byte 2)",
        refusal("a\nb"))
    end)

    it("options that it does not know, and bad ones, without leaving a file", function()
      assert.matches("unknown option 'onProgres'", refusal(folder:path("chunk.xlsx"), { onProgres = print }), 1, true)
      assert.equal("bad argument #3 to 'download' (option 'onProgress' must be a function, got string)",
        refusal(folder:path("chunk.xlsx"), { onProgress = "x" }))
      assert.matches("bad argument #3 to 'download'", refusal(folder:path("chunk.xlsx"), 5), 1, true)
      checkNothing()
    end)
  end)
end)
