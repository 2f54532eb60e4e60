-- The public calls that are tried while memory ends (alloc.lua): name → what is done.
--
-- `setup` runs while there is memory, `call` while it ends; both in a Lua state of their own, which has the globals
-- connect, client, records, chunks, endpoint, key, and recordId and chunkId, which no other try uses. `call` is to
-- give a result and `nil`, or `nil` and a failure. `expected` is what comes when memory suffices: "success" unless
-- said. `closes` names the global that holds the id of what is closed: the sandbox's journal has to agree. `faults`
-- and `bulkRoute` configure the sandbox. `after` runs when memory is back: it raises what is wrong. `cold`: the call is
-- to meet a state that has only its libraries. `atOnce`: so many recordIds are closed at once (alloc_atonce.lua), and
-- `after` returns what came of each; `sparse`: where not each allocation is tried, so much fewer.

-- A folder with a file in it. Afterwards nothing else is there but the whole of what was to be written.
local FOLDER = [[
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  local file = assert(io.open(folder .. "/given", "wb"))
  file:write("PK\3\4", ("x"):rep(5000))
  file:close()
]]
local FOLDER_AFTER = [[
  os.remove(folder .. "/given")
  local file = io.open(folder .. "/whole", "rb")
  local size = file and file:seek "end"
  if file then file:close() end
  os.remove(folder .. "/whole")
  local empty, problem = os.remove(folder)
  if not empty then os.execute("rm -r " .. folder) end
  assert(empty, problem)
  assert(not size or size == 16384, "a file that is not whole")
]]

