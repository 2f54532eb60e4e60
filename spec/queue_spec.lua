-- Those that can go on: what is put in comes out once, in order, whatever puts in meanwhile.

local queue = require "cloudblue.connect.queue"

-- All that are left, in order.
local function takeAll(q)
  local all = {}
  for value in queue.take, q do all[#all + 1] = value end
  return all
end

-- Numbers from first to last.
local function range(first, last)
  local list = {}
  for value = first, last do list[#list + 1] = value end
  return list
end

describe("a queue", function()
  it("is empty at first, and gives nothing", function()
    local q = queue.new()
    assert.is_true(queue.isEmpty(q))
    assert.is_nil(queue.take(q))
    assert.is_true(queue.isEmpty(q))
  end)

  it("gives what was put in, first in, first out", function()
    local q = queue.new()
    for value = 1, 100 do queue.put(q, value) end
    assert.is_false(queue.isEmpty(q))
    assert.same(range(1, 100), takeAll(q))
    assert.is_true(queue.isEmpty(q))
  end)

  it("keeps the order when some are put in between", function()
    local q, taken = queue.new(), {}
    local put = 0
    for turn = 1, 60 do
      for _ = 1, turn % 4 do
        put = put + 1
        queue.put(q, put)
      end
      taken[#taken + 1] = queue.take(q)
    end
    table.move(takeAll(q), 1, put, #taken + 1, taken)
    assert.same(range(1, put), taken)
  end)

  it("is fit for use again each time that it was emptied", function()
    local q = queue.new()
    for turn = 1, 20 do
      for value = 1, turn do queue.put(q, value) end
      assert.same(range(1, turn), takeAll(q))
    end
  end)

  it("takes false for a value", function()
    local q = queue.new()
    queue.put(q, false)
    assert.is_false(queue.isEmpty(q))
    assert.is_false(queue.take(q))
    assert.is_nil(queue.take(q))
  end)

  -- What a debug hook may do: put in between any two instructions.
  it("loses none that is put in between any two steps of its own", function()
    for every = 1, 11 do
      local q, taken = queue.new(), {}
      local put, instructions, busy = 0, 0, false
      local function more()
        put = put + 1
        queue.put(q, put)
      end
      local function hook()
        if busy or not debug.getinfo(2, "S").source:find("queue.lua", 1, true) then return end
        instructions = instructions + 1
        if instructions % every ~= 0 or put >= 200 then return end
        busy = true
        more()
        busy = false
      end
      debug.sethook(hook, "", 1)
      for _ = 1, 20 do
        more()
        taken[#taken + 1] = queue.take(q)
      end
      for value in queue.take, q do taken[#taken + 1] = value end
      debug.sethook()
      table.sort(taken)
      assert.same(range(1, put), taken)
    end
  end)
end)
