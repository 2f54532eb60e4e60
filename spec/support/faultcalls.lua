--- Random calls for faultruns.lua and faultcrowds.lua. A call is a table: `kind`, `method`, `path` (of the request that
--- is received), `perform(client, chunk)`, and what faultjudge.lua goes by: `id` of the object, `bill` or `mark` that
--- no other call has, `tag` (what such a one begins with: it stands in the bodies of the call and in no others),
--- `otherPath`, `probe` (the path of the GET that confirms).
---
--- In a run with `crowd`, where calls run at once, most have an object of their own: what is received about it is
--- theirs.

local connect = require "cloudblue.connect"
local faultscripts = require "spec.support.faultscripts"

local pick = faultscripts.pick

local RULES = "/products/PRD-000-000-001/usage/rules"

-- The objects of calls' own come behind those that calls share.
local OWN = 40

local function objectNumber(chance, run, number, shared)
  return run.crowd and chance(4) > 1 and OWN + number or chance(shared)
end

local function recordId(...)
  return ("UR-2026-01-0000-0000-0000-%04d"):format(objectNumber(...))
end

local function chunkId(...)
  return ("UFC-2026-01-0000-0000-%03d"):format(objectNumber(...))
end

local function tagOf(run, number)
  return ("B-%x-%d-"):format(run.seed, number)
end

--- A billing id that no other call has.
local function newBill(chance, run, number)
  return tagOf(run, number) .. pick(chance, { "", "", "", '"\\/', " ü€😀", "%2F&=?#", "\1\127", ("x"):rep(200) })
end

--- A close: of a record in one of two ways, or of a chunk in one of two ways. A record that is closed without a billing
--- id is asked for once in a run, or nobody could tell two such calls apart.
local function close(chance, run, number)
  local way = pick(chance, { "record", "record", "bulk", "bulk", "chunk", "object" })
  local call = { kind = "close", way = way, bill = newBill(chance, run, number), id = recordId(chance, run, number, 6) }
  if way == "chunk" or way == "object" then
    call.id = chunkId(chance, run, number, 4)
  elseif chance(8) == 1 then
    call.bill, call.id = nil, ("UR-2026-01-0000-0000-0000-%04d"):format(20 + number)
  end
  local note = chance(2) == 1 and "a note" or nil
  if way == "record" then
    call.perform = function(client) return client.usageRecords:close(call.id, call.bill, note) end
    call.path = "/usage/records/" .. call.id .. "/close"
  elseif way == "bulk" then
    call.perform = function(client)
      return client.usageRecords:closeRecords("UF-2026-01-0000-0000", call.id, call.bill, note)
    end
    call.path, call.otherPath = "/usage/records/close-records", "/usage/records/UF-2026-01-0000-0000/close-records"
  else
    call.perform = function(client, chunk)
      if chunk then return chunk:close(call.bill, note) end
      return client.usageChunks:close(call.id, call.bill, note)
    end
    call.path = "/usage/chunks/" .. call.id .. "/close"
  end
  call.method, call.probe = "POST", call.path:match("^/usage/%a+/") .. call.id
  return call
end

local KINDS = {
  close, close, close, close, close, close, close,
  function(chance, run, number)
    local id = recordId(chance, run, number, 6)
    return { kind = "get", id = id, method = "GET", path = "/usage/records/" .. id,
      perform = function(client) return client.usageRecords:get(id) end }
  end,
  function()
    return { kind = "search", method = "GET", path = "/usage/records",
      perform = function(client) return client.usageRecords:search { limit = 5 } end }
  end,
  function(chance, run, number)
    local id, mark = chunkId(chance, run, number, 4), newBill(chance, run, number)
    return { kind = "update", id = id, mark = mark, method = "PUT", path = "/usage/chunks/" .. id,
      perform = function(client) return client.usageChunks:update(id, { external_id = mark:sub(1, 100) }) end }
  end,
  function(chance)
    local id = "UIR-000-000-00" .. chance(2)
    return { kind = "delete", id = id, method = "DELETE", path = RULES .. "/" .. id,
      perform = function(client) return connect.GenericResource(client, RULES):delete(id) end }
  end,
  function(_, run, number)
    local body = { action = "accept", rule = tagOf(run, number) }
    return { kind = "create", method = "POST", path = RULES,
      perform = function(client) return connect.GenericResource(client, RULES):create(body) end }
  end,
  function(chance, run, number)
    local id = chunkId(chance, run, number, 4)
    local path = "/usage/chunks/" .. id .. "/regenerate"
    return { kind = "regenerate", id = id, method = "POST", path = path,
      perform = chance(2) == 1 and function(client) return client.usageChunks:regenerate(id) end
        or function(client) return client:request("POST", path) end }
  end,
  function(chance, run, number)
    local id, pieces = chunkId(chance, run, number, 4), {}
    local sink = chance(2) == 1 and function(piece) pieces[#pieces + 1] = piece end or nil
    return { kind = "download", id = id, method = "GET", path = "/usage/chunks/" .. id .. "/download",
      pieces = sink and pieces,
      perform = function(client) return client.usageChunks:download(id, sink) end }
  end,
  function(chance, run, number)
    local mark, left = newBill(chance, run, number):gsub("%c", "_"), 3
    local function reader()
      left = left - 1
      return left >= 0 and ("piece"):rep(100) or nil
    end
    local file = { name = "recon.xlsx", reader = chance(2) == 1 and reader or nil }
    if not file.reader then file.content = ("piece"):rep(300) end
    return { kind = "upload", mark = mark, method = "POST", path = "/usage/reconciliations",
      perform = function(client) return client.usageReconciliations:create(file, mark) end }
  end,
}

--- Makes a call.
---@param chance fun(n: integer): integer
---@param run table
---@param number integer of the call in the run
---@return table call
return function(chance, run, number)
  local call = pick(chance, KINDS)(chance, run, number)
  call.number, call.tag = number, tagOf(run, number)
  return call
end
