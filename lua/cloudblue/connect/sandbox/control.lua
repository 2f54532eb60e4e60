--- The channel between a sandbox's thread and the program that started it: each message is one JSON
--- text, after a line with its length in bytes.

local json = require "cloudblue.connect.sandbox.json"

local control = {}

--- Prepares one end of the socket pair.
---@param socket table a cqueues socket
---@return table socket
function control.open(socket)
  socket:setmode("b", "bf")
  socket:onerror(function(_, _, why)
    return why
  end)
  return socket
end

--- Sends a message.
---@param socket table
---@param message table
---@return boolean sent false when the other end is gone
function control.send(socket, message)
  local text = json.encode(message)
  return socket:xwrite(#text .. "\n" .. text, "bn") and true or false
end

--- Waits for a message.
---@param socket table
---@return table|nil message nil when the other end is gone
function control.receive(socket)
  local length = socket:xread("*l", "b")
  local text = length and socket:xread(tonumber(length), "b")
  return text and json.decode(text) or nil
end

return control
