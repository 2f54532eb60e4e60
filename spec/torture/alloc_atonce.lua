-- Calls made at once that are tried while memory ends: tasks, and calls in an attached loop. See alloc_cases.lua.
--
-- What came of each call stands in `answers`. When memory is back the loop goes on, and every call must end: none waits
-- for a wake that was lost.

local SETUP = [[
  client = connect.ConnectClient(endpoint, key, { retries = 2, maxConnections = 2 })
  records = client.usageRecords
  answers = {}
  for _, id in ipairs(recordIds) do answers[id] = false end
  function close(id)
    local chunk, failure = records:close(id, "BILL-1", "note")
    answers[id] = chunk or failure
  end
  function each(id) pcall(close, id) end
  function described()
    local list = {}
    for id, answer in pairs(answers) do
      list[#list + 1] = id .. "=" .. (not answer and "none" or type(answer) == "table" and
        "failure " .. answer.kind .. " " .. answer.outcome or "success") .. "\n"
    end
    return table.concat(list)
  end
]]

-- Coroutines that are ready to begin, one for each record, and what resumes them until all are over.
local LOOP_SETUP = SETUP .. [[
  loop = require("spec.support.plainloop").new()
  client:attach(loop.functions)
  threads = {}
  for i, id in ipairs(recordIds) do
    threads[i] = coroutine.create(function() each(id) end)
    loop.woken[threads[i] ] = true
  end
  -- cqueues says where it ran out of memory.
  function wait()
    local ok, ready = pcall(loop.wait, loop, 0.003)
    if not ok then error(tostring(ready):find "not enough memory$" and "not enough memory" or ready, 0) end
    return ready
  end
  function drive(rounds)
    for _ = 1, rounds do
      local isAny, isLeft = false, false
      for _, thread in ipairs(threads) do
        if coroutine.status(thread) == "suspended" then
          isLeft = true
          if loop.woken[thread] then
            isAny = true
            local ok, problem = coroutine.resume(thread)
            if not ok then error(problem, 0) end
          end
        end
      end
      if not isLeft then return true end
      if not isAny and not wait() then
        pass(0.5)
        if not tostring(client):find "closed" then client:step() end
      end
    end
    return true
  end
]]

local LOOP_AFTER = [[
  drive(1000)
  for _, thread in ipairs(threads) do assert(coroutine.status(thread) == "dead", "a call has not ended") end
  -- The end of a watch that memory failed is tried again by the next call, or here.
  client:close()
  assert(next(loop.watched) == nil, "a watch has not ended")
  return described()
]]

local LOST = { { on = "POST /usage/records/*/close", count = "all", fault = "reset-after" } }

local function tasks(name, call, more)
  local case = { name = "tasks: " .. name, closes = "recordId", atOnce = 3, sparse = 20, setup = SETUP,
    after = "return described()", call = call }
  for key, value in pairs(more or {}) do case[key] = value end
  return case
end

local function loop(name, call, more)
  local case = { name = "a loop: " .. name, closes = "recordId", atOnce = 3, sparse = 20, setup = LOOP_SETUP,
    after = LOOP_AFTER, call = call }
  for key, value in pairs(more or {}) do case[key] = value end
  return case
end

return {
  tasks("closes", [[
    for _ in client:parallel(3, recordIds, close) do end
    return true]]),
  tasks("replies lost", [[
    for _ in client:parallel(2, recordIds, close) do end
    return true]], { faults = LOST }),
  tasks("broken out of", [[
    for _ in client:parallel(2, recordIds, close) do break end
    return true]]),
  tasks("an error in one", [[
    local ok, problem = pcall(function()
      for _ in client:parallel(2, recordIds, function(id)
        close(id)
        error "enough"
      end) do end
    end)
    if problem == "not enough memory" then error(problem, 0) end
    return not ok]]),
  tasks("tasks of their own", [[
    for _ in client:parallel(2, { 1, 2 }, function(i)
      for _ in client:parallel(2, i == 1 and { recordIds[1], recordIds[2] } or { recordIds[3] }, close) do end
    end) do end
    return true]]),
  loop("closes", [[return drive(1000)]]),
  loop("replies lost", [[return drive(1000)]], { faults = LOST }),
  loop("detached and attached", [[
    drive(2)
    client:detach()
    client:attach(loop.functions)
    return drive(1000)]]),
  loop("the client closed", [[
    drive(3)
    client:close()
    return drive(1000)]]),
  loop("coroutines closed", [[
    drive(2)
    coroutine.close(threads[1])
    return drive(1000)]]),
  loop("tasks in it", [[return drive(1000)]], {
    setup = LOOP_SETUP .. [[
      threads = { coroutine.create(function()
        for _ in client:parallel(2, recordIds, each) do end
      end) }
      loop.woken[threads[1] ] = true]],
  }),
}
