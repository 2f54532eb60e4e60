--- Those that can go on, first in, first out.
---
--- A debug hook that lets a client go on may put somebody in between any two steps of whoever puts or takes. So one is
--- put in by a single call of a function in C, and taken from a list in which nobody is put. Only one takes at a time.

local insert = table.insert

local queue = {}

---@class cloudblue.connect.Queue
---@field behind any[] those put in, in order
---@field front any[] those that go before them, from index at on; nil below
---@field at integer

--- An empty queue.
---@return cloudblue.connect.Queue
function queue.new()
  return { behind = {}, front = {}, at = 1 }
end

--- Puts in a value, which is not nil. Raises when out of memory; then nothing is put in.
---@param q cloudblue.connect.Queue
---@param value any
function queue.put(q, value)
  insert(q.behind, value)
end

--- Whether nobody is in it.
---@param q cloudblue.connect.Queue
---@return boolean
function queue.isEmpty(q)
  return q.front[q.at] == nil and q.behind[1] == nil
end

--- Takes the first, in constant time, without allocating.
---@param q cloudblue.connect.Queue
---@return any value nil where the queue is empty
function queue.take(q)
  if q.front[q.at] == nil then
    local full = q.behind
    q.behind = q.front
    q.front, q.at = full, 1
  end
  local front, at = q.front, q.at
  local value = front[at]
  if value == nil then return nil end
  front[at] = nil
  q.at = at + 1
  return value
end

return queue
