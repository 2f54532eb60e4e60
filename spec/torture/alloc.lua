-- alloc.lua [EVERY [MANNER...]] : public calls while memory ends. For each call of alloc_cases.lua, allocation 1,
-- 1 + EVERY, … fails until the call needs no more, in every manner: "hiccup" (Lua's second try finds memory again),
-- "once", "always" (all later ones fail too). It counts whoever allocates: Lua, the core, libcurl. Each try has a Lua
-- state of its own; the sandbox and this program keep their memory. Prints TAP.
--
-- A try passes when
--   * what comes is a success, a failure that memory explains, or a memory error, and once memory suffices what the
--     call gives otherwise;
--   * the state then works on as before;
--   * when it is closed nothing is left of what Lua, the core and libcurl took, every block was given back under its
--     size, no memory of the core's held the key, and no descriptor of a client is open;
--   * the sandbox's journal agrees: a success was carried out once, rejected and unsent were not, and nothing twice.
--
-- A process of its own, because libcurl takes its memory functions once.

local atOnce = require "spec.torture.alloc_atonce"
local cases = require "spec.torture.alloc_cases"
local cqueues = require "cqueues"
local sandbox = require "cloudblue.connect.sandbox"

local EVERY = tonumber(arg[1]) or 1
local MANNERS = #arg > 1 and table.pack(table.unpack(arg, 2)) or { "hiccup", "once", "always" }
local FILTER = os.getenv "ALLOC_CASE"

-- More than any call needs.
local MOST = 100000

local KEY = "ApiKey SU-000-000-000:t0rturedSecret"

-- The test module lies in the folder where the module under test was built.
local function load()
  local core = assert(package.searchpath("cloudblue.connect.core", package.cpath))
  local build = core:gsub("/lib/cloudblue/connect/core%.so$", "")
  local open, problem = package.loadlib(build .. "/spec/faultalloc.so", "luaopen_faultalloc")
  return assert(open, "not built (make core-tests): " .. tostring(problem))()
end

local faultalloc = load()

-- What every state begins with.
local PRELUDE = [==[
  endpoint, key, recordId, chunkId = ...
  recordIds = { select(5, ...) }
  function report(first, second)
    if first == "raised" then
      -- Lua's own require puts the name of the file before it.
      local memory = second == "not enough memory" or
        tostring(second):find "^error loading module .*\n\tnot enough memory$"
      return memory and "memory" or "raised: " .. tostring(second)
    elseif first == nil then
      local failure = type(second) == "table" and second.kind
      return failure and ("failure %s %s: %s"):format(second.kind, second.outcome, tostring(second)) or "nothing"
    end
    return "success"
  end
]==]

-- Lua makes the metatable of its string buffers' memory with the first large one, and where memory ends in that, every
-- large one of the state fails ever after (newbox in lauxlib.c of Lua 5.4.4).
local WARM = [[
  string.rep("x", 10000)
  connect = require "cloudblue.connect"
  client = connect.ConnectClient(endpoint, key, { retries = 2 })
  records, chunks = client.usageRecords, client.usageChunks
  assert(records:get("UR-2026-01-0000-0000-0000-0001"))
]]

-- The state works on: its libraries, a new client, and the client that memory failed under.
local WORKS = [[
  collectgarbage()
  local connect = require "cloudblue.connect"
  local another <close> = connect.ConnectClient(endpoint, key)
  assert(assert(another.usageRecords:get(recordId)).id == recordId)
  if client and not tostring(client):find "closed" then
    assert(assert(client.usageChunks:get(chunkId)).id == chunkId)
  end
  collectgarbage()
]]

-- What is closed is closed once, so those calls need many records; for the others a few make quicker lists.
local few = assert(sandbox.start { records = 20, chunks = 20, apiKey = KEY })
local RECORDS = 6000
local many = assert(sandbox.start { records = RECORDS, chunks = RECORDS, apiKey = KEY })
local sb, used

-- Ids that no other try of the case has: of a record, of a chunk, and of the records that it needs at once.
local function newIds(case)
  local recordIds = {}
  if sb == many then used = used + 1 end
  local chunkId = ("UFC-2026-01-0000-0000-%03d"):format(used)
  for i = 1, case.atOnce or 1 do
    if i > 1 then used = used + 1 end
    recordIds[i] = ("UR-2026-01-0000-0000-0000-%04d"):format(used)
  end
  return recordIds, chunkId
end

-- The answers of calls made at once: id -> answer.
local function readAnswers(text)
  local answers = {}
  for id, answer in text:gmatch "(%S+)=([^\n]*)\n" do answers[id] = answer end
  return answers
end

-- Blocks that stay with the process: those of libcurl's global state.
local base = faultalloc.blocks()

-- libcurl's blocks, once there are no more than before, or that can't be hoped for any more: out of memory it looks
-- even numbers up in a thread, which may still be at it.
local function settled(count)
  for _ = 1, 50 do
    if count == base.curl then break end
    cqueues.sleep(0.01)
    count = faultalloc.blocks().curl
  end
  return count
end

-- What one try came to: its answer, how many allocations failed, and the problems it had.
local function try(case, n, manner)
  local problems = {}
  local function check(ok, problem)
    if not ok then problems[#problems + 1] = problem end
  end
  local recordIds, chunkId = newIds(case)
  local state = faultalloc.state(package.path, package.cpath, KEY:match(":(.*)"))
  assert(state:run(PRELUDE, sb.endpoint, KEY, recordIds[1], chunkId, table.unpack(recordIds)))
  if not case.cold then assert(state:run(WARM)) end
  if case.setup then assert(state:run(case.setup)) end
  assert(state:run("function call() " .. case.call .. " end"))
  local answer, failed, tried = state:try("call", n, manner)
  check(state:run(WORKS))
  local after, answers
  if case.after then
    after, answers = state:run(case.after)
    check(after, answers)
  end
  local left, mistakes, spills = state:close()
  left.curl = settled(left.curl)
  for who, count in pairs(left) do
    check(count == base[who], ("%d blocks of %s were not given back"):format(count - base[who], who))
  end
  check(faultalloc.descriptors(sb.port) == 0, "descriptors were left open")
  check(mistakes == 0, mistakes .. " blocks were given back under another size")
  check(spills == 0, spills .. " blocks of the core's freed memory held the key")
  return {
    answer = answer, failed = failed, tried = tried, problems = problems, recordId = recordIds[1], chunkId = chunkId,
    answers = case.atOnce and after and readAnswers(answers) or nil,
  }
end

-- Why the answer is none that may come; nil when it may.
local function wrongAnswer(case, result)
  local expected, answer = case.expected or "success", result.answer
  if answer:find("^" .. expected) then return nil end
  if result.failed == 0 then return "gave " .. answer end
  if answer == "memory" or answer:find "^failure transport" then return nil end
  return "gave " .. answer
end

-- How often the sandbox carried out a close of each object.
local function journal()
  local closes = {}
  for _, entry in ipairs(sb:journal()) do
    if entry.action == "close" then closes[entry.id] = (closes[entry.id] or 0) + 1 end
  end
  return closes
end

-- Why journal and answer disagree; nil when they agree.
local function disagreement(answer, times)
  local outcome = answer:match "^failure %S+ (%a+)"
  local least, most = 0, 1
  if answer == "success" then least = 1 end
  if outcome == "rejected" or outcome == "unsent" then most = 0 end
  if times >= least and times <= most then return nil end
  return ("answered %s, carried out %d times"):format(answer, times)
end

-- Tries a case in one manner until it needs no more memory. Gives the number of points tried, and the tries.
local function torture(case, manner, report)
  local tries, n = {}, 1
  repeat
    local result = try(case, n, manner)
    local wrong = wrongAnswer(case, result)
    if wrong then table.insert(result.problems, wrong) end
    for _, problem in ipairs(result.problems) do report(("allocation %d, %s: %s"):format(n, manner, problem)) end
    result.n, result.manner = n, manner
    tries[#tries + 1] = result
    n = n + (EVERY > 1 and EVERY * (case.sparse or 1) or 1)
  until result.failed == 0 or n > MOST
  return #tries - 1, tries
end

local function judge(case, tries, report)
  local closes = journal()
  for _, result in ipairs(tries) do
    for id, answer in pairs(result.answers or { [result[case.closes]] = result.answer }) do
      local problem = disagreement(answer, closes[id] or 0)
      if problem then report(("allocation %d, %s: %s: %s"):format(result.n, result.manner, id, problem)) end
    end
  end
end

-- The sandbox as the case needs it, without the records of earlier ones.
local function prepare(case)
  sb, used = case.closes and many or few, 10
  sb:reset()
  sb:configure { faults = case.faults or {}, bulkRoute = case.bulkRoute ~= false }
end

local total, number, failures = 0, 0, 0

local function runCase(case)
  local problems, points, asked = {}, 0, nil
  local function report(problem) problems[#problems + 1] = problem end
  for i, manner in ipairs(MANNERS) do
    if i == 1 or used > RECORDS // 2 then prepare(case) end
    local count, tries = torture(case, manner, report)
    if case.closes then judge(case, tries, report) end
    points, asked = points + count, tries[#tries].tried
  end
  total, number = total + points, number + 1
  if #problems > 0 then failures = failures + 1 end
  print(("%sok %d - %s: %d points (a call: %d allocations of Lua, %d of the core, %d of libcurl)"):format(
    #problems > 0 and "not " or "", number, case.name, points, asked.lua, asked.core, asked.curl))
  for i = 1, math.min(#problems, 10) do print("# " .. problems[i]:gsub("\n", "\n# ")) end
  if #problems > 10 then print(("# and %d more"):format(#problems - 10)) end
end

io.stdout:setvbuf "line"
local chosen = {}
for _, case in ipairs(table.move(atOnce, 1, #atOnce, #cases + 1, cases)) do
  if not FILTER or case.name:find(FILTER, 1, true) then chosen[#chosen + 1] = case end
end
print("1.." .. #chosen)
for _, case in ipairs(chosen) do runCase(case) end
local troubles = table.move(many:problems(), 1, #many:problems(), 1, few:problems())
for _, trouble in ipairs(troubles) do print("# the sandbox had a problem: " .. trouble) end
print(("# %d allocation points tried"):format(total))
few:stop()
many:stop()
os.exit(failures == 0 and #troubles == 0, true)
