-- with-sandbox.lua COMMAND... : runs a command beside a sandbox, which it finds by CONNECT_ENDPOINT and
-- CONNECT_API_KEY, and then says what the sandbox counted. Exits 0 when the command did and at least one record
-- has been closed.
local sandbox = require "cloudblue.connect.sandbox"

local function quoted(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local running = assert(sandbox.start({ records = 1000 }))
local words = {
  "CONNECT_ENDPOINT=" .. quoted(running.endpoint),
  "CONNECT_API_KEY=" .. quoted(running.apiKey),
}
for _, word in ipairs(arg) do table.insert(words, quoted(word)) end

local ok, how, code = os.execute(table.concat(words, " "))
local counts = running:counts()
local problems = running:problems()
running:stop()

print(("the command ended by %s %d; the sandbox counts %d records open, %d closed"):format(
  how, code, counts.approved or 0, counts.closed or 0))
for _, problem in ipairs(problems) do print("the sandbox had a problem: " .. problem) end
os.exit((ok and (counts.closed or 0) > 0 and #problems == 0) == true, true)
