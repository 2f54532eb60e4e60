--- What subcommands print on stdout: records as CSV, as JSON Lines, as an aligned table, or field by field.
---
---     local printer = output.open { form = "csv", columns = { "id", "asset.id" } }
---     printer:add(record); printer:finish()
---
--- A printer notices that stdout can't be written, at a full disk or when `head` has gone.

local exitcodes = require "cloudblue.connect.command.exitcodes"

local output = {}

-- ==== Values as text =================================================================================================

local ESCAPES <const> = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function escaped(char) return ESCAPES[char] or ("\\u%04X"):format(char:byte()) end

local function jsonString(text) return '"' .. text:gsub('[%c"\\]', escaped) .. '"' end

-- The shortest text that is read as the same number.
local function numberText(number)
  if math.type(number) == "integer" then return ("%d"):format(number) end
  for digits = 15, 17 do
    local text = ("%%.%dg"):format(digits):format(number)
    if tonumber(text) == number then return text end
  end
  error("a number that JSON does not have", 0)
end

-- A list without entries can't be told from an object without members; these members of API objects are lists.
local LISTS <const> = { params = true }

local json

local function jsonObject(object)
  local keys = {}
  for key in pairs(object) do keys[#keys + 1] = key end
  table.sort(keys)
  for index, key in ipairs(keys) do
    keys[index] = jsonString(key) .. ":" .. json(object[key], LISTS[key])
  end
  return "{" .. table.concat(keys, ",") .. "}"
end

local function jsonList(list)
  local items = {}
  for index, item in ipairs(list) do items[index] = json(item) end
  return "[" .. table.concat(items, ",") .. "]"
end

function json(value, isList)
  local kind = type(value)
  if kind == "string" then return jsonString(value) end
  if kind == "number" then return numberText(value) end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "table" then return "null" end
  if isList or value[1] ~= nil then return jsonList(value) end
  return jsonObject(value)
end

--- The JSON text of a value, in one line. Keys are sorted, so that equal values have equal texts; numbers keep their
--- value. A table with an entry 1 is a list, any other one an object.
---@param value any strings, numbers, booleans, JSON null, and tables of these
---@return string text
function output.json(value) return json(value) end

--- A field of CSV (RFC 4180): quoted where it has to be.
---@param text string
---@return string
function output.csvField(text)
  if text:find('[",\r\n]') or text:find("^ ") or text:find(" $") then return '"' .. text:gsub('"', '""') .. '"' end
  return text
end

--- A line of CSV, with a line feed at its end.
---@param fields string[]
---@return string
function output.csvLine(fields)
  local line = {}
  for index, field in ipairs(fields) do line[index] = output.csvField(field) end
  return table.concat(line, ",") .. "\n"
end

--- A text as a terminal may show it: without characters that would steer it.
---@param text string
---@return string
function output.printable(text)
  return (text:gsub("[%c\127]", function(char) return ("\\x%02X"):format(char:byte()) end))
end

-- How many columns of a terminal it takes; characters of other widths than one are rare in what is shown here.
local function widthOf(text) return utf8.len(text) or #text end

-- The text of a member, reached by a path such as "item.id", empty for null; and whether there is such a member.
local function fieldOf(record, path)
  local value, last = record, nil
  for name in path:gmatch "[^.]+" do
    if type(value) ~= "table" then return "", false end
    value, last = value[name], name
  end
  if value == nil or type(value) == "userdata" then return "", value ~= nil end
  if type(value) == "string" then return value, true end
  return json(value, LISTS[last]), true
end

-- ==== Forms ==========================================================================================================

-- A form has record(printer, record), and may have begin(printer) and finish(printer). They write by printer:write.

local csv, jsonLines, aligned, fields = {}, {}, {}, {}

function csv.begin(printer) printer:write(output.csvLine(printer.columns)) end

function csv.record(printer, record) printer:write(output.csvLine(printer:fieldsOf(record))) end

function jsonLines.record(printer, record) printer:write(json(record) .. "\n") end

-- The widths of the table's columns are those of its first rows; what is wider later on stands out.
local MEASURED <const> = 200

local function writeRow(printer, row)
  local cells = {}
  for index, text in ipairs(row) do
    local isLast = index == #row
    cells[index] = isLast and text or text .. (" "):rep(printer.widths[index] - widthOf(text))
  end
  printer:write((table.concat(cells, "  "):gsub(" +$", "")) .. "\n")
end

local function writeMeasured(printer)
  for _, row in ipairs(printer.rows) do writeRow(printer, row) end
  printer.rows = nil
end

function aligned.begin(printer)
  printer.rows, printer.widths = {}, {}
  aligned.row(printer, printer.columns)
end

function aligned.row(printer, row)
  if not printer.rows then return writeRow(printer, row) end
  printer.rows[#printer.rows + 1] = row
  for index, text in ipairs(row) do printer.widths[index] = math.max(printer.widths[index] or 0, widthOf(text)) end
  if #printer.rows > MEASURED then writeMeasured(printer) end
end

function aligned.record(printer, record)
  local row = printer:fieldsOf(record)
  for index, text in ipairs(row) do row[index] = output.printable(text) end
  aligned.row(printer, row)
end

function aligned.finish(printer)
  if printer.rows then writeMeasured(printer) end
end

-- The paths of all that is in a record, sorted, `id` first.
local function pathsOf(record, prefix, paths)
  for key, value in pairs(record) do
    local path = prefix .. tostring(key)
    local isObject = type(value) == "table" and value[1] == nil and not LISTS[key] and next(value) ~= nil
    if isObject then pathsOf(value, path .. ".", paths) else paths[#paths + 1] = path end
  end
  return paths
end

function fields.record(printer, record)
  local paths, width = pathsOf(record, "", {}), 0
  table.sort(paths, function(one, other) return other ~= "id" and (one == "id" or one < other) end)
  for _, path in ipairs(paths) do width = math.max(width, #path) end
  if printer.count > 1 then printer:write "\n" end
  for _, path in ipairs(paths) do
    printer:write((("%-" .. width .. "s  %s"):format(path, output.printable((fieldOf(record, path)))):gsub(" +$", ""))
      .. "\n")
  end
end

local FORMS <const> = { csv = csv, json = jsonLines, table = aligned, fields = fields }

-- ==== A stream =======================================================================================================

-- Whoever read stdout has gone. On Linux, the BSDs and macOS.
local EPIPE <const> = 32

--- A file that remembers the first thing that went wrong.
---@class cloudblue.connect.command.Stream
local Stream = {}
Stream.__index = Stream

---@param file file*
---@return cloudblue.connect.command.Stream
function output.stream(file) return setmetatable({ file = file }, Stream) end

local function check(self, done, problem, code)
  if done or self.code then return end
  self.problem = code ~= EPIPE and "the output can't be written: " .. tostring(problem) or nil
  self.code = code == EPIPE and exitcodes.UNREAD or exitcodes.FAILED
end

---@param text string
---@return boolean isFine whether all that was written so far could be
function Stream:write(text)
  check(self, self.file:write(text))
  return not self.code
end

--- What has gone wrong so far.
---@return true|nil done
---@return string? problem beside nil, where it is worth a word: none where the reader has gone
---@return integer? code beside nil: the exit code
function Stream:result()
  if not self.code then return true end
  return nil, self.problem, self.code
end

--- Writes what is buffered. Returns as `result`.
function Stream:finish()
  check(self, self.file:flush())
  return self:result()
end

-- ==== A printer ======================================================================================================

---@class cloudblue.connect.command.Printer
---@field columns string[] paths of members, such as "item.id"
---@field count integer records so far
local Printer = {}
Printer.__index = Printer

--- Begins to print records.
---@param options {form: "csv"|"json"|"table"|"fields", columns: string[]?, file: file*?} columns of csv and table; the
--- file is stdout unless given
---@return cloudblue.connect.command.Printer
function output.open(options)
  local printer = setmetatable({
    form = FORMS[options.form], columns = options.columns or {}, stream = output.stream(options.file or io.stdout),
    count = 0, met = {},
  }, Printer)
  if printer.form.begin then printer.form.begin(printer) end
  return printer
end

function Printer:write(text) self.stream:write(text) end

function Printer:fieldsOf(record)
  local row = {}
  for index, path in ipairs(self.columns) do
    local text, isThere = fieldOf(record, path)
    row[index], self.met[path] = text, self.met[path] or isThere
  end
  return row
end

--- Prints a record.
---@param record table an API object
---@return true|nil done
---@return string? problem beside nil, where it is worth a word: none where the reader has gone
---@return integer? code beside nil: the exit code
function Printer:add(record)
  self.count = self.count + 1
  self.form.record(self, record)
  return self.stream:result()
end

--- Prints what is left. Returns as `add`.
function Printer:finish()
  if self.form.finish then self.form.finish(self) end
  return self.stream:finish()
end

--- The columns that no record has had; a misspelling, where there were records.
---@return string[] paths
function Printer:absent()
  local paths = {}
  for _, path in ipairs(self.columns) do
    if self.count > 0 and not self.met[path] then paths[#paths + 1] = path end
  end
  return paths
end

--- The form that suits stdout.
---@param given {json: boolean?, csv: boolean?} options of the command line
---@param onTerminal string the form on a terminal
---@param elsewhere string
---@return string form
function output.formFor(given, onTerminal, elsewhere)
  if given.json then return "json" end
  if given.csv then return "csv" end
  return require("term").isatty(io.stdout) and onTerminal or elsewhere
end

return output
