local folders = require "spec.support.folder"
local ledger = require "cloudblue.connect.closing.ledger"
local ledgers = require "spec.support.ledgers"
local refusals = require "cloudblue.connect.command.refusals"

-- A voice that keeps what it is to say.
local function keeper()
  local voice = { said = {} }
  function voice:say(text) self.said[#self.said + 1] = text end
  voice.warn = voice.say
  return voice
end

describe("what was not closed", function()
  local folder, voice

  before_each(function() folder, voice = folders.make(), keeper() end)
  after_each(function() folder:stop() end)

  it("is said in words", function()
    local list = assert(refusals.open {})
    list:add({ id = "UR-1" }, "closed")
    list:add({ id = "UR-2" }, "already", {})
    list:add({ id = "UR-3" }, "refused", { status = 206, errorCode = "E_1", message = "no" })
    list:add({ id = "UR-4" }, "refused", { status = 400, errorCode = "E_2", message = "no" })
    list:add({ id = "UR-5" }, "unknown", { message = "no reply" })
    list:add({ id = "UR-6" }, "unknown")
    list:add({ id = "UR-7" }, "notTried", { status = 401, message = "no key" })
    list:finish(voice)
    assert.are.same({
      "refused: UR-3: E_1: no", "refused: UR-4: 400 E_2: no", "unknown: UR-5: no reply", "unknown: UR-6",
    }, voice.said)
  end)

  it("is said of the first ten only", function()
    local list = assert(refusals.open {})
    for number = 1, 12 do list:add({ id = "UR-" .. number }, "refused", { message = "no" }) end
    list:finish(voice)
    assert.are.same({ 11, "refused: UR-10: no", "and 2 more; --report lists them" },
      { #voice.said, voice.said[10], voice.said[11] })
  end)

  it("is reported as a whole", function()
    local list = assert(refusals.open { report = folder:path "r.csv" })
    list:add({ id = "UR-1" }, "closed")
    list:add({ id = "UR-2", external_billing_id = "B" }, "refused", { message = "no" })
    list:add({ id = "UR-3" }, "notTried")
    list:finish(voice)
    assert.are.equal("id,external_billing_id,external_billing_note,outcome,message\n"
      .. "UR-2,B,,refused,no\nUR-3,,,notTried,\n", folder:read "r.csv")
    assert.are.equal(folder:path "r.csv" .. " has what was not closed; it can be given to `connect-usage close`.",
      voice.said[2])
  end)

  it("is reported of all that a ledger holds, not of the last run alone", function()
    local name = folder:path "run.db"
    local l = assert(ledger.open(name, { create = true, exclusive = true }))
    assert(l:plan(ledgers.each(ledgers.list(1, 5)), ledgers.WHO, 1))
    local source = assert(l:source())
    assert(source:done(source:take(1), { "refused" }, { { message = "no" } }))
    assert(source:done(source:take(1), { "closed" }, {}))
    assert(source:done(source:take(1), { "unknown" }, {}))
    source:take(1)
    l:close()
    local list = assert(refusals.open { report = folder:path "r.csv", ledger = name })
    list:add({ id = "UR-9" }, "refused", { message = "no" })
    list:finish(voice)
    local rows = {}
    for row in folder:read("r.csv"):gmatch "UR%-[^\n]*" do rows[#rows + 1] = row end
    assert.are.same({
      "UR-000001,B-1,,refused,no", "UR-000003,B-3,,unknown,", "UR-000004,B-4,,unknown,", "UR-000005,B-5,,notTried,",
    }, rows)
  end)

  it("has no report that can't be written", function()
    assert.are.same({ nil, folder:path "none/r.csv" .. ".partial: No such file or directory" },
      { refusals.open { report = folder:path "none/r.csv" } })
    local list = assert(refusals.open { report = folder:path "r.csv" })
    assert(os.execute("mkdir " .. folder:path "r.csv"))
    list:finish(voice)
    assert.is_truthy(voice.said[1]:find("^%-%-report: .*r%.csv can't be written: "))
  end)

  it("has no report where that is dropped", function()
    assert(refusals.open { report = folder:path "r.csv" }):drop()
    assert(refusals.open {}):drop()
    assert.are.same({}, folder:list())
  end)
end)