return {
  { name = "require the C module", cold = true, call = [[return require "cloudblue.connect.core"]] },
  { name = "require the module", cold = true, call = [[return require "cloudblue.connect"]] },
  { name = "ConnectClient", call = [[return connect.ConnectClient(endpoint, key)]] },
  { name = "ConnectClient with a table", call = [[
      return connect.ConnectClient { endpoint = endpoint, apiKey = key, timeout = 5, connectTimeout = 2, deadline = 9,
        retries = 1, maxResponseBytes = 100000, maxConnections = 3, http2 = true, userAgent = "torture/1",
        proxy = "http://127.0.0.1:9", caFile = "/dev/null", caPath = "/",
        headers = { ["X-One"] = "1", ["X-Two"] = "2", ["X-None"] = "" } }]] },
  { name = "ConnectClient with a misspelt option", expected = "raised", call = [[
      return connect.ConnectClient(endpoint, key, { timeOut = 5 })]] },
  { name = "the resources", call = [[
      return { client.usageRecords, client.usageChunks, connect.UsageRecordResource(client),
        connect.UsageChunkResource(client), connect.GenericResource(client, "/usage/files"),
        client:resource("/subscriptions/assets"), client:resource("/usage/files"):collection("UF-1", "records"),
        tostring(client), tostring(records), records.baseUri, client.endpoint }]] },
  { name = "get", call = [[return records:get(recordId)]] },
  { name = "get, refused", expected = "failure", call = [[
      local record, failure = records:get("UR-0000-00-0000-0000")
      return record, failure, tostring(failure)]] },
  { name = "get, on the client's first connection", setup = [[
      client = connect.ConnectClient(endpoint, key, { headers = { ["X-One"] = "1" } })
      records = client.usageRecords]],
    call = [[return records:get(recordId)]] },
  { name = "create", setup = [[files = client:resource("/usage/files")]], call = [[
      return files:create { name = "torture", product = { id = "PRD-000-000-001" },
        contract = { id = "CRD-00000-00000-00001" }, note = "\u{20AC}", numbers = { 1, 2.5, 12345678901234 },
        flag = true, none = connect.null }]] },
  { name = "update", call = [[return chunks:update(chunkId, { external_id = "torture" })]] },
  { name = "delete", setup = [[files = client:resource("/usage/files")]], expected = "failure",
    call = [[return files:delete("UF-0000-00-0000")]] },
  { name = "action", expected = "failure", call = [[
      return client:resource("/usage/files"):action("UF-0000-00-0000", "submit", { note = "x" })]] },
  { name = "search with a query", call = [[return records:search("eq(status,approved)&limit=5")]] },
  { name = "search with filters", call = [[
      return records:search(
        { status = { ["$in"] = { "approved", "closed" } }, ["product.id"] = { ["$ne"] = "x y" } },
        { limit = 3, offset = 2 })]] },
  { name = "search with a builder", call = [[
      local R = connect.R
      return records:search(R.status:eq("approved") & R.asset.id:like "AS-*" | ~R.end_date:isNull())]] },
  { name = "first", call = [[return records:first({ status = "approved" })]] },
  { name = "count", call = [[return records:count({ status = "approved" })]] },
  { name = "all", call = [[
      local n = 0
      for record in records:all({ asset_id = { ["$in"] = { "AS-0000-0000-0001", "AS-0000-0000-0002" } } }) do
        n = n + #record.id
      end
      return n]] },
  { name = "request", call = [[
      return client:request("GET", "/usage/records", { query = "limit=2", headers = { ["X-One"] = "1" }, timeout = 9,
        deadline = 99, retries = 1 })]] },
  { name = "request with a body", call = [[
      return client:request("PUT", "/usage/chunks/" .. chunkId, { body = { external_id = "x" } })]] },
  { name = "request for bytes", call = [[return client:request("GET", "/usage/records", { raw = true })]] },
  { name = "hooks", setup = [[
      client:addBeforeRequestHook(function(request) assert(request.headers.Authorization ~= key) end)
      client:addAfterResponseHook(function(response) assert(response.status == 200 and #response.body > 0) end)]],
    call = [[return records:get(recordId)]] },
  { name = "adding a hook", call = [[
      client:addBeforeRequestHook(type)
      client:addAfterResponseHook(type)
      return true]] },
  { name = "records:close", closes = "recordId", call = [[return records:close(recordId, "BILL-1", "note")]] },
  { name = "records:close, without a billing id", closes = "recordId", call = [[return records:close(recordId)]] },
  { name = "records:close, refused", expected = "failure", call = [[
      return records:close("UR-0000-00-0000-0000", "BILL-1")]] },
  { name = "records:close, and the fields of the chunk", closes = "recordId", call = [[
      local chunk, failure = records:close(recordId, "BILL-1", "\u{20AC} note")
      if not chunk then return nil, failure end
      local seen = { tostring(chunk), chunk.id, chunk.data.id, #chunk.raw, chunk.external_billing_note }
      for name, value in pairs(chunk) do seen[name] = value end
      return seen]] },
  { name = "records:close, the reply lost", closes = "recordId",
    faults = { { on = "POST /usage/records/*/close", count = "all", fault = "reset-after" } },
    call = [[
      local chunk, failure = records:close(recordId, "BILL-1", "note")
      if chunk then assert(chunk.confirmed) end
      return chunk, failure]] },
  { name = "records:close, the request lost", closes = "recordId", expected = "failure",
    faults = { { on = "POST /usage/records/*/close", count = "all", fault = "reset-before" } },
    call = [[return records:close(recordId, "BILL-1", "note")]] },
  { name = "records:close, a service that is busy", closes = "recordId", expected = "failure",
    faults = {
      { on = "POST /usage/records/*/close", count = "all", fault = "status", status = 429, retryAfter = 2 },
    },
    call = [[return records:close(recordId, "BILL-1", "note")]] },
  { name = "records:close, answered with garbage", closes = "recordId",
    faults = { { on = "POST /usage/records/*/close", count = "all", fault = "garbage" } },
    call = [[return records:close(recordId, "BILL-1", "note")]] },
  { name = "closeRecords", closes = "recordId",
    call = [[return records:closeRecords("UF-2026-01-0000-0000", recordId, "BILL-1", "note")]] },
  { name = "closeRecords, refused", expected = "failure", call = [[
      return records:closeRecords("UF-2026-01-0000-0000", "UR-0000-00-0000-0000", "BILL-1")]] },
  { name = "closeRecords, by the other route", closes = "recordId", bulkRoute = false,
    call = [[return records:closeRecords("UF-2026-01-0000-0000", recordId, "BILL-1", "note")]] },
  { name = "chunks:close", closes = "chunkId", call = [[return chunks:close(chunkId, "BILL-1", "note")]] },
  { name = "chunk:close", closes = "chunkId", setup = [[chunk = assert(chunks:get(chunkId))]],
    call = [[return chunk:close("BILL-1", "note")]] },
  { name = "chunk:refresh", setup = [[chunk = assert(chunks:get(chunkId))]], call = [[return chunk:refresh()]] },
  { name = "chunk:download", setup = [[chunk = assert(chunks:get(chunkId))]], call = [[return chunk:download()]] },
  { name = "chunk:regenerate", setup = [[chunk = assert(chunks:get(chunkId))]], call = [[return chunk:regenerate()]] },
  { name = "download to a function", setup = [[size = 0]],
    call = [[return chunks:download(chunkId, function(piece) size = size + #piece end)]] },
  { name = "download to a file", setup = FOLDER, after = FOLDER_AFTER,
    call = [[return chunks:download(chunkId, folder .. "/whole", { onProgress = type })]] },
  { name = "download, refused", setup = FOLDER, after = FOLDER_AFTER, expected = "failure",
    call = [[return chunks:download("UFC-0000-00-0000-000", folder .. "/whole")]] },
  { name = "files:accept", expected = "failure",
    call = [[return client.usageFiles:accept("UF-0000-00-0000", "note")]] },
  { name = "files:upload, bytes", call = [[
      return client.usageFiles:upload("UF-2026-01-0000-0003", { name = "a.xlsx", content = "PK\3\4 bytes" })]] },
  { name = "files:upload, a file", setup = FOLDER, after = FOLDER_AFTER, call = [[
      return client.usageFiles:upload("UF-2026-01-0000-0003", folder .. "/given")]] },
  { name = "files:upload, a function", setup = [[pieces = { "PK\3\4", ("x"):rep(20000), "y" }]], call = [[
      local at = 0
      return client.usageFiles:upload("UF-2026-01-0000-0003", function()
        at = at + 1
        return pieces[at]
      end, { onProgress = type })]] },
  { name = "reconciliations:create", call = [[
      return client.usageReconciliations:create({ name = "a.xlsx", content = "PK\3\4 a spreadsheet" }, "note")]] },
  { name = "polling's watch", setup = [[
      loop = require "cloudblue.connect.loop.polling"(print)
      seen = 0
      function onReadable() seen = seen + 1 end]],
    call = [[
      ended = loop.watch(0, onReadable)
      return true]],
    after = [[
      if ended then ended() end
      loop.step()
      assert(seen == 0, "nobody can end the watch")]] },
  { name = "cqueues' watch", setup = [[
      loop = require "cloudblue.connect.loop.cqueues"
      controller = require "cqueues".new()
      a, b = require "cqueues.socket".pair()
      b:write "x"
      b:flush()
      seen = 0
      function onReadable() seen = seen + 1 end
      controller:wrap(function() tried, ended, problem = pcall(loop.watch, a:pollfd(), onReadable) end)]],
    call = [[
      local stepped, problem = controller:step(0)
      if not stepped then error(tostring(problem):find "not enough memory$" and "not enough memory" or problem, 0) end
      if tried == false then error(ended, 0) end
      return true]],
    after = [[
      if tried and ended then ended() end
      for _ = 1, 3 do controller:step(0) end
      assert(seen == 0, "nobody can end the watch")
      a:close()
      b:close()]] },
  { name = "client:close", call = [[client:close(); client:close(); return true]] },
  { name = "a closed client", expected = "raised", setup = [[client:close()]],
    call = [[return records:get(recordId)]] },
}
