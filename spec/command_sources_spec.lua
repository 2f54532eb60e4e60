local billing = require "cloudblue.connect.command.billing"
local folders = require "spec.support.folder"
local scene = require "spec.support.scene"
local sources = require "cloudblue.connect.command.sources"

local function listOf(source)
  local list = {}
  for entry in source.entries() do list[#list + 1] = entry end
  return list
end

-- A voice that keeps what it is to say.
local function keeper()
  local voice = { said = {} }
  function voice:say(text) self.said[#self.said + 1] = text end
  return voice
end

describe("the entries of close", function()
  local rules = billing.rules { template = billing.template "R-{seq}", note = "n" }
  local folder

  before_each(function() folder = folders.make() end)
  after_each(function() folder:stop() end)

  it("come from a file", function()
    local path = folder:write("a.csv", "a,b,c,d,e,f,g,h,i,j,id\n,,,,,,,,,,UR-1\n,,,,,,,,,,UR-2\n,,,,,,,,,,UR-1\n")
    local source = assert(sources.file({ file = path }, rules, keeper()))
    assert.are.same({
      path .. " has 2 records.", "1 entry repeats another, and is left out.",
      "Ignored columns: a, b, c, d, e, f, g, h, and 2 more.",
    }, source.words)
    assert.are.equal("The first is UR-1, under R-1, with the note 'n'.", sources.example(source.first))
    assert.are.same({
      { id = "UR-1", external_billing_id = "R-1", external_billing_note = "n" },
      { id = "UR-2", external_billing_id = "R-2", external_billing_note = "n" },
    }, listOf(source))
    source.close()
  end)

  it("are not there where the file is wrong", function()
    local path = folder:write("a.csv", "bill\n")
    local source, problem, code = sources.file({ file = path }, rules, keeper())
    assert.are.same({ nil, 2 }, { source, code })
    assert.is_truthy(problem:find("^" .. path:gsub("%p", "%%%0") .. ", line 1, column 1: .*%. Nothing was sent$"))
    assert.are.same({ nil, "none.csv: No such file or directory", 2 },
      { sources.file({ file = "none.csv" }, rules, keeper()) })
  end)

  it("are checked with a word now and then, where they are many", function()
    local rows, voice = { "id" }, keeper()
    for number = 1, 100001 do rows[number + 1] = ("%d"):format(number) end
    assert(sources.file({ file = folder:write("a.csv", table.concat(rows, "\n")) }, rules, voice)).close()
    assert.are.same({ "100000 entries checked so far" }, voice.said)
  end)

  it("are the records that a condition finds", function()
    local s <close> = scene.start { client = { maxResponseBytes = 4000000 } }
    local source = assert(sources.where({ where = "status=approved" }, rules, s.client, keeper()))
    assert.are.equal(1000, source.total)
    assert.are.same({ "'status=approved' finds 1000 records." }, source.words)
    assert.are.equal("The first is " .. scene.RECORD .. ", under R-1, with the note 'n'.",
      sources.example(source.first))
    local list = listOf(source)
    assert.are.same({ 1000, "R-1000" }, { #list, list[1000].external_billing_id })
  end)

  it("are not there where billing ids can't be sent", function()
    local s <close> = scene.start { client = { maxResponseBytes = 4000000 } }
    local wrong = billing.rules { template = function() return "\xFF" end }
    local source, problem, code = sources.where({ where = "status=approved" }, wrong, s.client, keeper())
    assert.are.same({ nil, 2 }, { source, code })
    assert.are.equal(1, (problem:find(scene.RECORD .. ": external_billing_id ", 1, true)))
    assert.is_truthy(problem:find "%. Nothing was sent$")
  end)

  it("are what a ledger holds", function()
    local held = { identity = { created = "2026-01-31T22:00:00Z" }, counts = { total = 3 } }
    local source = assert(sources.ledger(held, "postgres://me:secret@host/db"))
    assert.are.same({ 3, { "postgres://me:***@host/db has 3 records, planned 2026-01-31T22:00:00Z." } },
      { source.total, source.words })
    assert.is_nil(source.entries)
    assert.are.same(
      { nil, "run.db: there is no such ledger; give FILE or --where", 2 },
      { sources.ledger(nil, "run.db") })
  end)
end)
