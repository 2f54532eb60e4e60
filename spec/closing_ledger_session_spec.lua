-- A connection to a database, here to one of SQLite in memory.

local session = require "cloudblue.connect.closing.ledger.session"
local sqlite3 = require "luasql.sqlite3"

describe("a session", function()
  local s, environment

  before_each(function()
    environment = sqlite3.sqlite3()
    s = setmetatable({
      name = "run.db", connection = environment:connect(":memory:"), begin = "BEGIN IMMEDIATE", look = "BEGIN",
    }, session.Session)
    s:run("CREATE TABLE t (a INTEGER, b TEXT)")
  end)

  after_each(function()
    s.connection:close()
    environment:close()
  end)

  local function rows()
    local list = {}
    for a, b in s:rows("SELECT a, b FROM t ORDER BY a") do list[#list + 1] = a .. (b or "-") end
    return list
  end

  it("returns the rows of a query, and the first", function()
    assert.equal(3, s:run("INSERT INTO t VALUES (1, 'x'), (2, NULL), (3, 'z')"))
    assert.same({ "1x", "2-", "3z" }, rows())
    assert.same({ 3, "z", n = 2 }, table.pack(s:first("SELECT a, b FROM t ORDER BY a DESC")))
    assert.is_nil(s:first("SELECT a FROM t WHERE a > 3"))
    -- Rows that nobody wants leave no query open, else the table could not be dropped.
    assert.equal(0, s:run("SELECT a FROM t"))
    s:run("DROP TABLE t")
  end)

  it("raises a failure that has what the database says", function()
    for _, method in ipairs { "run", "rows", "first" } do
      local done, problem = pcall(s[method], s, "SELECT a FROM nowhere")
      assert.is_false(done)
      assert.equal("ledger", problem.kind)
      assert.equal("ledger run.db: no such table: nowhere", tostring(problem))
    end
    -- What goes wrong at a row, too.
    s:run("INSERT INTO t VALUES (1, 'x')")
    for _, method in ipairs { "run", "first" } do
      local done, problem = pcall(s[method], s, "SELECT abs(-9223372036854775807 - a) FROM t")
      assert.is_false(done)
      assert.equal("ledger run.db: integer overflow", tostring(problem))
    end
  end)

  it("writes all of a transaction", function()
    assert.same({ "a", nil, "c", n = 3 }, table.pack(s:transaction(function(one, ...)
      s:run("INSERT INTO t VALUES (1, 'x')")
      return one, ...
    end, "a", nil, "c")))
    assert.same({ "1x" }, rows())
  end)

  it("writes nothing of one that fails, whatever failed", function()
    for _, fail in ipairs {
      function() error("a bug", 0) end,
      function() s:run("INSERT INTO nowhere VALUES (1)") end,
      function() s.connection:execute("ROLLBACK") end,
    } do
      assert.is_false(pcall(s.transaction, s, function()
        s:run("INSERT INTO t VALUES (1, 'x')")
        fail()
      end))
      assert.same({}, rows())
    end
  end)

  it("sees one moment in a snapshot, and raises what its function raises", function()
    assert.same({ 1, nil, n = 2 }, table.pack(s:snapshot(function(one)
      assert.is_nil(s.connection:execute("BEGIN"))
      return one, nil
    end, 1)))
    local done, problem = pcall(s.snapshot, s, error, "a bug")
    assert.is_false(done)
    assert.equal("a bug", problem)
    -- Neither is open any more.
    s:run("BEGIN")
  end)
end)

describe("what a driver says", function()
  it("is put into one line, without its name", function()
    assert.equal("a b c", session.problem("LuaSQL: a\n\tb c\n"))
  end)
end)
