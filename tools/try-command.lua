-- try-command.lua COMMAND FOLDER : tries an installed connect-usage on a sandbox: lists records, closes them by a
-- ledger in the folder, and compares that with the service. Exits 0 when each has done what it should.
local sandbox = require "cloudblue.connect.sandbox"

local command, folder = arg[1], arg[2]

local function quoted(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local running <close> = assert(sandbox.start { records = 250 })
local prefix = ("cd %s && CONNECT_ENDPOINT=%s CONNECT_API_KEY=%s %s "):format(
  quoted(folder), quoted(running.endpoint), quoted(running.apiKey), quoted(command))

local function run(arguments)
  print("connect-usage " .. arguments)
  assert(os.execute(prefix .. arguments))
end

run "list --columns id --csv >list.csv"
run "close list.csv --billing-id 'RUN-{seq}' --ledger run.db --yes"
run "status run.db --verify"
assert(running:counts().closed == 250)
