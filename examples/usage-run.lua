-- A whole usage run: report consumption, have it accepted, bill it, tell Connect so, and reconcile.
--
--     lua5.4 examples/usage-run.lua [spreadsheet.xlsx]
--
-- It runs against the service that CONNECT_ENDPOINT and CONNECT_API_KEY name, for the product CONNECT_PRODUCT under the
-- contract CONNECT_CONTRACT. Without CONNECT_ENDPOINT it starts a local Connect and runs against that.

local connect = require "cloudblue.connect"
local R = connect.R

-- A step gets the run: the client, and what the steps before have found. It raises whatever fails (a failure prints as
-- one line) and returns the lines that say what it did.
local steps = {}

local function step(title, action)
  table.insert(steps, { title = title, action = action })
end

-- Connect reads an uploaded spreadsheet in its own time: waits until the file has left these states.
local UNDER_WAY = { draft = true, uploading = true, uploaded = true, processing = true }

local function whenRead(run)
  local file = assert(run.client.usageFiles:get(run.file.id))
  while UNDER_WAY[file.status] do
    run.pause()
    file = assert(run.client.usageFiles:get(run.file.id))
  end
  return file
end

step("Create a usage file", function(run)
  run.file = assert(run.client.usageFiles:create {
    name = "Usage of January",
    external_id = "run-2026-01",
    product = { id = run.product },
    contract = { id = run.contract },
    period = { from = "2026-01-01", to = "2026-01-31" },
    currency = "USD",
  })
  return { ("%s for product %s"):format(run.file.id, run.product) }
end)

step("Upload the spreadsheet", function(run)
  local sent = 0
  assert(run.client.usageFiles:upload(run.file.id, run.spreadsheet, { onProgress = function(done) sent = done end }))
  local file = whenRead(run)
  if file.status ~= "ready" then error(("%s is %s: %s"):format(file.id, file.status, file.error_detail), 0) end
  return {
    ("%d bytes sent"):format(sent),
    ("%s is %s: %d records valid, %d invalid"):format(file.id, file.status, file.records.valid, file.records.invalid),
  }
end)

step("Submit it", function(run)
  local file = assert(run.client.usageFiles:submit(run.file.id))
  return { ("%s is %s"):format(file.id, file.status) }
end)

step("Accept it", function(run)
  local file = assert(run.client.usageFiles:accept(run.file.id, "checked against the contract"))
  return { ("%s is %s: %s"):format(file.id, file.status, file.acceptance_note) }
end)

-- The list is read to its end before anything is closed: closing shortens it, and would shift the pages not yet read.
step("List the records that are to be billed", function(run)
  run.records = {}
  local lines = {}
  for record in run.client.usageRecords:all(R.usagefile.id:eq(run.file.id) & R.status:eq("approved")) do
    table.insert(run.records, record)
    table.insert(lines, ("%s  %s %s of %s"):format(record.id, record.usage, record.item.unit, record.item.name))
  end
  return lines
end)

step("Download the chunks", function(run)
  run.chunks = {}
  local lines = {}
  for chunk in run.client.usageChunks:all(R.usagefile.id:eq(run.file.id)) do
    local path = ("%s/%s.xlsx"):format(run.folder, chunk.id)
    local bytes = assert(run.client.usageChunks:download(chunk.id, path))
    table.insert(run.chunks, { id = chunk.id, path = path })
    table.insert(lines, ("%s  %d bytes in %s"):format(chunk.id, bytes, path))
  end
  return lines
end)

-- Carried out once for each record, whatever the network does. A record that fails stops the run here; where the
-- outcome is "unknown" look at the record before going on.
step("Close the records", function(run)
  local lines = {}
  for index, record in ipairs(run.records) do
    local bill = ("%s-%d"):format(run.bill, index)
    local closed = assert(run.client.usageRecords:close(record.id, bill, "usage of January"))
    table.insert(lines, ("%s  %s, billed as %s"):format(closed.id, closed.status, closed.external_billing_id))
  end
  return lines
end)

step("Close the chunks", function(run)
  local lines = {}
  for index, chunk in ipairs(run.chunks) do
    local bill = ("%s-C%d"):format(run.bill, index)
    local closed = assert(run.client.usageChunks:close(chunk.id, bill, "usage of January"))
    table.insert(lines, ("%s  %s, billed as %s"):format(closed.id, closed.status, closed.external_billing_id))
  end
  return lines
end)

step("Reconcile", function(run)
  run.reconciliations = {}
  local lines = {}
  for _, chunk in ipairs(run.chunks) do
    local made = assert(run.client.usageReconciliations:create(chunk.path, "billed as " .. run.bill))
    table.insert(run.reconciliations, made)
    table.insert(lines, ("%s  %s, for %s"):format(made.id, made.status, made.partusagefile.id))
  end
  return lines
end)

-- Called with "steps" (as its spec does) it hands the steps out rather than carrying them out.
if ... == "steps" then return steps end

-- Starts a local Connect where the environment names no service.
local function localService()
  if os.getenv("CONNECT_ENDPOINT") then return nil end
  return assert(require "cloudblue.connect.sandbox".start { records = 0 })
end

local running = localService()
local client = running and connect.ConnectClient(running.endpoint, running.apiKey) or connect.ConnectClient()

local run = {
  client = client,
  product = os.getenv("CONNECT_PRODUCT") or "PRD-000-000-001",
  contract = os.getenv("CONNECT_CONTRACT") or "CRD-00000-00000-00000",
  spreadsheet = (...) or { name = "usage.xlsx", content = "PK\3\4, and the rest of a spreadsheet" },
  folder = os.getenv("TMPDIR") or "/tmp",
  bill = "BILL-2026-01",
  pause = function() os.execute("sleep 2") end,
}

print("A usage run at " .. client.endpoint)
local done = true
for number, each in ipairs(steps) do
  print(("\n%d. %s"):format(number, each.title))
  local ok, result = pcall(each.action, run)
  for _, line in ipairs(ok and result or { tostring(result) }) do print("   " .. line) end
  done = ok
  if not ok then break end
end

client:close()
if running then running:stop() end
print(done and "\nThe run is complete." or "\nThe run stopped here.")
os.exit(done, true)
