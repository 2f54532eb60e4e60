-- Closes all approved usage records, 16 at a time, in a program that cqueues runs: it reports once a second meanwhile.
--
--     lua5.4 examples/cqueues.lua [RUN]
--
-- Endpoint and key come from CONNECT_ENDPOINT and CONNECT_API_KEY.

local connect = require "cloudblue.connect"
local cqueues = require "cqueues"

local run = (...) or "RUN-1"
local client <close> = connect.ConnectClient()
client:attach(require "cloudblue.connect.loop.cqueues")

local closed, failed, running = 0, 0, true

local function closeAll()
  -- The list is read to its end before anything is closed: what is closed leaves it.
  local records = {}
  for record in client.usageRecords:all({ status = "approved" }, { limit = 1000 }) do table.insert(records, record) end
  local function close(record) return client.usageRecords:close(record.id, ("%s-%s"):format(run, record.id)) end
  for record, chunk, failure in client:parallel(16, records, close) do
    if chunk then
      closed = closed + 1
    else
      failed = failed + 1
      print(record.id, failure)
    end
  end
end

local controller = cqueues.new()

controller:wrap(function()
  local ok, problem = xpcall(closeAll, debug.traceback)
  running = false
  if not ok then error(problem, 0) end
end)

controller:wrap(function()
  while running do
    print(("%d closed"):format(closed))
    cqueues.sleep(1)
  end
end)

assert(controller:loop())
print(("%d closed, %d failed"):format(closed, failed))
os.exit(failed == 0, true)
