local cjson = require "cjson"

local commandline = require "spec.support.commandline"
local folders = require "spec.support.folder"
local ledger = require "cloudblue.connect.closing.ledger"
local ledgers = require "spec.support.ledgers"
local sandbox = require "cloudblue.connect.sandbox"
local connect = require "cloudblue.connect"

describe("connect-usage status --verify", function()
  local sb, folder, name

  setup(function() sb = assert(sandbox.start { records = 50 }) end)
  teardown(function() sb:stop() end)

  before_each(function()
    sb:configure { faults = {} }
    sb:reset()
    folder = folders.make()
    name = folder:path "run.db"
  end)
  after_each(function() folder:stop() end)

  local function id(number) return ("UR-2026-01-0000-0000-0000-%04d"):format(number) end

  -- Closes the first records, and has a ledger that says so of as many, at some endpoint.
  local function fill(closed, said, endpoint)
    local client <close> = connect.ConnectClient(sb.endpoint, sb.apiKey)
    local list = {}
    for number = 1, said do list[number] = { id = id(number), external_billing_id = "B-" .. number } end
    client.usageRecords:closeMany(table.move(list, 1, closed, 1, {}))
    local l <close> = assert(ledger.open(name, { create = true, exclusive = true }))
    assert(l:plan(ledgers.each(list), { endpoint = endpoint or sb.endpoint, account = "SU-1" }))
    local source = assert(l:source())
    local batch = source:take(1000)
    assert(source:done(batch, ledgers.all(batch, "closed"), {}))
  end

  local function verify(arguments, key)
    return commandline.run("status " .. name .. " --verify " .. (arguments or ""),
      ("CONNECT_ENDPOINT='%s' CONNECT_API_KEY='%s'"):format(sb.endpoint, key or sb.apiKey))
  end

  it("reads every record that is closed by the ledger, and finds them so", function()
    fill(50, 50)
    local before = #sb:requests()
    assert.are.same({
      "Reading 50 records at " .. sb.endpoint .. "\n50 agree, 0 differ, 0 could not be read, of 50\n", 0,
    }, { verify() })
    assert.are.equal(50, #sb:requests() - before)
  end)

  it("names those that are not as the ledger says", function()
    fill(9, 10)
    local client <close> = connect.ConnectClient(sb.endpoint, sb.apiKey)
    assert(client.usageRecords:close(id(10), "OTHER"))
    assert.are.same({
      "differs: " .. id(10) .. ": it is closed under another billing id (OTHER)\n"
        .. "9 agree, 1 differ, 0 could not be read, of 10\n"
        .. "connect-usage: 1 of the records are not as " .. name .. " says\n", 1,
    }, { verify "--quiet" })
    sb:reset()
    local printed, code = verify "--quiet --json"
    local first, last = printed:match '{[^\n]*"entry"[^\n]*', printed:match "\n(%b{})\nconnect%-usage: "
    assert.are.equal(1, code)
    assert.are.same({ "entry", "differs", "it is not closed" },
      { cjson.decode(first).message_type, cjson.decode(first).outcome, cjson.decode(first).message })
    assert.are.same({ message_type = "summary", agree = 0, differs = 10, unread = 0, total = 10, exit_code = 1 },
      cjson.decode(last))
  end)

  it("asks no other endpoint than that of the ledger", function()
    fill(3, 3, "https://elsewhere.test/public/v1")
    local before = #sb:requests()
    local printed, code = verify()
    assert.are.same({ 2, 0 }, { code, #sb:requests() - before })
    assert.is_truthy(printed:find("^connect%-usage: ledger " .. name:gsub("%p", "%%%0") .. ": it belongs to another "
      .. "endpoint: https://elsewhere%.test/public/v1, not [^\n]* %(3 entries, planned [^\n]*%)\n$"), printed)
  end)

  it("takes an endpoint with slashes at its end for the same", function()
    fill(3, 3, sb.endpoint .. "//")
    assert.are.equal(0, (select(2, commandline.run("status " .. name .. " --verify",
      ("CONNECT_ENDPOINT='%s/' CONNECT_API_KEY='%s'"):format(sb.endpoint, sb.apiKey)))))
  end)

  it("exits with 5 where some could not be read", function()
    fill(10, 10)
    sb:configure { faults = { { on = "GET /usage/records/*", fault = "status", status = 500, nth = 3, count = 1 } } }
    local printed, code = verify "--quiet --retries 0 --workers 1"
    assert.are.equal(5, code)
    assert.is_truthy(printed:find("^unread: " .. id(3):gsub("%-", "%%-") .. ": GET /usage/records/[^\n]*: 500 [^\n]*\n"
      .. "9 agree, 0 differ, 1 could not be read, of 10\n"
      .. "connect%-usage: 1 of the records could not be read\n$"), printed)
  end)

  it("exits with 7 where the key is refused, and reads no more", function()
    fill(50, 50)
    local before = #sb:requests()
    local printed, code = verify("--quiet --workers 2", "ApiKey SU-1:wrong-secret")
    assert.are.equal(7, code)
    assert.is_true(#sb:requests() - before <= 4)
    assert.is_nil(printed:find("wrong-secret", 1, true))
  end)

  it("needs a ledger", function()
    assert.are.same({ "connect-usage: " .. name .. ": there is no such ledger\n", 2 }, { verify() })
  end)
end)
