local http = require "spec.support.http"
local sandbox = require "cloudblue.connect.sandbox"

describe("a sandbox", function()
  local running, client

  before_each(function()
    running = assert(sandbox.start { records = 20 })
    client = http.open(running)
  end)

  after_each(function()
    assert.are.same({}, running.stopped and {} or running:problems())
    client:close()
    running:stop()
  end)

  local function close(id, billing)
    return client:call("POST", "/usage/records/" .. id .. "/close", { json = { external_billing_id = billing } })
  end

  it("listens on a free port of this machine when start returns", function()
    assert.are.equal(string.format("http://127.0.0.1:%d/public/v1", running.port), running.endpoint)
    assert.are.equal(200, client:call("GET", "/usage/records/UR-2026-01-0000-0000-0000-0001").status)
  end)

  it("counts its records by status", function()
    assert.are.same({ approved = 20 }, running:counts())
    close("UR-2026-01-0000-0000-0000-0001", "B")
    assert.are.same({ approved = 19, closed = 1 }, running:counts())
  end)

  it("shows a record, a chunk and a file to its owner, with integers and without nulls", function()
    close("UR-2026-01-0000-0000-0000-0002", "B-2")
    local record = running:record("UR-2026-01-0000-0000-0000-0002")
    assert.are.equal("closed", record.status)
    assert.are.equal("B-2", record.external_billing_id)
    assert.are.equal("integer", math.type(record.tier))
    assert.is_nil(running:record("UR-2026-01-0000-0000-0000-0001").closed_at)
    assert.are.equal("ready", running:chunk("UFC-2026-01-0000-0000-001").status)
    assert.are.equal("accepted", running:file("UF-2026-01-0000-0000").status)
    assert.is_nil(running:record("UR-1"))
    assert.is_nil(running:chunk("UR-1"))
    assert.is_nil(running:file("UR-1"))
  end)

  it("remembers what it received, byte for byte", function()
    local body = "{ \"external_billing_id\" : \"B\0\1\127\128\255\\u00e9\" }"
    client:call("POST", "/usage/records/a%2Fb/close?x=%22y%22", { body = body, type = "application/json" })
    local request = running:requests()[1]
    assert.are.equal("POST", request.method)
    assert.are.equal("/public/v1/usage/records/a%2Fb/close?x=%22y%22", request.path)
    assert.are.equal(body, request.body)
    assert.are.equal(running.apiKey, request.headers.authorization)
    assert.are.equal("127.0.0.1:" .. running.port, request.headers.host)
    assert.are.same({ "authorization", running.apiKey }, request.order[2])
    assert.are.equal(400, request.status)
    assert.are.equal(1, request.connection)
  end)

  it("gives the later part of its logs alone", function()
    for number = 1, 3 do
      close("UR-2026-01-0000-0000-0000-000" .. number, "B")
    end
    assert.are.same({ 3 }, { running:journal(3)[1].seq, running:journal(3)[2] })
    assert.are.equal(2, #running:requests(2))
  end)

  it("writes down what it applied, in order, and nothing that it refused", function()
    close("UR-2026-01-0000-0000-0000-0003", "B-3")
    close("UR-2026-01-0000-0000-0000-0003", "B-4")
    close("UR-2026-01-0000-0000-0000-0001", nil)
    assert.are.same({
      {
        seq = 1,
        action = "close",
        kind = "record",
        id = "UR-2026-01-0000-0000-0000-0003",
        external_billing_id = "B-3",
        route = "POST /usage/records/{id}/close",
      },
      {
        seq = 2,
        action = "close",
        kind = "record",
        id = "UR-2026-01-0000-0000-0000-0001",
        route = "POST /usage/records/{id}/close",
      },
    }, running:journal())
  end)

  it("serves a thousand closes on one connection", function()
    running:stop()
    running = assert(sandbox.start { records = 1000 })
    client = http.open(running)
    for number = 1, 1000 do
      assert.are.equal(200, close(string.format("UR-2026-01-0000-0000-0000-%04d", number), "B").status)
    end
    assert.are.equal(1, running:connections())
    assert.are.same({ closed = 1000 }, running:counts())
  end)

  it("is as it was at the start after a reset", function()
    close("UR-2026-01-0000-0000-0000-0001", "B")
    running:reset()
    assert.are.same({ approved = 20 }, running:counts())
    assert.are.same({ {}, {}, 0 }, { running:requests(), running:journal(), running:connections() })
    assert.are.equal(200, close("UR-2026-01-0000-0000-0000-0001", "B").status)
  end)

  it("takes another key while it runs", function()
    running:configure { apiKey = "ApiKey SU-1:other" }
    assert.are.equal("ApiKey SU-1:other", running.apiKey)
    assert.are.equal(401, client:call("GET", "/usage/records", { key = "ApiKey SU-000-000-000:not-a-secret" }).status)
    assert.are.equal(200, client:call("GET", "/usage/records").status)
  end)

  it("refuses connections while its port is closed, and keeps its port", function()
    running:configure { listening = false }
    assert.has_error(function() client:call("GET", "/usage/records") end)
    running:configure { listening = true }
    assert.are.equal(200, client:call("GET", "/usage/records").status)
  end)

  it("can be stopped twice, closes its connections, and says so", function()
    client:call("GET", "/usage/records")
    running:stop()
    running:stop()
    assert.are.equal("Sandbox (stopped)", tostring(running))
    assert.has_error(function() client:call("GET", "/usage/records") end)
    assert.has_error(function() running:counts() end, "the sandbox is stopped")
  end)

  it("stops at the end of a block that closes it", function()
    local port
    do
      local other <close> = assert(sandbox.start())
      port = other.port
    end
    local again = assert(sandbox.start { port = port })
    again:stop()
  end)

  it("stops when it is collected", function()
    local port = assert(sandbox.start()).port
    collectgarbage()
    collectgarbage()
    local again = assert(sandbox.start { port = port })
    again:stop()
  end)

  it("gives a problem when its port is taken", function()
    local other, problem = sandbox.start { port = running.port }
    assert.is_nil(other)
    assert.are.equal(
      string.format("can't listen on 127.0.0.1 port %d: Address already in use", running.port), problem)
  end)

  it("raises for options that mean nothing, naming the argument", function()
    assert.has_error(function() sandbox.start { prot = 1 } end, "bad argument #1 to 'start' (unknown option 'prot')")
    assert.has_error(function() sandbox.start(8080) end, "bad argument #1 to 'start' (table expected, got number)")
    assert.has_error(function() running:configure { records = 1 } end,
      "bad argument #1 to 'configure' (option 'records' can't be changed while the sandbox runs)")
  end)

  it("is shared by the coroutines of a cqueues loop", function()
    local cqueues = require "cqueues"
    local queue, answers = cqueues.new(), {}
    for number = 1, 5 do
      queue:wrap(function()
        answers[number] = running:counts().approved
      end)
    end
    assert(queue:loop(5))
    assert.are.same({ 20, 20, 20, 20, 20 }, answers)
  end)

  it("needs no C core", function()
    local program = "package.preload['cloudblue.connect.core'] = function() error('loaded') end;"
      .. "assert(require('cloudblue.connect.sandbox').start()):stop()"
    assert.is_true((os.execute("lua5.4 -e \"" .. program .. "\"")))
  end)
end)
