-- Every operation of the usage part of the API, called through this module and compared, as a sandbox received it,
-- with the facts of the API's description (spec/support/usage_paths.lua).

local cjson = require "cjson"
local connect = require "cloudblue.connect"
local paths = require "spec.support.usage_paths"
local sandbox = require "cloudblue.connect.sandbox"

local ACCEPTED, READY = "UF-2026-01-0000-0000", "UF-2026-01-0000-0001"
local PENDING, DRAFT = "UF-2026-01-0000-0002", "UF-2026-01-0000-0003"
local RECORD, CHUNK, ASSET = "UR-2026-01-0000-0000-0000-0001", "UFC-2026-01-0000-0000-001", "AS-0000-0000-0001"
local PRODUCT, ITEM, RULE = "PRD-000-000-001", "PRD-000-000-001-0001", "UIR-000-000-001"
local RECONCILIATION = "RCN-2026-01-0001"

local SHEET = { name = "usage.xlsx", content = "PK\3\4 a spreadsheet" }
local PERIOD = { from = "2026-01-01", to = "2026-01-31" }
local BILLING = { external_billing_id = "BILL-77", external_billing_note = "January run" }

local function rulesOf(client)
  return client:resource("/products/" .. PRODUCT .. "/usage/rules")
end

local function reconcile(client)
  assert(client.usageReconciliations:create(SHEET, "as billed"))
end

local function fileAction(name)
  return function(client, id) return client.usageFiles[name](client.usageFiles, id) end
end

