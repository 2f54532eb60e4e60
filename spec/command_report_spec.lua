local folders = require "spec.support.folder"
local input = require "cloudblue.connect.command.input"
local report = require "cloudblue.connect.command.report"

describe("a report", function()
  local folder

  before_each(function() folder = folders.make() end)
  after_each(function() folder:stop() end)

  it("lists what was not closed, and why", function()
    local list = assert(report.open(folder:path "r.csv"))
    list:add({ id = "UR-1", external_billing_id = "B-1" }, "closed")
    list:add({ id = "UR-2", external_billing_id = "B-2" }, "already")
    list:add({ id = "UR-3", external_billing_id = "B-3", external_billing_note = "a, b" }, "refused", "no\r\nway\27[0m")
    list:add({ id = "UR-4" }, "unknown", "a 'reply' was lost")
    list:add({ id = "UR-5", external_billing_id = "B-5" }, "notTried")
    assert(list:finish())
    assert.are.equal('id,external_billing_id,external_billing_note,outcome,message\n'
      .. 'UR-3,B-3,"a, b",refused,no way [0m\nUR-4,,,unknown,a \'reply\' was lost\nUR-5,B-5,,notTried,\n',
      folder:read "r.csv")
    assert.are.equal(3, list.count)
    assert.are.same({ "r.csv" }, folder:list())
  end)

  it("can be given back as input, also under the input's own name", function()
    local path = folder:write("a.csv", "id,external_billing_id\nUR-1,B-1\nUR-2,B-2\n")
    local file <close> = assert(input.open(path))
    assert(file:check())
    local list = assert(report.open(path))
    local nextEntry = file:entries()
    list:add(nextEntry(), "refused", 'says "no", and\nmore')
    list:add(nextEntry(), "closed")
    assert.is_nil(nextEntry())
    assert(list:finish())
    local again <close> = assert(input.open(path))
    local facts = assert(again:check())
    assert.are.same({ 1, {} }, { facts.entries, facts.ignored })
    assert.are.same({ id = "UR-1", external_billing_id = "B-1" }, again:entries()())
  end)

  it("is not there where it is dropped, and what was there stays", function()
    local path = folder:write("r.csv", "before")
    local list = assert(report.open(path))
    list:add({ id = "UR-1" }, "refused")
    list:drop()
    assert.are.same({ "r.csv" }, folder:list())
    assert.are.equal("before", folder:read "r.csv")
  end)

  it("says that it can't be written", function()
    local path = folder:path "none/r.csv"
    assert.are.same({ nil, path .. ".partial: No such file or directory" }, { report.open(path) })
    assert(os.execute("ln -s /dev/full " .. folder:path "full.csv.partial"))
    local list = assert(report.open(folder:path "full.csv"))
    assert.are.same({ nil, folder:path "full.csv" .. " can't be written: No space left on device" }, { list:finish() })
  end)
end)
