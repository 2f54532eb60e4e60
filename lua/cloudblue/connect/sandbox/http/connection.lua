--- A connection on lua-http's HTTP/1.1: it serves requests one after another.

local connections = require "http.h1_connection"

local connection = {}

--- Longest line of a head: a filter may name a thousand ids.
local MAX_LINE = 1024 * 1024

--- Most bytes of a body that are read at once.
local MAX_PIECE = 64 * 1024

--- Makes a connection that differs from lua-http's in two things.
local function new(socket)
  local made = connections.new(socket, "server", 1.1)
  -- lua-http shuts the reading side down as soon as a request with "Connection: close" is whole. Then
  -- it goes unnoticed that the client closes the connection.
  function made:shutdown(direction)
    return direction == "r" or connections.methods.shutdown(self, direction)
  end
  -- lua-http reads all that has come before it returns a piece of a body: that may be 100 MB.
  function made:read_body_by_length(length, timeout)
    return connections.methods.read_body_by_length(self, math.max(length, -MAX_PIECE), timeout)
  end
  return made
end

--- Serves the requests of a connection until it ends.
---@param socket table a cqueues socket
---@param keepAlive number seconds that it may be idle
---@param exchange fun(stream: table): boolean answers the request of an http.h1_stream; returns whether the
--- connection is still open
function connection.serve(socket, keepAlive, exchange)
  socket:setmaxline(MAX_LINE)
  local made = new(socket)
  while true do
    local stream = made:get_next_incoming_stream(keepAlive)
    if not stream then
      break
    elseif not exchange(stream) then
      return
    end
    stream:shutdown()
    if stream.close_when_done then
      break
    end
  end
  made:close()
end

return connection
