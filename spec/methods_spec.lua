-- The methods of resources, chunks and client: what every one of them has in common, walked through the tables of
-- methods themselves, so that none is left out.

local certs = require "spec.support.certs"
local connect = require "cloudblue.connect"
local core = require "cloudblue.connect.core"
local cqueues = require "cqueues"
local rawserver = require "spec.support.rawserver"
local scene = require "spec.support.scene"
local service = require "spec.support.service"
local testenv = require "spec.support.testenv"

local misuse = service.misuse

local SHEET = { name = "a.xlsx", content = "PK" }

-- The arguments of each method, without options. Of a class the own ones stand before those of all.
local GENERIC = {
  get = { "X-1" }, create = { { a = 1 } }, update = { "X-1", { a = 1 } }, delete = { "X-1" },
  search = { "a=b", { limit = 1 } }, action = { "X-1", "go", { a = 1 } },
  all = { "a=b", { limit = 1 } }, first = { "a=b", { offset = 1 } }, count = { "a=b" },
}
local CLOSE = { "X-1", "B-1", "note" }
local ARGUMENTS = {
  UsageRecordResource = { close = CLOSE, settle = CLOSE, closeRecords = { "UF-1", "X-1", "B-1", "note" } },
  UsageChunkResource = { close = CLOSE, download = { "X-1", function() end }, regenerate = { "X-1" } },
  UsageFileResource = {
    accept = { "X-1", "note" }, approveAll = { "X-1" }, close = { "X-1" }, delete = { "X-1" }, reprocess = { "X-1" },
    submit = { "X-1" }, reject = { "X-1", "note" }, upload = { "X-1", SHEET }, reconciliation = { "X-1", SHEET },
    categories = { "X-1" }, template = { "X-1" },
  },
  UsageReconciliationResource = {
    create = { SHEET, "note" }, processedFile = { "X-1", function() end }, uploadedFile = { "X-1", function() end },
  },
}
local OF_A_CHUNK = { close = { "B-1", "note" }, download = { function() end }, regenerate = {}, refresh = {} }

-- The first makes no call; the others make many (see closing_spec.lua).
local OTHERS = { collection = true, closeMany = true, drain = true }

-- Written in Lua.
local LISTS = { all = true, first = true, count = true }

local METHODS = {}

