--- A handler of the raw server (rawserver.lua): a service that closes or refuses each record once and answers that
--- truly, but sends more than it was asked for: replies twice, those of earlier requests again, a timeout to a
--- connection that rests, pieces of these. Which of its tricks comes next is drawn from `server.seed`.
---
---     local raw = rawserver.start { handler = "spec.support.hostile", seed = 7, tricks = { "doubled", "idle" } }
---     raw:account()
---       -- { did = { ["UR-1"] = "closed" or an error's code }, posts = { ["UR-1"] = 1 }, played = { idle = 1 } }

local rawserver = require "spec.support.rawserver"

local hostile = {}

local REQUEST_TIMEOUT = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

--- A reply in the two parts that a server may write apart.
local function reply(status, body)
  local bytes = rawserver.reply(status, body)
  local last = select(2, bytes:find("\r\n\r\n", 1, true))
  return { head = bytes:sub(1, last), body = bytes:sub(last + 1), all = bytes }
end

--- The same in chunks, with a trailer.
local function chunked(given)
  return given.head:gsub("Content%-Length: %d+", "Transfer-Encoding: chunked")
    .. ("%x\r\n%s\r\n0\r\nX-Trailer: t\r\n\r\n"):format(#given.body, given.body)
end

--- Each writes the reply, and what nobody asked for. `older` is the reply to an earlier request.
local TRICKS = {
  whole = function(write, given) write(given.all) end,
  apart = function(write, given)
    write(given.head)
    write(given.body)
  end,
  chunked = function(write, given) write(chunked(given)) end,
  doubled = function(write, given) write(given.all .. given.all) end,
  stale = function(write, given, older) write(given.all .. older.all) end,
  -- Over TLS what follows the body is in the same record, and no longer in the socket when the body was read.
  hidden = function(write, given, older)
    write(given.head)
    write(given.body .. older.all)
  end,
  cut = function(write, given, older, chance)
    write(given.head)
    write(given.body .. older.all:sub(1, chance(#older.all)))
  end,
  chunks = function(write, given, older)
    write(chunked(given))
    write(chunked(older))
  end,
  later = function(write, given, older)
    write(given.all)
    write(older.all)
  end,
  idle = function(write, given)
    write(given.all)
    write(REQUEST_TIMEOUT)
    return false
  end,
}

--- Numbers from 1 to most, the same for the same seed (xorshift).
local function chances(seed)
  local state = seed
  return function(most)
    state = state ~ (state << 13) & 0xFFFFFFFF
    state = state ~ (state >> 17)
    state = state ~ (state << 5) & 0xFFFFFFFF
    return state % most + 1
  end
end

local function begin(server)
  if not server.chance then
    server.chance = chances(server.seed)
    server.did, server.posts, server.played, server.given = {}, {}, {}, {}
  end
end

--- What the service does with a request, and its true reply.
local function act(server, method, id)
  local did = server.did
  if method == "POST" then
    server.posts[id] = (server.posts[id] or 0) + 1
    if not did[id] then
      did[id] = server.chance(2) == 1 and "closed" or "NO_" .. id
    elseif did[id] == "closed" then
      return reply(400, ('{"error_code":"TWICE","errors":["%s is closed"]}'):format(id))
    end
    if did[id] ~= "closed" then
      return reply(400, ('{"error_code":"%s","errors":["%s is refused"]}'):format(did[id], id))
    end
  end
  return reply(200, ('{"id":"%s","status":"%s","external_billing_id":"B-%s"}'):format(
    id, did[id] == "closed" and "closed" or "approved", id))
end

--- Answers a request.
function hostile.serve(server, state, head)
  begin(server)
  local method, id = head:match("^(%u+) .-/usage/records/([^/ ]+)")
  local given = act(server, method, id)
  local older = #server.given > 0 and server.given[server.chance(#server.given)] or given
  local trick = server.tricks[server.chance(#server.tricks)]
  server.given[#server.given + 1] = given
  server.played[trick] = (server.played[trick] or 0) + 1
  return TRICKS[trick](function(bytes) rawserver.write(state, bytes) end, given, older, server.chance)
end

--- Its own record of what it did.
function hostile.account(server)
  begin(server)
  return { did = server.did, posts = server.posts, played = server.played }
end

return hostile
