-- Batches under random faults: whatever the service does, each record is closed at most once, and what the run says of
-- it is what the sandbox carried out.

local runs = require "cloudblue.connect.closing.run"
local scene = require "spec.support.scene"
local sources = require "cloudblue.connect.closing.entries"

local BULK, READ, CLOSE = "POST /usage/records/close-records", "GET /usage/records/*", "POST /usage/records/*/close"

local RUNS = tonumber(os.getenv "CLOSING_RUNS") or 40
local SEED = tonumber(os.getenv "CLOSING_SEED") or 20260101
local RECORDS = 40

-- A generator of its own, so that a run can be repeated by its seed.
local function dice(seed)
  local state = seed * 2 + 1
  return function(most)
    state = (state * 6364136223846793005 + 1442695040888963407)
    return (state >> 33) % most + 1
  end
end

local function pick(roll, list) return list[roll(#list)] end

local FAULTS = {
  { fault = "reset-after" }, { fault = "reset-before" }, { fault = "reset-middle" }, { fault = "truncate" },
  { fault = "garbage" }, { fault = "empty" }, { fault = "status", status = 413 }, { fault = "status", status = 500 },
  { fault = "status", status = 502, applied = true }, { fault = "status", status = 429, retryAfter = 1 },
  { fault = "status", status = 503, retryAfter = 0 }, { fault = "status", status = 403 },
  { fault = "status", status = 400 }, { fault = "status", status = 302, applied = true },
  { fault = "hang", applied = true, seconds = 0.01 }, { fault = "status", status = 404 },
}

-- Of a batch's reply. A service that reads out a record as another than it is can't be caught.
local LIES = { { fault = "alter", set = { status = "closing" } }, { fault = "alter", without = { "id" } } }

local function rules(roll)
  local list = {}
  for _ = 1, roll(5) - 1 do
    local rule = { on = pick(roll, { BULK, BULK, BULK, READ, CLOSE }), nth = roll(4), count = roll(3) }
    local fault = rule.on == BULK and roll(8) == 1 and pick(roll, LIES) or pick(roll, FAULTS)
    for name, value in pairs(fault) do rule[name] = value end
    list[#list + 1] = rule
  end
  return list
end

local function id(number) return ("UR-2026-01-0000-0000-0000-%04d"):format(number) end

-- id -> billing id under which it was closed; fails where a record was closed twice.
local function carriedOut(s, note)
  local closed = {}
  for _, entry in ipairs(scene.applied(s.sandbox, "close")) do
    assert.is_nil(closed[entry.id], note .. entry.id .. " was closed twice")
    closed[entry.id] = entry.external_billing_id
  end
  return closed
end

-- What may be said of a record that is closed under `bill`, and was under `before` when the run began (nil: it is not).
local function isTrue(outcome, bill, before, ours)
  if outcome == "closed" then return bill == ours end
  if outcome == "already" then return before == ours end
  if outcome == "refused" then return bill ~= ours end
  if outcome == "notTried" then return bill == before end
  return outcome == "unknown"
end

local function prepare(s, roll)
  local list = {}
  for number = 1, RECORDS do list[number] = { id = id(number), external_billing_id = "RUN-" .. number } end
  -- Some are closed by somebody else, some as ours, before.
  for number = 1, RECORDS do
    local before = roll(12)
    if before == 1 then assert(s.client.usageRecords:close(id(number), "THEIRS")) end
    if before == 2 then assert(s.client.usageRecords:close(id(number), "RUN-" .. number)) end
  end
  return list
end

local function run(seed)
  local roll = dice(seed)
  local s <close> = scene.start {}
  local list, faults = prepare(s, roll), rules(roll)
  local before = carriedOut(s, "")
  s.sandbox:configure { faults = faults, bulkRoute = roll(8) > 1 }
  local note = ("CLOSING_SEED=%d CLOSING_RUNS=1: "):format(seed)
  local told = {}
  local summary = s.client.usageRecords:closeMany(list, {
    batchSize = pick(roll, { 1, 3, 7, 20, 100 }), concurrency = roll(4), retries = roll(3) - 1,
    onResult = function(entry, outcome)
      assert.is_nil(told[entry.id], note .. entry.id .. " was told twice")
      told[entry.id] = outcome
    end,
  })
  local closed = carriedOut(s, note)
  assert.equal(RECORDS, summary.read, note)
  assert.equal(RECORDS, summary.closed + summary.already + summary.refused + summary.unknown + summary.notTried, note)
  for _, entry in ipairs(list) do
    local outcome = told[entry.id]
    assert.is_true(isTrue(outcome, closed[entry.id], before[entry.id], entry.external_billing_id),
      ("%s%s is told %s, and was closed under %s"):format(note, entry.id, outcome, closed[entry.id]))
  end
  s.sandbox:configure { bulkRoute = true, faults = {} }
  return summary
end

describe("closeMany under random faults", function()
  it("closes each record at most once, and tells what became of it", function()
    local sums = { closed = 0, unknown = 0, refused = 0, already = 0, notTried = 0 }
    for seed = SEED, SEED + RUNS - 1 do
      local summary = run(seed)
      for name in pairs(sums) do sums[name] = sums[name] + summary[name] end
    end
    if RUNS < 20 then return end
    -- The runs are of use only where each outcome comes up.
    for name, sum in pairs(sums) do assert.is_true(sum > 0, name) end
  end)
end)

-- A source whose batches another worker takes over after so many questions.
local function taken(list, questions)
  local source = assert(sources.list(list))
  function source.renew()
    questions = questions - 1
    return questions >= 0
  end
  local outcomes = {}
  function source.done(_, batch) outcomes[#outcomes + 1] = #batch return true end
  return source, outcomes
end

describe("a batch that another worker has taken over", function()
  for route, bulkRoute in pairs { ["in bulk"] = true, ["one by one"] = false } do
    it("is left alone, and the run goes on with the next: " .. route, function()
      local s <close> = scene.start {}
      s.sandbox:configure { bulkRoute = bulkRoute }
      if not bulkRoute then s.client.usageRecords:closeMany { { id = id(40), external_billing_id = "RUN-40" } } end
      local list = {}
      for number = 1, 30 do list[number] = { id = id(number), external_billing_id = "RUN-" .. number } end
      local source, done = taken(list, bulkRoute and 1 or 12)
      local one = runs.new(s.client.usageRecords, source, { batchSize = 10, concurrency = 1 })
      local summary = one:carryOut()
      assert.is_nil(summary.stopped)
      assert.same({ 10 }, done)
      assert.equal(10, summary.closed)
      assert.equal(0, summary.notTried)
      s.sandbox:configure { bulkRoute = true }
    end)
  end
end)
