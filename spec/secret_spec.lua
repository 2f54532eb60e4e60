-- The key is shown nowhere: whatever a service echoes, wherever, in whatever spelling, and whatever becomes of the
-- client meanwhile. Nothing of the following holds it: failures, what hooks get, what prints, what is raised.

local child = require "spec.support.child"
local connect = require "cloudblue.connect"
local echoes = require "spec.support.echoes"
local interference = require "spec.support.interference"
local rawserver = require "spec.support.rawserver"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

local misuse = service.misuse

-- Keys, and what of each must not be seen.
local KEYS = {
  { key = "ApiKey SU-1:s3cr/et+k3y", secret = "s3cr/et+k3y" },
  { key = "ApiKey SU-1:SE:CR:ET", secret = "SE:CR:ET" },
  { key = "Bearer t0k/en_x", secret = "t0k/en_x" },
  { key = "Bearer  t0k&en<x>", secret = "t0k&en<x>" },
  { key = "Bearer\tt0k.en", secret = "t0k.en" },
  { key = "ApiKey SU-1: b1ank", secret = "b1ank" },
  { key = "bare-k3y", secret = "bare-k3y" },
  { key = 'ApiKey SU-1:q"uo\\te%41\'d', secret = 'q"uo\\te%41\'d' },
  { key = "ApiKey SU-1:in\tside it", secret = "in\tside it" },
  { key = "ApiKey SU-1:schl\u{fc}ssel\u{20ac}", secret = "schl\u{fc}ssel\u{20ac}" },
  { key = "ApiKey SU-1:1234567890123", secret = "1234567890123" },
}

--- Calls `see(text)` for every string that can be reached from the values: of tables the names and values, of objects
--- their user values, of all what they print.
local function walk(see, ...)
  local seen = {}
  local function look(value)
    local kind = type(value)
    if kind == "string" or kind == "number" then return see(tostring(value)) end
    if value == nil or kind == "boolean" or kind == "function" or seen[value] then return end
    seen[value] = true
    see(tostring(value))
    if kind == "table" then
      for name, inner in next, value do
        look(name)
        look(inner)
      end
    elseif kind == "userdata" then
      for n = 1, 20 do look((debug.getuservalue(value, n))) end
    end
    look(debug.getmetatable(value))
  end
  for index = 1, select("#", ...) do look((select(index, ...))) end
end

--- Fails when one of the values shows the secret.
local function assertUnseen(what, secret, ...)
  walk(function(text)
    local seen = text:lower():find(secret:lower(), 1, true) -- names of headers come in small letters
    if seen or text:find("[%%\\&]") and echoes.holds(text, secret) then
      error(what .. ": " .. text, 0)
    end
  end, ...)
end

local function body(text, status)
  return function(echo) return rawserver.reply(status, (text:gsub("@", function() return echo end))) end
end

local function header(name, status)
  return function(echo)
    return rawserver.reply(status, '{"id":"UR-1","status":"closed"}', { [name:gsub("@", "X-Y")] = "a " .. echo })
  end
end

local function head(text)
  return function(echo) return (text:gsub("@", function() return echo end)) end
end

