--- A sandbox, a client of it, and time that passes at once: for the specs of what happens when things go wrong.
---
---     local s <close> = scene.start { faults = { { on = "POST /usage/records/*/close", fault = "reset-after" } } }
---     s.client.usageRecords:close(scene.RECORD, "B-1")
---     s:requests()                   -- {"POST /usage/records/UR-…/close", "GET /usage/records/UR-…"}

local connect = require "cloudblue.connect"
local sandbox = require "cloudblue.connect.sandbox"
local testenv = require "spec.support.testenv"

local scene = {
  FILE = "UF-2026-01-0000-0000",
  RECORD = "UR-2026-01-0000-0000-0000-0001",
  CHUNK = "UFC-2026-01-0000-0000-001",
  RULES = "/products/PRD-000-000-001/usage/rules",
  RULE = "UIR-000-000-001",
  BILL = "BILL-77",
  --- Replies over this many bytes are too large for every client made here.
  MOST = 65536,
  --- Seconds that an attempt may take where it is to run out of time; more under valgrind and its
  --- like (TEST_SLOWNESS), where everything else takes longer too.
  SHORT = 0.15 * (tonumber(os.getenv "TEST_SLOWNESS") or 1),
}

local FILE, RECORD, CHUNK, RULES, RULE, BILL =
  scene.FILE, scene.RECORD, scene.CHUNK, scene.RULES, scene.RULE, scene.BILL

-- One sandbox serves all scenes of a process; starting one takes longer than a scene.
local shared

local function sharedSandbox()
  shared = shared or assert(sandbox.start { records = 1000 })
  shared:reset()
  shared:configure { faults = {}, bulkRoute = true, listening = true }
  return shared
end

---@class Scene
---@field sandbox Sandbox
---@field client table
---@field time TestEnv
local Scene = {}
Scene.__index = Scene

--- Sets the scene. A call (see below) brings what it needs.
---@param options {faults: table[]?, client: table?, random: number[]?, wall: number?, call: table?}?
---  client: options of the client; random, wall: see testenv.lua
---@return Scene
function scene.start(options)
  options = options or {}
  local sb = sharedSandbox()
  local time = testenv.start { random = options.random, wall = options.wall }
  local settings = { maxResponseBytes = scene.MOST }
  for name, value in pairs(options.client or {}) do settings[name] = value end
  local self = setmetatable({ sandbox = sb, time = time }, Scene)
  self.client = connect.ConnectClient(sb.endpoint, sb.apiKey, settings)
  if options.call and options.call.prepare then options.call.prepare(self) end
  self.start = #sb:requests() + 1
  sb:configure { faults = options.faults or {} }
  return self
end

--- What was received since the scene was set: method and path, without prefix and query.
---@return string[]
function Scene:requests()
  local list = {}
  for number, request in ipairs(self.sandbox:requests(self.start)) do
    list[number] = request.method .. " " .. request.path:gsub("^/public/v1", ""):gsub("%?.*", "")
  end
  return list
end

--- Lets the port be closed, and breaks the connection that may still be open.
function Scene:deafen()
  self.sandbox:configure { faults = { { on = "GET /**", fault = "reset-before", count = "all" } } }
  self.client:request("GET", "/usage/records/none", { retries = 0 })
  self.sandbox:configure { faults = {}, listening = false }
  self.start = #self.sandbox:requests() + 1
end

