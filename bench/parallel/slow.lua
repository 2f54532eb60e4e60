-- slow.lua CONCURRENCY ENDPOINT COUNT : closes COUNT records, so many at once (1: one after another, without tasks),
-- with a service of its own that takes 50 ms for each reply. The endpoint is not used.
local gate = require "spec.support.gate"

local concurrency, count = tonumber(arg[1]), tonumber(arg[3])
local s <close> = gate.start { delay = 0.05 }

local function close(number)
  return assert(s.records:close(("UR-%06d"):format(number), "B-1"))
end

local number = 0
local function numbers()
  number = number + 1
  return number <= count and number or nil
end

if concurrency == 1 then
  for i in numbers do close(i) end
else
  for _, chunk in s.client:parallel(concurrency, numbers, close) do assert(chunk.status == "closed") end
end
assert(s.raw:account().total == count)