-- What comes back, the echo at some place of it.
local REPLIES = {
  { what = "error_code", reply = body('{"error_code":"@","errors":["no"]}', 400) },
  { what = "errors", reply = body('{"error_code":"X","errors":["a @ b","@"]}', 401) },
  { what = "errors that are objects", reply = body('{"error_code":"X","errors":[{"@":"x","detail":{"@":"@"}}]}', 422) },
  { what = "errors in lists", reply = body('{"error_code":"X","errors":[["@",["@"]],[{"a":["@"]}]]}', 500) },
  { what = "errors that are an object", reply = body('{"error_code":"X","errors":{"@":["@"]}}', 400) },
  { what = "errors that are a string", reply = body('{"error_code":"X","errors":"@"}', 400) },
  { what = "another error object", reply = body('{"detail":"@","@":1}', 403) },
  { what = "an error page", reply = body("<p>you sent @</p>", 404) },
  { what = "a bad gateway's page", reply = body("<p>you sent @</p>", 502) },
  { what = "a header", reply = header("X-Echo", 400) },
  { what = "a header's name", reply = head "HTTP/1.1 400 No\r\nX-@: a\r\nContent-Length: 0\r\n\r\n" },
  { what = "a header's name of a success",
    reply = head "HTTP/1.1 200 OK\r\n@: a\r\nContent-Length: 2\r\n\r\n{}" },
  { what = "Content-Type", reply = header("Content-Type", 502) },
  { what = "Location", reply = header("Location", 302) },
  { what = "Retry-After", reply = header("Retry-After", 503) },
  { what = "Content-Range", reply = header("Content-Range", 200) },
  { what = "a header of a success", reply = header("X-Echo", 200) },
  { what = "Set-Cookie", reply = header("Set-Cookie", 200) },
  { what = "a reason", reply = head "HTTP/1.1 400 you sent @\r\nContent-Length: 0\r\n\r\n" },
  { what = "a trailer",
    reply = head "HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n0\r\nX-T: @\r\n\r\n" },
  { what = "a chunk's extension", reply = head "HTTP/1.1 400 No\r\nTransfer-Encoding: chunked\r\n\r\n0;a=@\r\n\r\n" },
  { what = "a broken chunk", reply = head "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx@\r\n\r\n" },
  { what = "no HTTP", reply = head "@\r\n\r\n" },
  { what = "a broken version", reply = head "HTTP/@ 200 OK\r\n\r\n{}" },
  { what = "a broken header", reply = head "HTTP/1.1 200 OK\r\n@\r\n\r\n{}" },
  { what = "a broken length", reply = head "HTTP/1.1 200 OK\r\nContent-Length: @\r\n\r\n{}" },
  { what = "a broken encoding", reply = head "HTTP/1.1 200 OK\r\nTransfer-Encoding: @\r\n\r\n{}" },
  { what = "an unknown coding", reply = head "HTTP/1.1 200 OK\r\nContent-Encoding: @\r\n\r\n{}" },
  { what = "no JSON", reply = body("you sent @", 200) },
  { what = "broken JSON", reply = body('{"id":"@",@', 200) },
  { what = "a string", reply = body('"@"', 200) },
  { what = "an id", reply = body('{"id":"@","status":"closed"}', 200) },
  { what = "a status", reply = body('{"id":"UR-1","status":"@"}', 200) },
  { what = "a number", reply = body('{"id":@,"status":@}', 200) },
  { what = "a billing id", reply = body('{"id":"UR-1","status":"closed","external_billing_id":"@"}', 200) },
  { what = "a note", reply = body('{"id":"UR-1","status":"closed","external_billing_note":"@"}', 200) },
  { what = "another field",
    reply = body('{"id":"UR-1","status":"closed","external_billing_id":"B-1","@":"@"}', 200) },
  { what = "an entry", reply = body('[{"id":"UR-1","status":"@","error_codes":"@","error_details":"@"}]', 206) },
  { what = "an entry that is refused",
    reply = body('[{"id":"UR-1","status":"valid","error_codes":["@"],"error_details":{"@":"@"}}]', 206) },
  { what = "an entry's details",
    reply = body('[{"id":"UR-1","status":"valid","error_codes":"STATE_001","error_details":"a @ b"}]', 206) },
  { what = "a list", reply = body('[{"id":"@"}]', 200) },
}

for _, row in ipairs(REPLIES) do REPLIES[row.what] = row end

-- Those to try every spelling in, of the first key and of the others.
local TWO = { "errors that are objects", "an error page" }
local SOME = {
  "error_code", "errors that are objects", "an error page", "a header", "a status", "another field",
  "an entry's details",
}

local CALLS = {
  { "close", function(c) return c.usageRecords:close("UR-1", "B-1", "note") end },
  { "close with a note alone", function(c) return c.usageRecords:close("UR-1", nil, "note") end },
  { "closeRecords", function(c) return c.usageRecords:closeRecords("UF-1", "UR-1", "B-1") end },
  { "settle", function(c) return c.usageRecords:settle("UR-1", "B-1") end },
  { "get", function(c) return c.usageRecords:get("UR-1") end },
  { "get of a chunk", function(c) return c.usageChunks:get("UR-1") end },
  { "update", function(c) return c.usageRecords:update("UR-1", { a = 1 }) end },
  { "create", function(c) return c.usageRecords:create { a = 1 } end },
  { "delete", function(c) return c.usageRecords:delete("UR-1") end },
  { "search", function(c) return c.usageRecords:search() end },
  { "first", function(c) return c.usageRecords:first() end },
  { "count", function(c) return c.usageRecords:count() end },
  { "all", function(c) return select(2, pcall(c.usageRecords:all())) end },
  { "download", function(c) return c.usageChunks:download("UR-1") end },
  { "download to a function", function(c) return c.usageChunks:download("UR-1", function() end) end },
  { "upload", function(c) return c.usageReconciliations:create({ name = "a.xlsx", content = "PK" }, "note") end },
  { "request", function(c) return c:request("GET", "/x") end },
  { "request of bytes", function(c) return c:request("POST", "/x", { raw = true, body = { a = 1 } }) end },
}

