--- What a debug hook may do between any two steps of the module's own code: let a client go on.
---
--- Calls fn with a hook that steps the client at the n-th instruction after each call of a function of one file
--- of the module, in fn and in the coroutines that it makes. The hook gives up after 20 seconds, where somebody who was
--- woken is lost and waited for.

---@param client cloudblue.connect.ConnectClient
---@param file string part of the file's name
---@param number integer that n, from 1
---@param fn fun(): ... must not yield
---@return ... what fn returned
local function stepping(client, file, number, fn)
  local instructions, busy, stop = 0, false, os.time() + 20
  local function hook(event)
    if busy or not debug.getinfo(2, "S").source:find(file, 1, true) then return end
    instructions = event == "count" and instructions + 1 or 0
    if os.time() > stop then error("somebody who was woken is waited for", 0) end
    if instructions ~= number then return end
    busy = true
    client:step()
    busy = false
  end
  debug.sethook(hook, "c", 1)
  local results = table.pack(pcall(fn))
  debug.sethook()
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

return stepping