-- How each operation is called. `id` fills the hole of the path and is handed to `call`; `body` is what has to arrive;
-- `gives` is what comes back. A call of a list gets filters and options. `before` makes what the call needs.
local calls = {
  ["GET /assets/{asset_pk}/usage/aggregates"] = { id = ASSET, gives = "list", call = function(client, id, ...)
    return client:resource("/assets/" .. id .. "/usage/aggregates"):search(...)
  end },

  ["GET /products/{product_pk}/usage/rules"] = { id = PRODUCT, gives = "list", call = function(client, _, ...)
    return rulesOf(client):search(...)
  end },
  ["POST /products/{product_pk}/usage/rules"] = { id = PRODUCT, gives = "object",
    body = { item = { id = ITEM }, action = "manual", rule = "amount > 5", status = "active" },
    call = function(client, _, body) return rulesOf(client):create(body) end },
  ["GET /products/{product_pk}/usage/rules/{id}"] = { id = RULE, gives = "object", call = function(client, id)
    return rulesOf(client):get(id)
  end },
  ["PUT /products/{product_pk}/usage/rules/{id}"] = { id = RULE, gives = "object",
    body = { item = { id = ITEM }, action = "reject", rule = "amount < 5", status = "active",
      gravity = { after = "P1D" } },
    call = function(client, id, body) return rulesOf(client):update(id, body) end },
  ["DELETE /products/{product_pk}/usage/rules/{id}"] = { id = RULE, gives = "true", call = function(client, id)
    return rulesOf(client):delete(id)
  end },

  ["GET /usage/aggregates"] = { gives = "list", call = function(client, _, ...)
    return client.usageAggregates:search(...)
  end },

  ["GET /usage/chunks"] = { gives = "list", call = function(client, _, ...)
    return client.usageChunks:search(...)
  end },
  ["GET /usage/chunks/{id}"] = { id = CHUNK, gives = "chunk", call = function(client, id)
    return client.usageChunks:get(id)
  end },
  ["PUT /usage/chunks/{id}"] = { id = CHUNK, gives = "chunk", body = { external_id = "HUB-7" },
    call = function(client, id, body) return client.usageChunks:update(id, body) end },
  ["POST /usage/chunks/{id}/close"] = { id = CHUNK, gives = "chunk", body = BILLING, call = function(client, id)
    return client.usageChunks:close(id, "BILL-77", "January run")
  end },
  ["GET /usage/chunks/{id}/download"] = { id = CHUNK, gives = "bytes", call = function(client, id)
    return client.usageChunks:download(id)
  end },
  ["POST /usage/chunks/{id}/regenerate"] = { id = CHUNK, gives = "chunk", call = function(client, id)
    return client.usageChunks:regenerate(id)
  end },

  ["GET /usage/files"] = { gives = "list", call = function(client, _, ...)
    return client.usageFiles:search(...)
  end },
  ["POST /usage/files"] = { gives = "object",
    body = { name = "January", description = "all of it", note = "a note", period = PERIOD, currency = "EUR",
      product = { id = PRODUCT }, contract = { id = "CRD-1" }, external_id = "X-1" },
    call = function(client, _, body) return client.usageFiles:create(body) end },
  ["GET /usage/files/{file_pk}/categories"] = { id = ACCEPTED, gives = "list", call = function(client, id, ...)
    return client.usageFiles:collection(id, "categories"):search(...)
  end },
  ["GET /usage/files/{id}"] = { id = ACCEPTED, gives = "object", call = function(client, id)
    return client.usageFiles:get(id)
  end },
  ["PUT /usage/files/{id}"] = { id = DRAFT, gives = "object",
    body = { description = "all of it", note = "a note", period = PERIOD, currency = "EUR", external_id = "X-1" },
    call = function(client, id, body) return client.usageFiles:update(id, body) end },
  ["POST /usage/files/{id}/accept"] = { id = PENDING, gives = "object", body = { acceptance_note = "looks right" },
    call = function(client, id) return client.usageFiles:accept(id, "looks right") end },
  ["PUT /usage/files/{id}/approve-all"] = { id = READY, gives = "object", call = fileAction "approveAll" },
  ["POST /usage/files/{id}/close"] = { id = ACCEPTED, gives = "object", call = fileAction "close" },
  ["POST /usage/files/{id}/delete"] = { id = DRAFT, gives = "object", call = fileAction "delete" },
  ["POST /usage/files/{id}/reconciliation"] = { id = ACCEPTED, gives = "object", call = function(client, id)
    return client.usageFiles:reconciliation(id, SHEET)
  end },
  ["POST /usage/files/{id}/reject"] = { id = PENDING, gives = "object", body = { rejection_note = "too much" },
    call = function(client, id) return client.usageFiles:reject(id, "too much") end },
  ["POST /usage/files/{id}/reprocess"] = { id = READY, gives = "object", call = fileAction "reprocess" },
  ["POST /usage/files/{id}/submit"] = { id = READY, gives = "object", call = fileAction "submit" },
  ["POST /usage/files/{id}/upload"] = { id = DRAFT, gives = "object", call = function(client, id)
    return client.usageFiles:upload(id, SHEET)
  end },

  ["GET /usage/products/{id}/template"] = { id = PRODUCT, gives = "object", call = function(client, id)
    return client.usageFiles:template(id)
  end },

  ["GET /usage/reconciliations"] = { gives = "list", call = function(client, _, ...)
    return client.usageReconciliations:search(...)
  end },
  ["POST /usage/reconciliations"] = { gives = "object", call = function(client)
    return client.usageReconciliations:create(SHEET, "as billed")
  end },
  ["GET /usage/reconciliations/{id}"] = { id = RECONCILIATION, gives = "object", before = reconcile,
    call = function(client, id) return client.usageReconciliations:get(id) end },
  ["GET /usage/reconciliations/{id}/processedfile"] = { id = RECONCILIATION, gives = "bytes", before = reconcile,
    call = function(client, id) return client.usageReconciliations:processedFile(id) end },
  ["GET /usage/reconciliations/{id}/uploadedfile"] = { id = RECONCILIATION, gives = "bytes", before = reconcile,
    call = function(client, id) return client.usageReconciliations:uploadedFile(id) end },

  ["GET /usage/records"] = { gives = "list", call = function(client, _, ...)
    return client.usageRecords:search(...)
  end },
  ["POST /usage/records/close-records"] = { gives = "chunk",
    body = { { id = RECORD, external_billing_id = "BILL-77", external_billing_note = "January run" } },
    call = function(client) return client.usageRecords:closeRecords(ACCEPTED, RECORD, "BILL-77", "January run") end },
  ["GET /usage/records/{id}"] = { id = RECORD, gives = "object", call = function(client, id)
    return client.usageRecords:get(id)
  end },
  ["PUT /usage/records/{id}"] = { id = RECORD, gives = "object", body = { status = "rejected" },
    call = function(client, id, body) return client.usageRecords:update(id, body) end },
  ["POST /usage/records/{id}/close"] = { id = RECORD, gives = "chunk", body = BILLING, call = function(client, id)
    return client.usageRecords:close(id, "BILL-77", "January run")
  end },
}

