--- What lists have in common on the command line: options, and printing every match as it comes.

local connection = require "cloudblue.connect.command.connection"
local exitcodes = require "cloudblue.connect.command.exitcodes"
local options = require "cloudblue.connect.command.options"
local output = require "cloudblue.connect.command.output"

local listing = {}

---@class cloudblue.connect.command.List
---@field collection "records"|"chunks"
---@field property string of the client: its resource
---@field csv string[] columns elsewhere than on a terminal
---@field table string[] columns on a terminal; they fit 80 of its columns

-- The service sends no more entries than this at once.
local PAGE <const> = 1000

-- Times that --complete reads a list. In an order that is quite random a reading misses a third of what is still to be
-- met, so this is enough for a million.
local READINGS <const> = 30

--- Adds the options of a list. Those of the connection are the caller's to add.
---@param parser table an argparse command
function listing.describe(parser)
  local list = {
    parser:option("--where", "Only those that match, in RQL (default: all)."):argname "FILTER",
    options.add(parser, "--limit", "At most so many (default: all).", "COUNT", "count"),
    parser:flag("--complete", "Read the list until each was met; print each once."),
    parser:option("--order", "Sort by a field, or by several: -created_time,status."):argname "FIELDS",
    parser:option("--columns", "What to print: id,item.name,asset.id."):argname "FIELDS",
    parser:flag("--csv", "Print CSV (default, unless on a terminal)."),
    parser:flag("--json", "Print each as a whole, one JSON object a line."),
  }
  parser:mutex(list[2], list[3])
  parser:mutex(list[6], list[7])
  list[#list + 1] = parser:flag("--any-filter", "Send filters that the API does not describe, too."):target "anyFilter"
  parser:group("Options", table.unpack(list))
end

local function columnsOf(given, form, defaults)
  local text = given.columns
  if not text then return form == "table" and defaults.table or defaults.csv end
  local columns = {}
  for name in (text .. ","):gmatch "%s*(.-)%s*," do
    if not name:find "^[%w_]+[%w_.]*$" then return nil, ("--columns: '%s' is no field"):format(name) end
    columns[#columns + 1] = name
  end
  return columns
end

-- The question to the service, checked; nil and what is wrong with it.
local function questionOf(given, collection)
  local filters = require "cloudblue.connect.command.filters"
  local where, order, problem = "", nil, nil
  if given.where then where, problem = filters.check(collection, given.where, given.anyFilter) end
  if where and given.order then order, problem = filters.readOrder(collection, given.order) end
  if problem then return nil, problem end
  return { where = where, order = order, most = given.limit or math.huge }
end

-- Prints what matches. Returns as a printer's `add`, or raises the failure of the list.
local function printAll(printer, resource, question)
  local paging = { limit = math.min(PAGE, math.max(question.most, 1)), ordering = question.order }
  if question.most > 0 then
    for entry in resource:all(question.where, paging) do
      local done, problem, code = printer:add(entry)
      if not done then return nil, problem, code end
      if printer.count >= question.most then break end
    end
  end
  return printer:finish()
end

-- Prints each match once, however the service orders them: reads the list until as many were met as there are.
local function printEach(printer, resource, question)
  local met, total = {}, nil
  for _ = 1, READINGS do
    for entry in resource:all(question.where, { limit = PAGE, ordering = question.order }) do
      if not met[entry.id] then
        met[entry.id] = true
        local done, problem, code = printer:add(entry)
        if not done then return nil, problem, code end
      end
    end
    local failure
    total, failure = resource:count(question.where)
    if failure then error(failure, 0) end
    if printer.count >= total then return printer:finish() end
  end
  printer:finish()
  return nil, ("of %d %d were met; the list does not hold still"):format(total, printer.count), exitcodes.STOPPED
end

-- What there is to say beside the list.
local function comment(printer, given, question, collection)
  local function say(text, ...) io.stderr:write("connect-usage: ", text:format(...), "\n") end
  for _, column in ipairs(given.columns and printer:absent() or {}) do say("no entry has a field '%s'", column) end
  if printer.count > PAGE and question.most > PAGE and not given.complete then
    say("the service has no order in which each of its %s has one place, so a list of more than %d may lack some and "
      .. "repeat others; --complete finds all", collection, PAGE)
  end
end

--- Prints a list.
---@param given table what argparse returned
---@param list cloudblue.connect.command.List
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function listing.run(given, list)
  local form = output.formFor(given, "table", "csv")
  if given.columns and given.json then return nil, "--columns and --json exclude each other", exitcodes.MISUSED end
  local columns, wrong = columnsOf(given, form, list)
  if not columns then return nil, wrong, exitcodes.MISUSED end
  local question
  question, wrong = questionOf(given, list.collection)
  if not question then return nil, wrong, exitcodes.MISUSED end
  local client <close>, problem, code = connection.open(given)
  if not client then return nil, problem, code end
  local printer = output.open { form = form, columns = columns }
  local ran, done
  ran, done, problem, code = pcall(given.complete and printEach or printAll, printer, client[list.property], question)
  if not ran then
    if type(done) == "string" then error(done, 0) end
    printer:finish()
    return nil, tostring(done), exitcodes.ofFailure(done)
  end
  comment(printer, given, question, list.collection)
  if not done then return nil, problem, code end
  return exitcodes.DONE
end

return listing
