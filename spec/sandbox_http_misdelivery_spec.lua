local cqueues = require "cqueues"
local faulted = require "spec.support.faulted"
local rawclient = require "spec.support.rawclient"

describe("a fault in the sandbox that breaks a reply, or its connection:", function()
  local f
  faulted.share(function(given) f = given end)

  --- What came back and how it ended.
  local function ends(bytes)
    local received, ending = f:send(bytes)
    return { received, ending }
  end

  --- What came back for a close under a fault, how it ended, and whether it was applied.
  local function outcome(rule, seconds)
    local received, ending, applied = f:close(rule, seconds)
    return { received, ending, applied }
  end

  it("refuse: reset, nothing applied", function()
    assert.are.same({ "", "reset", false }, outcome { fault = "refuse" })
    assert.are.equal("refuse", f.sandbox:requests()[1].fault)
    assert.is_nil(f.sandbox:requests()[1].status)
  end)

  it("refuse with seconds: the port is closed so long", function()
    f:close { fault = "refuse", seconds = 0.15 }
    local get = f:request("GET", "/usage/records/" .. faulted.ID)
    assert.are.same({ "", "refused" }, ends(get))
    local finish, received = cqueues.monotime() + 5, ""
    while received == "" and cqueues.monotime() < finish do
      received = f:send(get)
    end
    assert.are.equal("200", faulted.status(received))
  end)

  it("refuse at connect: nothing is read, the next connection is let in", function()
    f.sandbox:configure { faults = { { on = "connect", fault = "refuse" } } }
    local get = f:request("GET", "/usage/records/" .. faulted.ID)
    assert.are.same({ "", "reset" }, ends(get))
    assert.are.same({}, f.sandbox:requests())
    assert.are.equal("200", faulted.status((f:send(get))))
    assert.are.equal(2, f.sandbox:connections())
  end)

  it("hang: no reply, for as long as the client waits", function()
    assert.are.same({ "", "waiting", false }, outcome({ fault = "hang" }, 0.1))
  end)

  it("hang with seconds: no reply, then closed", function()
    local received, ending, applied = f:close { fault = "hang", seconds = 0.05, applied = true }
    assert.are.same({ "", "closed", true }, { received, ending, applied })
  end)

  it("hang at connect: nothing is read", function()
    f.sandbox:configure { faults = { { on = "connect", fault = "hang", seconds = 0.05 } } }
    local received, ending = f:send("GET / HTTP/1.1\r\n\r\n")
    assert.are.equal("", received)
    assert.is_true(ending == "closed" or ending == "reset", ending)
    assert.are.same({}, f.sandbox:requests())
  end)

  it("hang: ended by a reset of the sandbox", function()
    f.sandbox:configure { faults = { { on = "GET /usage/files", fault = "hang" } } }
    local queue, ending = cqueues.new(), nil
    queue:wrap(function()
      local get = f:request("GET", "/usage/files")
      ending = select(2, f:send(get))
    end)
    queue:wrap(function()
      while #f.sandbox:requests() == 0 do
        cqueues.sleep(0.005)
      end
      f.sandbox:reset()
    end)
    assert(queue:loop(5))
    assert.are.equal("closed", ending)
  end)

  it("slow: the reply comes in pieces, whole", function()
    local received, ending, applied, times = f:close { fault = "slow", bytes = 100, seconds = 0.005 }
    local length, body = received:match("content%-length: (%d+).-\r\n\r\n(.*)$")
    assert.are.same({ tonumber(length), "closed", true }, { #body, ending, applied })
    assert.is_true(#times > 4)
  end)

  it("reset-before: reset, nothing applied", function()
    assert.are.same({ "", "reset", false }, outcome { fault = "reset-before" })
  end)

  it("reset-after: reset, applied", function()
    assert.are.same({ "", "reset", true }, outcome { fault = "reset-after" })
  end)

  it("reset-middle: a part of the reply, then reset, applied", function()
    local received, ending, applied = f:close { fault = "reset-middle", bytes = 7 }
    assert.are.same({ "200", 7, "reset", true }, { faulted.status(received), #faulted.body(received), ending, applied })
  end)

  it("truncate: a part of the reply, then closed, applied", function()
    local received, ending, applied = f:close { fault = "truncate" }
    local length, body = received:match("content%-length: (%d+).-\r\n\r\n(.*)$")
    assert.are.same({ tonumber(length) // 2, "closed", true }, { #body, ending, applied })
  end)

  it("trailers: the right reply in chunks, with lines behind it", function()
    local received, ending, applied = f:close {
      fault = "trailers", trailers = { ["Content-Length"] = "5" }, bytes = 2500,
    }
    assert.are.same({ "200", "closed", true }, { faulted.status(received), ending, applied })
    assert.is_truthy(received:find("\r\ntransfer%-encoding: chunked\r\n"))
    assert.is_nil(received:match("^(.-)\r\n\r\n"):find("content%-length"))
    local behind = received:match("}\r\n0\r\n(.*)$")
    local padding, count = behind:gsub("Content%-Length: 5\r\n\r\n$", ""):gsub("x%-padding%-%d: (x+)\r\n", "%1")
    assert.are.same({ ("x"):rep(2500), 3 }, { padding, count })
  end)

  it("trailers, cut: the last line is missing; applied or not", function()
    for _, applied in ipairs { true, false } do
      local received, ending, wasApplied = f:close { fault = "trailers", cut = true, applied = applied }
      assert.are.same({ "200", "closed", applied }, { faulted.status(received), ending, wasApplied })
      assert.is_truthy(received:find("}\r\n0\r\nx%-trailer: of the sandbox\r\n$"))
    end
  end)

  it("trailers: the connection stays in use", function()
    f.sandbox:configure { faults = { { on = faulted.ON, fault = "trailers" } } }
    local path = "/usage/records/" .. faulted.ID
    local bytes = rawclient.request(f.sandbox, "POST", path .. "/close", "{}") .. f:request("GET", path)
    local received, ending = f:send(bytes)
    local _, replies = received:gsub("HTTP/1.1 200 ", "")
    assert.are.same({ 2, "closed", 1 }, { replies, ending, f.sandbox:connections() })
  end)

  it("truncate and reset-middle without effect: a part of the reply that it would have got", function()
    for fault, ending in pairs { truncate = "closed", ["reset-middle"] = "reset" } do
      local received, ended, applied = f:close { fault = fault, bytes = 90, applied = false }
      local body = faulted.body(received)
      assert.are.same({ "200", 90, ending, false }, { faulted.status(received), #body, ended, applied })
    end
  end)
end)