-- What tells one kind of result from another.
local KINDS = {
  list = function(result) return type(result) == "table" and (#result > 0 or next(result) == nil) end,
  object = function(result) return type(result) == "table" and next(result) ~= nil and #result == 0 end,
  chunk = function(result) return type(result) == "userdata" and tostring(result):find("^UsageChunk U") ~= nil end,
  bytes = function(result) return type(result) == "string" and result:sub(1, 4) == "PK\3\4" end,
  ["true"] = function(result) return result == true end,
}

--- "GET /a/{id}" for every operation of the facts, sorted.
local function keysOf(facts)
  local keys = {}
  for path, methods in pairs(facts) do
    for method in pairs(methods) do keys[#keys + 1] = method .. " " .. path end
  end
  table.sort(keys)
  return keys
end

local function sorted(list)
  local copy = table.move(list, 1, #list, 1, {})
  table.sort(copy)
  return copy
end

local function namesOf(object)
  local names = {}
  for name in pairs(object) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- The members of a query, percent-decoded: name → value, or a table with what is asked of it.
local function readQuery(query)
  local members = {}
  local function decoded(text)
    return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
  end
  for term in query:gmatch("[^&]+") do
    local name, value = decoded(term):match("^([^=(]+)=(.*)$")
    if not name then
      name, value = decoded(term):match("^ge%((.-),(.*)%)$")
      value = { ["$gte"] = value }
    end
    assert.is_nil(members[name])
    members[name] = value
  end
  return members
end

--- The filter of the n-th of a list's fields.
local function filterOf(facts, n)
  return facts.values and facts.values[facts.query[n]] or "word" .. n
end

--- The names of the parts of a form, in their order.
local function partNames(body, contentType)
  local boundary = assert(contentType:match("^multipart/form%-data; boundary=(%S+)$"), contentType)
  local names = {}
  for head in body:gmatch("%-%-" .. boundary:gsub("%p", "%%%0") .. "\r\n(.-)\r\n\r\n") do
    names[#names + 1] = head:match("; name=\"([^\"]*)\"")
  end
  return names
end

describe("an operation of the API's description is sent as described:", function()
  local sb, client, seen

  setup(function()
    sb = assert(sandbox.start { records = 50 })
  end)

  teardown(function()
    sb:stop()
  end)

  before_each(function()
    sb:reset()
    client = connect.ConnectClient(sb.endpoint, sb.apiKey, { retries = 0 })
    client:addAfterResponseHook(function(response) seen = response end)
  end)

  after_each(function()
    client:close()
    assert.same({}, sb:problems())
  end)

  --- Calls it, filters made from the facts where it is a list, and gives the request that was received.
  local function received(row, facts)
    local filters, options
    if row.before then row.before(client) end
    local from = #sb:requests() + 1
    if facts.query then
      filters, options = {}, { limit = 7, offset = 3 }
      for index, name in ipairs(facts.query) do
        if not options[name] then filters[name] = filterOf(facts, index) end
      end
    end
    local result, failure = row.call(client, row.id, filters or row.body, options)
    assert(result, failure)
    assert.is_true(KINDS[row.gives](result), "the result is no " .. row.gives)
    local requests = sb:requests(from)
    assert.equal(1, #requests)
    return requests[1]
  end

  local function checkQuery(query, facts)
    if not facts.query then
      assert.equal("", query)
      return
    end
    local expected = { limit = "7", offset = "3" }
    for index, name in ipairs(facts.query) do expected[name] = expected[name] or filterOf(facts, index) end
    assert.same(expected, readQuery(query:sub(2)))
  end

  local function checkBody(request, row, facts)
    local contentType = request.headers["content-type"]
    if facts.parts then
      assert.same(facts.parts, partNames(request.body, contentType))
    elseif facts.fields or facts.entries then
      assert.equal("application/json", contentType)
      local value = cjson.decode(request.body)
      assert.same(row.body, value)
      assert.same(sorted(facts.fields or facts.entries), namesOf(facts.fields and value or value[1]))
    else
      assert.equal("", request.body)
      assert.is_nil(contentType)
    end
  end

  for _, key in ipairs(keysOf(paths)) do
    it(key, function()
      local method, path = key:match("^(%S+) (.*)$")
      local row, facts = assert(calls[key], "nothing calls it"), paths[path][method]
      local request = received(row, facts)
      local target, query = request.path:match("^([^?]*)(.*)$")
      assert.equal(method, request.method)
      local filled = path:gsub("{product_pk}", PRODUCT):gsub("{.-}", row.id or {})
      assert.equal("/public/v1" .. filled, target)
      checkQuery(query, facts)
      checkBody(request, row, facts)
      assert.equal(facts.status, request.status)
      assert.equal(facts.status, seen.status)
      assert.equal(facts.reply, seen.headers["content-type"])
    end)
  end

  it("all of them: 38 on 30 paths, and no other", function()
    assert.equal(30, #namesOf(paths))
    assert.equal(38, #keysOf(paths))
    assert.same(keysOf(paths), namesOf(calls))
  end)
end)
