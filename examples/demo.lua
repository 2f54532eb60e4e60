-- Closes usage records in every way there is, against a local Connect that this script starts itself.
-- Run it with `make demo`.

local connect = require "cloudblue.connect"
local sandbox = require "cloudblue.connect.sandbox"

local FILE = "UF-2026-01-0000-0000"
local failed = false

-- Prints a call and what came of it. `refused`: it is meant to fail.
local function show(call, result, failure, refused)
  print("\n  " .. call)
  if result then
    -- The reply to closeRecords names the record and its status only.
    local billed = result.external_billing_id
    local how = billed and (", billed as %s: %s"):format(billed, result.external_billing_note) or ""
    print("    " .. tostring(result) .. how)
  else
    print("    " .. tostring(failure))
    print(("    kind %s, status %s, outcome %s"):format(failure.kind, failure.status, failure.outcome))
  end
  failed = failed or (result == nil) ~= (refused == true)
end

-- A line such as "980 approved, 20 closed".
local function summary(counts)
  local words = {}
  for status, count in pairs(counts) do table.insert(words, ("%d %s"):format(count, status)) end
  table.sort(words)
  return table.concat(words, ", ")
end

local function closeRecords(records)
  show('records:close("UR-2026-01-0000-0000-0000-0001", "BILL-77", "January run")',
    records:close("UR-2026-01-0000-0000-0000-0001", "BILL-77", "January run"))
  show('records:closeRecords("UF-2026-01-0000-0000", "UR-2026-01-0000-0000-0000-0002", "BILL-77", "January run")',
    records:closeRecords(FILE, "UR-2026-01-0000-0000-0000-0002", "BILL-77", "January run"))
end

local function closeChunks(chunks)
  show('chunks:close("UFC-2026-01-0000-0000-001", "BILL-78", "the first hub")',
    chunks:close("UFC-2026-01-0000-0000-001", "BILL-78", "the first hub"))
  local chunk = assert(chunks:get("UFC-2026-01-0000-0000-002"))
  show('chunks:get("UFC-2026-01-0000-0000-002"):close("BILL-79", "the second hub")',
    chunk:close("BILL-79", "the second hub"))
end

local function refusedClose(records)
  local result, failure = records:close("UR-2026-01-0000-0000-0000-0001", "BILL-99", "January run, again")
  show('records:close("UR-2026-01-0000-0000-0000-0001", "BILL-99", "January run, again")', result, failure, true)
end

local function look(records)
  local record = assert(records:get("UR-2026-01-0000-0000-0000-0003"))
  print(('\n  records:get("UR-2026-01-0000-0000-0000-0003")\n    %s %s of %s, %s'):format(
    record.usage, record.item.unit, record.item.name, record.status))
  local open = assert(records:search({ status = "approved", limit = 3 }))
  print('\n  records:search{ status = "approved", limit = 3 }')
  for _, each in ipairs(open) do print("    " .. each.id) end
  print('\n  records:count{ status = "approved" }')
  print("    " .. assert(records:count({ status = "approved" })))
  return open
end

-- What a usage run does: close all that is open, one after another.
local function closeAll(records, open)
  print("\n  the same three, in a loop")
  for _, each in ipairs(open) do
    local chunk, failure = records:close(each.id, "BILL-80", "the rest")
    print("    " .. tostring(chunk or failure))
    failed = failed or not chunk
  end
end

local running = assert(sandbox.start({ records = 20 }))
print(("A local Connect serves at %s: %s"):format(running.endpoint, summary(running:counts())))

do
  local client <close> = connect.ConnectClient(running.endpoint, running.apiKey)
  closeRecords(client.usageRecords)
  closeChunks(client.usageChunks)
  refusedClose(client.usageRecords)
  closeAll(client.usageRecords, look(client.usageRecords))
end

local counts = running:counts()
print(("\nThe local Connect counts: %d records open, %d closed"):format(counts.approved or 0, counts.closed or 0))
running:stop()
os.exit(not failed and counts.closed == 5, true)
