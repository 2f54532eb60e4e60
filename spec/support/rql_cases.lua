--- Filters of the JavaScript SDK and the queries they become; null and the empty text, which the SDK leaves out, too.
--
-- A query's top-level terms stand as a JSON reader that keeps the order of keys would write them. Lua tables have
-- no such order and the module writes keys sorted, so a case is compared term by term.

local NULL = require("cjson").null

return {
  {
    filter = { name = "eugene", age = 13 },
    query = "name=eugene&age=13",
  },
  {
    filter = { name = { ["$like"] = "vasya*", ["$ilike"] = "***New" } },
    query = "like(name,*vasya\\**)&ilike(name,*\\*\\*\\*New*)",
  },
  {
    filter = { age = { ["$out"] = { 1, 2 } }, num = { ["$in"] = { 3, 4, 5 } } },
    query = "out(age,(1,2))&in(num,(3,4,5))",
  },
  {
    filter = { age = { ["$range"] = { max = 5, min = 9 } } },
    query = "ge(age,9)&le(age,5)",
  },
  {
    filter = { name = { ["$eq"] = "vasya" }, age = { ["$gt"] = 1, ["$lt"] = 8 }, num = { ["$lte"] = 9, ["$gte"] = 4 } },
    query = "eq(name,vasya)&gt(age,1)&lt(age,8)&le(num,9)&ge(num,4)",
  },
  {
    filter = { name = { ["$not"] = { { ["$eq"] = "vasya" }, { ["$eq"] = "petya" } } } },
    query = "not(eq(name,vasya))&not(eq(name,petya))",
  },
  {
    filter = { age = { ["$not"] = { ["$eq"] = 10, ["$in"] = { 1, 2, 3 } } } },
    query = "not(eq(age,10))&not(in(age,(1,2,3)))",
  },
  {
    filter = { color = { ["$or"] = { { ["$eq"] = "red" }, { ["$eq"] = "blue" }, { ["$eq"] = "yellow" } } } },
    query = "(((eq(color,red))|(eq(color,blue)))|(eq(color,yellow)))",
  },
  {
    filter = { ["$or"] = { { product = "TV" }, { product = "Computer" } } },
    query = "((product=TV)|(product=Computer))",
  },
  {
    filter = {
      ["$and"] = {
        { ["$or"] = { { status = "new" }, { type = "program" } } },
        { ["$or"] = { { status = "done" }, { type = "service" } } },
      },
    },
    query = "(((status=new)|(type=program)))&(((status=done)|(type=service)))",
  },
  {
    filter = { limit = 100, offset = 0, ["$ordering"] = "-created" },
    query = "limit=100&offset=0&ordering(-created)",
  },
  {
    filter = { ["$ordering"] = {}, age = NULL, name = "", type = "pending" },
    query = "age=null()&name=empty()&type=pending",
  },
  {
    filter = { age = { ["$not"] = { ["$eq"] = NULL } } },
    query = "not(eq(age,null()))",
  },
  {
    filter = { ["$ordering"] = { "title", "-created" }, ["$select"] = { "-items", "contract" } },
    query = "ordering(title,-created)&select(-items,contract)",
  },
  {
    filter = {
      status = "approved",
      ["asset.external_uid"] = "7f4f2b8e-4e9e-4a3f-8a8b-6a4f8a0b1c2d",
      ["usagefile.schema"] = "qt",
    },
    query = "status=approved&asset.external_uid=7f4f2b8e-4e9e-4a3f-8a8b-6a4f8a0b1c2d&usagefile.schema=qt",
  },
  {
    filter = { id = { ["$in"] = { "UR-1", "UR-2" } }, closed_at = { ["$eq"] = "null()" } },
    query = "in(id,(UR-1,UR-2))&eq(closed_at,null())",
  },
  {
    filter = { name = "two words", note = { ["$like"] = "with \"quotes\"" } },
    query = "name=\"two words\"&like(note,'*with \"quotes\"*')",
  },
  {
    filter = { active = true, flag = false },
    query = "active=true&flag=false",
  },
}