local function add(name, method, arguments, object)
  METHODS[#METHODS + 1] = { name = name, method = method, arguments = arguments, object = object }
end

for class, methods in pairs(core.methods) do
  for method in pairs(methods) do
    local arguments = (ARGUMENTS[class] or {})[method] or GENERIC[method]
    -- Those in Lua are one function for all classes.
    local isShared = class ~= "GenericResource" and methods[method] == core.methods.GenericResource[method]
    if not OTHERS[method] and not isShared then
      add(class .. ":" .. method, method, arguments, function(client)
        return class == "GenericResource" and client:resource("/things") or connect[class](client)
      end)
    end
  end
end
for method, arguments in pairs(OF_A_CHUNK) do
  add("chunk:" .. method, method, arguments, function(client) return assert(client.usageChunks:get("X-1")) end)
end
table.sort(METHODS, function(one, other) return one.name < other.name end)

local objects = setmetatable({}, { __mode = "k" })

--- The object of the method, one for each client.
local function objectOf(row, client)
  objects[client] = objects[client] or row.object(client)
  return objects[client]
end

--- Calls the method. An iterator is called once; the failure that it raises is returned.
local function invoke(row, object, ...)
  if row.method ~= "all" then return object[row.method](object, ...) end
  local iterator = object:all(...)
  local done, result = pcall(iterator)
  if done or type(result) == "string" then return done and result or error(result, 0) end
  return nil, result
end

--- Calls the method of a client with its arguments and more behind them.
local function call(row, client, ...)
  local arguments, count = { table.unpack(row.arguments) }, #row.arguments
  for index = 1, select("#", ...) do arguments[count + index] = (select(index, ...)) end
  return invoke(row, objectOf(row, client), table.unpack(arguments, 1, count + select("#", ...)))
end

local CHUNK = rawserver.reply(200, '{"id":"X-1","status":"ready"}')

--- A service that gives a chunk where the row needs one, and answers all else with this.
local function answering(row, bytes, options)
  return service.answering(row.name:find("^chunk:") and { CHUNK, bytes } or { bytes }, options)
end

local function hanging(row, options)
  local steps = { { read = "request" }, { send = CHUNK }, { read = "request" }, { hang = true } }
  if not row.name:find("^chunk:") then table.move(steps, 3, 4, 1) end
  return service.scripted({ steps }, options)
end

--- The requests that are the row's own.
local function count(row, s)
  return #s:requests() - (row.name:find("^chunk:") and 1 or 0)
end

describe("the table of these specs", function()
  it("has the arguments of every method", function()
    for _, row in ipairs(METHODS) do assert.equal("table", type(row.arguments), row.name) end
    assert.is_true(#METHODS > 45)
  end)
end)

describe("options as the last argument of", function()
  local LATER = rawserver.reply(503, "{}", { ["Retry-After"] = "1" })

  for _, row in ipairs(METHODS) do
    local last = #row.arguments + 1

    it(row.name .. " say how often it is tried", function()
      for _, retries in ipairs { 0, 2 } do
        local time <close> = testenv.start()
        local s <close> = answering(row, LATER, { retries = 1 })
        local options = { retries = retries }
        local result, failure = call(row, s.client, options)
        assert.is_nil(result)
        assert.same({ 503, retries + 1 }, { failure.status, failure.attempts })
        assert.equal(retries + 1, count(row, s))
        assert.equal(retries, #time.pauses())
        assert.same({ retries = retries }, options)
        result, failure = call(row, s.client)
        assert.is_nil(result)
        assert.equal(2, failure.attempts) -- the client's
      end
    end)

    it(row.name .. " say how long an attempt may take, and the whole call", function()
      for option, kind in pairs { timeout = "transport", deadline = "cancelled" } do
        local s <close> = hanging(row, { timeout = 30 })
        local start = cqueues.monotime()
        local result, failure = call(row, s.client, { [option] = scene.SHORT / 3, retries = 0 })
        assert.is_nil(result)
        assert.equal(kind, failure.kind)
        assert.is_true(cqueues.monotime() - start < 5)
        assert.equal(1, failure.attempts)
      end
    end)

    if not row.name:find("^chunk:") then -- whose client has one
      it(row.name .. " say how long the connection may take", function()
        local raw <close> = rawserver.start { tls = certs.make().good, accept = false }
        local client <close> = connect.ConnectClient(raw.url, "key", { caFile = certs.make().ca, connectTimeout = 30 })
        local start = cqueues.monotime()
        local result, failure = call(row, client, { connectTimeout = scene.SHORT / 3, retries = 0 })
        assert.is_nil(result)
        assert.same({ "transport", "unsent" }, { failure.kind, failure.outcome })
        assert.is_true(cqueues.monotime() - start < 5)
      end)
    end

    it(row.name .. " are known ones, of their types, and nothing stands behind them", function()
      local s <close> = answering(row, rawserver.reply(200, "{}"))
      local function says(problem, number, ...)
        local given = table.pack(...)
        assert.equal(("bad argument #%d to '%s' (%s)"):format(number, row.method, problem), misuse(function()
          return (call(row, s.client, table.unpack(given, 1, given.n)))
        end))
      end
      says("unknown option 'timeOut'; the nearest known one is 'timeout'", last, { timeOut = 1 })
      says("unknown option 'headers'", last, { headers = {} })
      says("option 'timeout' must be a number of seconds over 0, got 0", last, { timeout = 0 })
      says("option 'retries' must be an integer from 0 to 1000, got -1", last, { retries = -1 })
      says("options must be a table, got string", last, "more")
      says("options must be a table, got boolean", last, false)
      says("one argument too many: a string", last + 1, {}, "more")
      says("one argument too many: a table", last + 2, nil, nil, {})
      assert.equal(0, count(row, s))
    end)

    it(row.name .. " may be nil, as may be what stands behind", function()
      local s <close> = answering(row, rawserver.reply(400, "{}"))
      for _, options in ipairs { table.pack(nil), table.pack(nil, nil, nil), table.pack {} } do
        local result, failure = call(row, s.client, table.unpack(options, 1, options.n))
        assert.is_nil(result)
        assert.equal(400, failure.status)
      end
    end)
  end

  it("an upload or a download may have a progress function among them, and no other may", function()
    for _, row in ipairs(METHODS) do
      local s <close> = answering(row, rawserver.reply(400, "{}"))
      local files = row.method:lower():find("load") or row.method:find("File") or row.method == "reconciliation"
        or row.name == "UsageReconciliationResource:create"
      local function called() return call(row, s.client, { onProgress = function() end }) end
      if files then
        assert.equal(400, select(2, called()).status, row.name)
      else
        local says = LISTS[row.method] and "unknown option 'onProgress'"
          or "option 'onProgress' goes with an upload or a download"
        assert.matches(says, misuse(called), 1, true)
      end
    end
  end)
end)

describe("every method", function()
  it("is refused by what is no such object, by its name", function()
    for _, row in ipairs(METHODS) do
      local s <close> = answering(row, rawserver.reply(200, "{}"))
      local method = objectOf(row, s.client)[row.method]
      for _, self in ipairs { 5, "records", {}, io.stdout, connect.null } do
        local message = misuse(function() return (method(self)) end)
        assert.matches("calling '" .. row.method .. "' on a bad self (", message, 1, true)
      end
    end
  end)

  it("of a closed client raises, and sends nothing", function()
    for _, row in ipairs(METHODS) do
      local s <close> = answering(row, rawserver.reply(200, "{}"))
      local object = objectOf(row, s.client)
      s.client:close()
      assert.matches("the client is closed", misuse(function()
        return (invoke(row, object, table.unpack(row.arguments)))
      end), 1, true)
      assert.equal(0, count(row, s))
    end
  end)
end)
