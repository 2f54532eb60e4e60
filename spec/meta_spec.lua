-- meta.lua is the reference and what editors read; nothing loads it at run time. This compares it with the module:
-- what is public is declared, and what is declared is there.

local connect = require "cloudblue.connect"
local core = require "cloudblue.connect.core"
local sandbox = require "cloudblue.connect.sandbox"
local service = require "spec.support.service"

local META = "lua/cloudblue/connect/meta.lua"
local PREFIX = "cloudblue.connect."

-- What the annotations above a function say: a set of the parameters' names, and how many returns there are.
local function readDoc(lines, last)
  local doc = { params = {}, returns = 0, words = false }
  for i = last, 1, -1 do
    local text = lines[i]:match("^%s*%-%-%-(.*)$")
    if not text then break end
    local param = text:match("^@param ([%w_]+)%??%s")
    if param then doc.params[param] = true end
    if text:find("^@return ") then doc.returns = doc.returns + 1 end
    if not text:find("^@") and text ~= "" then doc.words = true end
  end
  return doc
end

local function readLines(path)
  local lines = {}
  for line in io.lines(path) do table.insert(lines, line) end
  return lines
end

-- Classes by their short name: { parent=, fields = set, functions = name → { params = {...}, colon=, doc= } }.
local function readMeta()
  local classes, byLocal, current = {}, {}, nil
  local lines = readLines(META)
  for number, line in ipairs(lines) do
    local class, parent = line:match("^%-%-%-@class ([%w_.]+):? ?([%w_.]*)")
    if class then
      current = { parent = parent ~= "" and parent:sub(#PREFIX + 1) or nil, fields = {}, functions = {} }
      classes[class == "cloudblue.connect" and "module" or class:sub(#PREFIX + 1)] = current
    end
    local field = line:match("^%-%-%-@field ([%w_]+)")
    if field then current.fields[field] = true end
    local variable = line:match("^local ([%w_]+) = {}")
    if variable then byLocal[variable] = current end
    local owner, separator, name, params = line:match("^function ([%w_]+)([.:])([%w_]+)%(([%w_, ]*)%) end$")
    if owner then
      local list = {}
      for param in params:gmatch("[%w_]+") do table.insert(list, param) end
      local theirs = assert(byLocal[owner], owner)
      theirs.functions[name] = { params = list, colon = separator == ":", doc = readDoc(lines, number - 1) }
    end
  end
  return classes
end

local meta = readMeta()

local function names(set)
  local list = {}
  for name in pairs(set) do table.insert(list, name) end
  table.sort(list)
  return list
end

-- The names of the functions that a class declares, with those of the class it extends.
local function declared(class)
  local all = {}
  while class do
    for name in pairs(meta[class].functions) do all[name] = true end
    class = meta[class].parent
  end
  return names(all)
end

-- The fields likewise.
local function declaredFields(class)
  local all = {}
  while class do
    for name in pairs(meta[class].fields) do all[name] = true end
    class = meta[class].parent
  end
  return all
end

-- The functions in a table.
local function functions(methods)
  local list = {}
  for name, value in pairs(methods) do
    if type(value) == "function" then list[name] = true end
  end
  return names(list)
end

-- The table of methods of a userdata: the upvalue of its metatable's __index.
local function methodsOf(object)
  local _, methods = debug.getupvalue(debug.getmetatable(object).__index, 1)
  return methods
end

-- The property of a client that has a resource of the class.
local function propertyOf(class)
  return class:gsub("^%u", string.lower):gsub("Resource$", "s")
end

describe("meta.lua", function()
  local client

  before_each(function() client = connect.ConnectClient("http://127.0.0.1:1", "ApiKey SU-1:x") end)
  after_each(function() client:close() end)

  it("is a Lua file that does nothing", function()
    assert.is_table(assert(loadfile(META, "t", {}))())
  end)

  it("declares the functions and the values of the module", function()
    assert.same(functions(connect), declared("module"))
    local values = {}
    for name, value in pairs(connect) do
      if type(value) ~= "function" then values[name] = true end
    end
    assert.same(values, meta.module.fields)
  end)

  it("declares the methods of a client", function()
    assert.same(functions(methodsOf(client)), declared("ConnectClient"))
  end)

  it("declares what a client has of its own", function()
    local fields = { endpoint = true }
    for class in pairs(core.methods) do
      if class ~= "GenericResource" then fields[propertyOf(class)] = true end
    end
    assert.same(fields, meta.ConnectClient.fields)
    for name in pairs(fields) do assert.is_not_nil(client[name], name) end
  end)

  for class in pairs(core.methods) do
    it("declares the methods of " .. class, function()
      assert.is_not_nil(meta[class], "there is no such class")
      assert.same(functions(core.methods[class]), declared(class))
    end)
  end

  it("declares the methods and fields of a chunk", function()
    local s <close> = service.answering { service.closed("UR-1") }
    local chunk = assert(s.records:close("UR-1", "B-1"))
    assert.same(functions(methodsOf(chunk)), declared("UsageChunk"))
    for _, name in ipairs { "data", "raw", "confirmed" } do assert.is_true(meta.UsageChunk.fields[name], name) end
    assert.is_not_nil(chunk.data)
    assert.is_not_nil(chunk.raw)
  end)

  it("declares the methods of a field of connect.R", function()
    local index, methods = debug.getmetatable(connect.R.status).__index, nil
    for i = 1, debug.getinfo(index, "u").nups do
      local name, value = debug.getupvalue(index, i)
      if name == "methods" then methods = value end
    end
    assert.same(functions(assert(methods)), declared("Field"))
  end)

  it("declares the fields of a failure", function()
    local s <close> = service.answering {
      service.reply(429, '{"error_code":"E","errors":["x"]}', { ["Retry-After"] = "7" }),
    }
    local _, failure = s.records:get("UR-1")
    local found = {}
    for name in pairs(failure) do found[name] = true end
    local t <close> = service.answering({ service.reply(500, ""),
      service.reply(404, '{"error_code":"E","errors":["x"]}') }, { retries = 1 })
    local confirmation = select(2, t.records:close("UR-1", "B-1")).confirmation
    found.confirmation = true
    assert.same(names(found), names(meta.Failure.fields))
    assert.same(names(confirmation), names(meta.Confirmation.fields))
  end)

  it("declares what a hook is told", function()
    local s <close> = service.answering { service.reply(200, "{}") }
    local request, response, broken
    s.client:addBeforeRequestHook(function(told) request = told end)
    s.client:addAfterResponseHook(function(told) response = told end)
    s.client:request("POST", "/x", { body = { a = 1 } })
    client:addAfterResponseHook(function(told) broken = told end)
    client:request("GET", "/x", { retries = 0 })
    assert.same(names(request), names(meta.HookRequest.fields))
    for name in pairs(broken) do response[name] = true end
    assert.same(names(response), names(meta.HookResponse.fields))
  end)

  it("declares what a reply says", function()
    local s <close> = service.answering { service.reply(200, "[]") }
    local _, reply = s.records:search()
    assert.same(names(reply), names(meta.Reply.fields))
  end)

  -- What takes options, and the class that declares them.
  local takers = {
    ClientOptions = function(options) connect.ConnectClient("http://127.0.0.1:1", "key", options) end,
    ClientSettings = function(options) connect.ConnectClient(options) end,
    RequestOptions = function(options) client:request("GET", "/x", options) end,
    TransferOptions = function(options) client.usageChunks:download("U", nil, options) end,
    NamedSource = function(source) client.usageFiles:upload("U", source) end,
  }

  for class, take in pairs(takers) do
    it("declares, as " .. class .. ", options that are known", function()
      for name in pairs(declaredFields(class)) do
        local message = service.misuse(function() take { [name] = io.stdout } end)
        assert.is_nil(message:find("unknown option", 1, true), message)
      end
      assert.truthy(service.misuse(function() take { nothing = 1 } end):find("unknown option 'nothing'", 1, true))
    end)
  end

  -- The module does not list the options that it takes, so they are read from the tables in the C code.
  it("declares every option", function()
    local known, all = {}, {}
    local pipe <close> = assert(io.popen("cat src/binding/*.[ch]"))
    for name in pipe:read("a"):gmatch('{[%s\\]*"(%w+)", +CBL_%u+,') do known[name] = true end
    for class in pairs(takers) do
      for name in pairs(declaredFields(class)) do all[name] = true end
    end
    assert.same(names(known), names(all))
  end)

  -- Methods that return nothing.
  local silent = {
    close = true, attach = true, detach = true, step = true, addBeforeRequestHook = true, addAfterResponseHook = true,
  }

  for class, each in pairs(meta) do
    for name, declaration in pairs(each.functions) do
      it(("describes %s.%s, its parameters and what it returns"):format(class, name), function()
        local params, doc = {}, declaration.doc
        for _, param in ipairs(declaration.params) do params[param] = true end
        assert.is_true(doc.words, "it has no description")
        assert.same(params, doc.params)
        assert.equal(not (class == "ConnectClient" and silent[name]), doc.returns > 0)
      end)
    end
  end

  it("writes methods with a colon", function()
    for class, each in pairs(meta) do
      for name, declaration in pairs(each.functions) do
        assert.equal(class ~= "module", declaration.colon, class .. "." .. name)
      end
    end
  end)
end)

describe("the sandbox's functions", function()
  it("are described where they stand", function()
    local lines, described = readLines("lua/cloudblue/connect/sandbox.lua"), {}
    for number, line in ipairs(lines) do
      local name = line:match("^function %a+[.:]([%w_]+)%(")
      if name and readDoc(lines, number - 1).words then described[name] = true end
    end
    local running <close> = assert(sandbox.start { records = 1 })
    for _, name in ipairs(functions(sandbox)) do assert.is_true(described[name], name) end
    for _, name in ipairs(functions(getmetatable(running).__index)) do
      if not name:find("^__") then assert.is_true(described[name], name) end
    end
  end)
end)