-- One for each kind of result.
local FEW = { CALLS[1], CALLS[3], CALLS[6], CALLS[17] }

--- What of a result may not show the key: all but what a service's reply means, which is the caller's.
local function shownOf(value, reply)
  local kind = type(value)
  if kind == "table" and value.kind and value.outcome then return value, reply end -- a failure that was raised
  return kind == "userdata" and tostring(value) or nil, reply
end

--- Makes the call and gives all that is shown of it.
local function showing(s, call, hooked)
  local value, reply = call(s.client)
  if type(value) == "userdata" and value ~= connect.null then hooked.chunk = tostring(value) end
  return { shownOf(value, reply) }, hooked, s.client, s.records
end

local function keepingHooks(client)
  local hooked = {}
  client:addBeforeRequestHook(function(request) hooked[#hooked + 1] = request end)
  client:addAfterResponseHook(function(response) hooked[#hooked + 1] = response end)
  return hooked
end

--- A service that answers every request with this, on a connection of its own.
local function answeringOnce(bytes, key, options)
  local settings = { retries = 0, timeout = 5 }
  for name, value in pairs(options or {}) do settings[name] = value end
  local raw = rawserver.start { connections = { { { read = "request" }, { send = bytes }, { close = true } } } }
  local client = connect.ConnectClient(raw.url .. "/v1", key, settings)
  return setmetatable({ raw = raw, client = client, records = client.usageRecords }, {
    __close = function()
      client:close()
      raw:stop()
    end,
  })
end

describe("the key", function()
  for _, given in ipairs(KEYS) do
    local key, secret = given.key, given.secret
    local calls = key == KEYS[1].key and CALLS or FEW

    it(("%q is not in what comes of any reply that echoes it"):format(key), function()
      for _, row in ipairs(REPLIES) do
        local s <close> = answeringOnce(row.reply(secret), key)
        local hooked = keepingHooks(s.client)
        for _, call in ipairs(calls) do
          assertUnseen(row.what .. ", " .. call[1], secret, showing(s, call[2], hooked))
        end
        assert.is_truthy(table.concat(s.raw:received()):find(secret, 1, true))
        s.client:close()
        assertUnseen(row.what .. ", closed", secret, hooked, s.client, s.records)
      end
    end)

    it(("%q is not in what comes of a reply that echoes it in other words"):format(key), function()
      for name, write in pairs(echoes.writers) do
        for _, what in ipairs(key == KEYS[1].key and SOME or TWO) do
          local row = REPLIES[what]
          local echo = write(secret)
          local s <close> = answeringOnce(row.reply(echo), key)
          local hooked = keepingHooks(s.client)
          for _, call in ipairs(FEW) do
            assertUnseen(("%s, %s, %s"):format(row.what, call[1], name), secret, showing(s, call[2], hooked))
          end
        end
      end
    end)
  end

  local FIRST = KEYS[1]

  --- The replies to a close that make a failure, with the key in them.
  local function failing()
    local list = {}
    for _, row in ipairs(REPLIES) do
      local s <close> = answeringOnce(row.reply(FIRST.secret), FIRST.key)
      if not s.records:close("UR-1", "B-1") then list[#list + 1] = row end
    end
    return list
  end

  it("is not in a failure of a client that an after-hook closed", function()
    for _, row in ipairs(failing()) do
      local s <close> = answeringOnce(row.reply(FIRST.secret), FIRST.key)
      local hooked = keepingHooks(s.client)
      s.client:addAfterResponseHook(function() s.client:close() end)
      assertUnseen(row.what, FIRST.secret, showing(s, CALLS[1][2], hooked))
    end
  end)

  -- The failure is made when the client has no connections any more, and the key is still to be known.
  it("is not in a failure of a client that is closed while that is made", function()
    for _, kind in ipairs { "call", "return", "finalizer" } do
      for _, what in ipairs { "errors that are objects", "Location", "an error page", "a status" } do
        local row = REPLIES[what]
        local function closing(n)
          local s <close> = answeringOnce(row.reply(FIRST.secret), FIRST.key)
          local hooked = keepingHooks(s.client)
          local work = CALLS[1][2]
          if not n then return interference.count(kind, work, s.client) end
          local results = interference.at(kind, n, function() s.client:close() end, work, s.client)
          assertUnseen(("%s, %s %d"):format(row.what, kind, n), FIRST.secret, results, hooked, s.client)
          return 0
        end
        for _, n in ipairs(interference.places(kind, closing(), 15)) do closing(n) end
      end
    end
  end)

  it("is not in what a confirming read met", function()
    local time <close> = testenv.start() -- luacheck: ignore
    for _, row in ipairs(REPLIES) do
      local raw <close> = rawserver.start { connections = {
        { { read = "request" }, { reset = true } },
        { { read = "request" }, { send = row.reply(FIRST.secret) }, { close = true } },
      } }
      local client <close> = connect.ConnectClient(raw.url, FIRST.key, { retries = 1, timeout = 5 })
      local hooked = keepingHooks(client)
      local chunk, failure = client.usageRecords:close("UR-1", "B-1", "note")
      assert.is_truthy(chunk or failure.confirmation, row.what)
      assertUnseen(row.what, FIRST.secret, failure, hooked, chunk and tostring(chunk))
    end
  end)

  it("is not in what misuse raises, nor in what prints of a closed client", function()
    for _, given in ipairs(KEYS) do
      local key, secret = given.key, given.secret
      local client <close> = connect.ConnectClient("http://127.0.0.1:1", key, { retries = 0 })
      for _, call in ipairs {
        function() return (connect.ConnectClient("http://127.0.0.1:1", key .. "\n")) end,
        function() return (connect.ConnectClient("http://127.0.0.1:1", " " .. key)) end,
        function() return (connect.ConnectClient("http://127.0.0.1:1", key, { timeout = "x" })) end,
        function() return (connect.ConnectClient { endpoint = "ftp://x", apiKey = key }) end,
        function() return (connect.ConnectClient { apiKey = key, endpoint = {} }) end,
        function() return (connect.ConnectClient { endpoint = "http://127.0.0.1:1", apikey = key }) end,
        function() return (client.usageRecords:close("")) end,
        function() return (client:request("GET", "/x", { headers = { Authorization = key } })) end,
      } do
        assertUnseen("misuse", secret, misuse(call))
      end
      local _, failure = client.usageRecords:close("UR-1", "B-1")
      assertUnseen("a failure", secret, failure)
      client:close()
      assertUnseen("a closed client", secret, misuse(function() return (client:request("GET", "/x")) end), client)
    end
  end)

  it("is not in a traceback", function()
    local output = child.run(([[
      local client = require("cloudblue.connect").ConnectClient("http://127.0.0.1:1", "%s", { retries = 0 })
      client:addBeforeRequestHook(function() error("in a hook") end)
      client.usageRecords:close("UR-1")
    ]]):format(FIRST.key))
    assert.matches("in a hook.*traceback", output)
    assertUnseen("a traceback", FIRST.secret, output)
  end)

  it("is masked star by star, and nothing else is", function()
    local errors = '{"error_code":"X","errors":["hunter2?","hunter"]}'
    local s <close> = answeringOnce(rawserver.reply(400, errors), "hunter2")
    local _, failure = s.records:close("UR-1", "B-1")
    assert.equal("*******?; hunter", failure.message)
    assert.same({ "*******?", "hunter" }, failure.errors)
    errors = '{"error_code":"X","errors":[7,[7,"7"]]}'
    local t <close> = answeringOnce(rawserver.reply(400, errors, { ["X-Echo"] = KEYS[1].key }), KEYS[1].key)
    local hooked = keepingHooks(t.client)
    _, failure = t.records:close("UR-1", "B-1")
    assert.same({ 7, { 7, "7" } }, failure.errors)
    assert.equal("integer", math.type(failure.errors[1]))
    assert.equal("ApiKey SU-1:" .. ("*"):rep(#KEYS[1].secret), hooked[2].headers["x-echo"])
    assert.equal("***", hooked[1].headers.Authorization)
  end)

  it("is looked for in time that grows with the reply alone", function()
    for _, row in ipairs { "\\", "%25", "&amp;", "\\u005c", "s3cr\\" } do
      local s <close> = answeringOnce(rawserver.reply(400, row:rep(2^21 // #row)), FIRST.key)
      local hooked = keepingHooks(s.client)
      local start = os.clock()
      s.records:close("UR-1", "B-1")
      assert.is_true(os.clock() - start < 5, row)
      assert.equal(2^21 // #row * #row, #hooked[2].body)
    end
  end)
end)
