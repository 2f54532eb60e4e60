-- Closing usage records over TLS, by HTTP/1.1 and by HTTP/2: one by one, 64 at once, and 64 at once where the server
-- ends a connection after 1,000 requests, as nginx does by default. It shows why http2 is off by default; no limit.

local BUILD = os.getenv("BUILD") or "build"
local LUA = os.getenv("LUA") or "lua5.4"

--- The module, so many at once.
local function module(name, version, concurrency, more)
  local program = {
    name = name, endpoint = "tlsEndpoint",
    command = ("%s bench/parallel/parallel_module.lua %d %s %s/certs/ca.pem"):format(LUA, concurrency, version, BUILD),
  }
  for key, value in pairs(more or {}) do program[key] = value end
  return program
end

return {
  title = "Closing usage records over TLS, by HTTP/1.1 and by HTTP/2",
  unit = "close",
  count = 10000,
  programs = {
    module("HTTP/1.1, 64 at once", "1.1", 64),
    module("HTTP/2, 64 at once", "2", 64),
    module("HTTP/1.1, 1,000 at most", "1.1", 64, { endpoint = "endingEndpoint" }),
    module("HTTP/2, 1,000 at most", "2", 64, { endpoint = "endingEndpoint", more = true }),
    module("HTTP/1.1, one by one", "1.1", 1),
    module("HTTP/2, one by one", "2", 1),
  },
  limits = {},
}