function Scene:stop()
  self.client:close()
  self.time.stop()
  local problems = shared:problems()
  assert(#problems == 0, problems[1])
end

Scene.__close = Scene.stop

-- ==== Calls ==========================================================

--- The journal's entries of an action on an object.
---@param sb Sandbox
---@param action string
---@param id string? any object when nil
---@return table[]
function scene.applied(sb, action, id)
  local entries = {}
  for _, entry in ipairs(sb:journal()) do
    if entry.action == action and (id == nil or entry.id == id) then entries[#entries + 1] = entry end
  end
  return entries
end

local function closing(name, request, id, collection, call, prepare)
  return {
    name = name,
    on = request:gsub(id, "*"):gsub(FILE, "*"),
    request = request,
    probe = ("GET /usage/%s/%s"):format(collection, id),
    id = id,
    call = call,
    prepare = prepare,
    applied = function(sb) return #scene.applied(sb, "close", id) end,
  }
end

--- Every call that closes: `name`, `on` (for rules of faults), `request` (what is received), `probe` (the request that
--- confirms), `id`, `call(scene, billingId)`, `applied(sandbox)`.
scene.closes = {
  closing("records:close", ("POST /usage/records/%s/close"):format(RECORD), RECORD, "records",
    function(s, bill) return s.client.usageRecords:close(RECORD, bill, "note") end),
  closing("closeRecords", "POST /usage/records/close-records", RECORD, "records",
    function(s, bill) return s.client.usageRecords:closeRecords(FILE, RECORD, bill) end),
  closing("closeRecords by the SDK's route", ("POST /usage/records/%s/close-records"):format(FILE), RECORD, "records",
    function(s, bill) return s.client.usageRecords:closeRecords(FILE, RECORD, bill) end,
    function(s)
      s.sandbox:configure { bulkRoute = false }
      assert(s.client.usageRecords:closeRecords(FILE, "UR-2026-01-0000-0000-0000-0900", "OTHER"))
    end),
  closing("chunks:close", ("POST /usage/chunks/%s/close"):format(CHUNK), CHUNK, "chunks",
    function(s, bill) return s.client.usageChunks:close(CHUNK, bill) end),
  closing("chunk:close", ("POST /usage/chunks/%s/close"):format(CHUNK), CHUNK, "chunks",
    function(s, bill) return s.chunk:close(bill) end,
    function(s) s.chunk = assert(s.client.usageChunks:get(CHUNK)) end),
}

--- Every kind of call that may be repeated. `gone` is the status that a repetition gets when the first took effect.
scene.safe = {
  { name = "get", reads = true, on = "GET /usage/records/*", request = "GET /usage/records/" .. RECORD,
    call = function(s) return s.client.usageRecords:get(RECORD) end,
    applied = function() return 0 end },
  { name = "search", reads = true, on = "GET /usage/records", request = "GET /usage/records",
    call = function(s) return s.client.usageRecords:search { status = "approved", limit = 10 } end,
    applied = function() return 0 end },
  { name = "update", on = "PUT /usage/chunks/*", request = "PUT /usage/chunks/" .. CHUNK,
    call = function(s) return s.client.usageChunks:update(CHUNK, { external_id = "E-1" }) end,
    applied = function(sb) return #scene.applied(sb, "update", CHUNK) end },
  { name = "delete", on = "DELETE /**", request = "DELETE " .. RULES .. "/" .. RULE, gone = 404,
    call = function(s) return connect.GenericResource(s.client, RULES):delete(RULE) end,
    applied = function(sb) return #scene.applied(sb, "delete", RULE) end },
  { name = "download", reads = true, on = "GET /usage/chunks/*/download",
    request = "GET /usage/chunks/" .. CHUNK .. "/download",
    call = function(s) return s.client.usageChunks:download(CHUNK) end,
    applied = function() return 0 end },
  { name = "request of PUT", on = "PUT /usage/chunks/*", request = "PUT /usage/chunks/" .. CHUNK,
    call = function(s) return s.client:request("PUT", "/usage/chunks/" .. CHUNK, { body = { external_id = "E" } }) end,
    applied = function(sb) return #scene.applied(sb, "update", CHUNK) end },
}

--- POSTs that are no close, or that the module doesn't know as one.
scene.others = {
  { name = "create", on = "POST " .. RULES, request = "POST " .. RULES,
    call = function(s) return connect.GenericResource(s.client, RULES):create { action = "accept" } end,
    applied = function(sb) return #scene.applied(sb, "create") end },
  { name = "regenerate", on = "POST /usage/chunks/*/regenerate",
    request = "POST /usage/chunks/" .. CHUNK .. "/regenerate",
    call = function(s) return s.client.usageChunks:regenerate(CHUNK) end,
    applied = function(sb) return #scene.applied(sb, "regenerate", CHUNK) end },
  { name = "upload", on = "POST /usage/reconciliations", request = "POST /usage/reconciliations",
    call = function(s) return s.client.usageReconciliations:create({ name = "r.xlsx", content = "PK" }, "note") end,
    applied = function(sb) return #scene.applied(sb, "create") end },
  { name = "request of POST", on = "POST /usage/records/*/close",
    request = "POST /usage/records/" .. RECORD .. "/close",
    call = function(s)
      local body = { external_billing_id = BILL }
      return s.client:request("POST", "/usage/records/" .. RECORD .. "/close", { body = body })
    end,
    applied = function(sb) return #scene.applied(sb, "close", RECORD) end },
}

--- All of them.
scene.calls = {}
for _, group in ipairs { scene.closes, scene.safe, scene.others } do
  table.move(group, 1, #group, #scene.calls + 1, scene.calls)
end

-- ==== Faults ==========================================================

--- What leaves open whether a request took effect: `what`, `rule`, whether it does, and client options it takes.
--- `bodyOnly`: nothing happens to a reply without a body.
scene.doubtful = {
  { what = "500 before it is applied", rule = { fault = "status", status = 500 } },
  { what = "500 after it was applied", rule = { fault = "status", status = 500, applied = true }, applied = true },
  { what = "502 before it is applied", rule = { fault = "status", status = 502, plain = true } },
  { what = "502 after it was applied", rule = { fault = "status", status = 502, applied = true }, applied = true },
  { what = "503 without Retry-After", rule = { fault = "status", status = 503 } },
  { what = "503 without, but applied", rule = { fault = "status", status = 503, applied = true }, applied = true },
  { what = "408 before it is applied", rule = { fault = "status", status = 408 } },
  { what = "408 after it was applied", rule = { fault = "status", status = 408, applied = true }, applied = true },
  { what = "501 after it was applied", rule = { fault = "status", status = 501, applied = true }, applied = true },
  { what = "520 after it was applied", rule = { fault = "status", status = 520, applied = true }, applied = true },
  { what = "599 before it is applied", rule = { fault = "status", status = 599 } },
  { what = "503 and an unreadable Retry-After", rule = { fault = "status", status = 503, retryAfter = "soon" } },
  { what = "504 before it is applied", rule = { fault = "status", status = 504 } },
  { what = "504 after it was applied", rule = { fault = "status", status = 504, applied = true }, applied = true },
  { what = "a refused body", rule = { fault = "refuse" } },
  { what = "a reset before it is applied", rule = { fault = "reset-before" } },
  { what = "a reset after it was applied", rule = { fault = "reset-after" }, applied = true },
  { what = "a reset in the reply", rule = { fault = "reset-middle" }, applied = true },
  { what = "a truncated reply", rule = { fault = "truncate" }, applied = true },
  { what = "no reply in time", rule = { fault = "hang" }, client = { timeout = scene.SHORT } },
  { what = "no reply in time, but applied", rule = { fault = "hang", applied = true }, applied = true,
    client = { timeout = scene.SHORT } },
  { what = "a reply that trickles", rule = { fault = "slow", bytes = 1, seconds = scene.SHORT / 3 }, applied = true,
    bodyOnly = true, client = { timeout = scene.SHORT } },
  { what = "a reply that is too large", rule = { fault = "oversized", bytes = 2 * scene.MOST }, applied = true },
}

--- 2xx replies that can't be read, and redirects, so that a close is in doubt; a repetition would bring no more.
scene.unreadable = {
  { what = "302 before it is applied", rule = { fault = "status", status = 302 } },
  { what = "303 after it was applied", rule = { fault = "status", status = 303, applied = true }, applied = true },
  { what = "200 with garbage", rule = { fault = "garbage" }, applied = true },
  { what = "200 with garbage, not applied", rule = { fault = "garbage", applied = false } },
  { what = "200 without a body", rule = { fault = "empty" }, applied = true },
  { what = "200 without a body, not applied", rule = { fault = "empty", applied = false } },
}

--- A fault's rule for a call.
---@param fault table
---@param call table
---@param more table? further members of the rule
---@return table rule
function scene.rule(fault, call, more)
  local rule = { on = call.on }
  for _, members in ipairs { fault.rule or fault, more or {} } do
    for name, value in pairs(members) do rule[name] = value end
  end
  return rule
end

--- Stops the sandbox of the scenes.
function scene.finish()
  if shared then shared:stop() end
  shared = nil
end

return scene
