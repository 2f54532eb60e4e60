local billing = require "cloudblue.connect.command.billing"
local folders = require "spec.support.folder"
local input = require "cloudblue.connect.command.input"

local function listOf(nextEntry)
  local list = {}
  for entry in nextEntry do
    list[#list + 1] = ("%s %s %s"):format(entry.id, entry.external_billing_id, entry.external_billing_note)
  end
  return list
end

describe("an input", function()
  local folder

  before_each(function() folder = folders.make() end)
  after_each(function() folder:stop() end)

  it("is read twice: to be checked, and to be sent", function()
    local file <close> = assert(input.open(folder:write("a.csv", "id,external_billing_id\nUR-1,B-1\nUR-2,B-2\n")))
    assert.are.equal(2, file:check().entries)
    assert.are.same({ "UR-1 B-1 nil", "UR-2 B-2 nil" }, listOf(file:entries()))
    assert.are.same({ "UR-1 B-1 nil", "UR-2 B-2 nil" }, listOf(file:entries()))
  end)

  it("is sent without repetitions, with the numbers of the input", function()
    local file <close> = assert(input.open(folder:write("a.csv", "id\nUR-1\nUR-1\nUR-2\n")))
    assert(file:check(billing.rules { template = billing.template "R-{seq}", note = "n" }))
    assert.are.same({ "UR-1 R-1 n", "UR-2 R-3 n" }, listOf(file:entries()))
  end)

  it("is the same list however many blocks it has", function()
    local rows = { "id,external_billing_id" }
    for number = 1, 3000 do rows[number + 1] = ("UR-%d,B-%d"):format(number, number) end
    local file <close> = assert(input.open(folder:write("a.csv", table.concat(rows, "\n"))))
    assert.are.equal(3000, file:check().entries)
    local list = listOf(file:entries())
    assert.are.same({ 3000, "UR-1 B-1 nil", "UR-1001 B-1001 nil", "UR-3000 B-3000 nil" },
      { #list, list[1], list[1001], list[3000] })
  end)

  it("has the format of its name's ending, else that of its beginning, unless it is said", function()
    local csv, jsonl = "id,external_billing_id\nUR-1,B-1\n", '{"id":"UR-1","external_billing_id":"B-1"}\n'
    for name, text in pairs {
      ["a.csv"] = csv, ["a.CSV"] = csv, ["a.jsonl"] = jsonl, ["a.ndjson"] = jsonl, ["a.txt"] = csv, ["b.txt"] = jsonl,
      ["c.txt"] = "\xEF\xBB\xBF\n " .. jsonl,
    } do
      local file <close> = assert(input.open(folder:write(name, text)))
      assert(file:check())
      assert.are.same({ name, { "UR-1 B-1 nil" } }, { name, listOf(file:entries()) })
    end
    local file <close> = assert(input.open(folder:write("d.csv", jsonl), "jsonl"))
    assert.are.equal(1, assert(file:check()).entries)
  end)

  it("names itself, the line and the column in what is wrong with it", function()
    local path = folder:write("a.csv", "id,external_billing_id\nUR-1,B-1\nUR-2,\"B\n")
    local file <close> = assert(input.open(path))
    assert.are.same({ nil, path .. ", line 3, column 6: the quote that begins here is not closed" }, { file:check() })
  end)

  it("is not there", function()
    local path = folder:path "none.csv"
    assert.are.same({ nil, path .. ": No such file or directory" }, { input.open(path) })
  end)

  it("may be a pipe, which is kept until it is sent", function()
    local path = folder:path "pipe"
    assert(os.execute("mkfifo " .. path .. " && { printf 'id,external_billing_id\\nUR-1,B-1\\n' >" .. path .. " & }"))
    local file <close> = assert(input.open(path))
    assert.are.equal(1, assert(file:check()).entries)
    assert.are.same({ "UR-1 B-1 nil" }, listOf(file:entries()))
  end)

  describe("that changes after it was checked", function()
    local function rows(count, change)
      local list = { "id,external_billing_id" }
      for number = 1, count do list[number + 1] = ("UR-%04d,B-%04d"):format(number, number) end
      if change then list[change + 1] = "UR-9999,B-9999" end
      return table.concat(list, "\n") .. "\n"
    end

    for what, text in pairs {
      ["in an entry"] = rows(2500, 1700), ["by fewer entries"] = rows(1999), ["by more entries"] = rows(2501),
      ["into something else"] = rows(1500) .. '"',
    } do
      it(what .. " is refused before anything of the change is sent", function()
        local path = folder:write("a.csv", rows(2500))
        local file <close> = assert(input.open(path))
        assert(file:check())
        folder:write("a.csv", text)
        local sent, nextEntry = 0, file:entries()
        local _, problem = pcall(function()
          for entry in nextEntry do
            sent = sent + 1
            assert.are.equal(("UR-%04d"):format(sent), entry.id)
          end
        end)
        assert.are.same({ changed = path .. " has changed since it was checked" }, problem)
        assert.are.same({ false, problem }, { pcall(nextEntry) })
        assert.is_true(sent <= 2000 and sent % 1000 == 0, sent)
      end)
    end
  end)
end)
