--- Writes replies to the wire.

local newHeaders = require "http.headers".new

local delivery = {}

--- The head of a reply.
---@param answer table a reply, see reply.lua
---@param length integer the Content-Length
---@return table headers http.headers
function delivery.head(answer, length)
  local headers = newHeaders()
  headers:append(":status", tostring(answer.status))
  if answer.status ~= 204 then
    headers:append("content-type", answer.content and answer.content.type or answer.type or "application/json")
    headers:append("content-length", tostring(length))
  end
  for name, value in pairs(answer.headers or {}) do
    headers:append(name, value)
  end
  return headers
end

--- How many bytes the body of a reply has.
---@param answer table
---@return integer
function delivery.length(answer)
  return answer.content and answer.content.length or #(answer.json or "")
end

--- Walks over the body of a reply.
---@param answer table
---@return fun(): string?
function delivery.pieces(answer)
  if answer.content then
    return answer.content.each()
  end
  local body = answer.json
  return function()
    local piece = body
    body = nil
    return piece
  end
end

--- Sends the body of a reply, but for its end.
---@param stream table http.h1_stream, with the head sent
---@param answer table
---@return boolean sent false when the client went away
function delivery.sendPieces(stream, answer)
  for piece in delivery.pieces(answer) do
    if not stream:write_chunk(piece, false) then
      return false
    end
  end
  return true
end

--- Sends a reply, whole.
---@param stream table http.h1_stream
---@param answer table
---@return boolean sent false when the client went away
function delivery.send(stream, answer)
  local length = delivery.length(answer)
  local headers = delivery.head(answer, length)
  if length == 0 or stream.req_method == "HEAD" then
    return stream:write_headers(headers, true) and true or false
  elseif not stream:write_headers(headers, false) then
    return false
  elseif not answer.content then
    return stream:write_chunk(answer.json, true) and true or false
  end
  return delivery.sendPieces(stream, answer) and stream:write_chunk("", true) and true or false
end

return delivery
