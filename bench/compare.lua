-- compare.lua ROW... : runs the programs of a row (bench/rows/ROW.lua) in turn and prints medians and ratios.
--
-- A row is a table:
--   title     what is measured
--   unit      the name of one of the things that are counted
--   count     how many of them one run does
--   requests  how many of them one request does (1 where it is absent, 0 where none is sent)
--   few, many numbers of things; the counts of valgrind are the difference of a run with each
--   programs  list of { name=, command=, available=nil|function, without=, instrument=true, count= }; the first is the
--             limit that the others are compared with. A command is followed by the endpoint and the count.
--             `instrument` has valgrind count what it does; `without` says why one may not be available; `count` is
--             how many things this one does, where that is not the row's; `endpoint` the server's field that has its
--             endpoint ("endpoint"); `requests` as the row's; `more` says that it may send more than it has to.
--   limits    list of { name, "<=", ratio } (against the first program, or `of` another) or { name, "<", other name };
--             `what = "time"` compares the time that passes instead of processor time; `slices = true` what was
--             measured in slices
--   slices    { names=, count=, rounds= }: these programs also work in turn, so many things at a time, and so often
--             (slices.c); their commands take "-" for the count
--   connections  how many connections the program `name` may open in a run: { name, number }
--   alike     names of programs that have to send the same bytes but for the order of headers, with the reply they
--             get: { names=, reply= }
--   said      function(texts, results) that prints what is in the programs' own output (name → that of the last round)
--             or in the results (name → { kib = largest resident size }), and returns, for a limit on it, whether it
--             was reached and the sentence for it

local capture = require "bench.capture"
local server = require "bench.server"

local BUILD = os.getenv("BUILD") or "build"
local ROUNDS = tonumber(os.getenv("ROUNDS")) or 7

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local middle = #sorted // 2
  return #sorted % 2 == 1 and sorted[middle + 1] or (sorted[middle] + sorted[middle + 1]) / 2
end

-- Output of a command that has to succeed.
local function output(command)
  local pipe <close> = assert(io.popen(command .. " 2>&1"))
  local text = pipe:read("a")
  if not pipe:close() then error(("this failed: %s\n%s"):format(command, text), 0) end
  return text
end

-- How many requests it takes to do `count` of a row's things, by a program if it is one that does otherwise.
local function requestsOf(row, count, program)
  local each = program and program.requests or row.requests or 1
  return each == 0 and 0 or count // each
end

-- One run: processor time and time in microseconds for each of the things done, connections opened, memory.
local function run(row, program, nginx)
  local count = program.count or row.count
  local before = nginx:counters()
  local endpoint = nginx[program.endpoint or "endpoint"]
  local text = output(("%s/bench/cpu %s %s %d"):format(BUILD, program.command, endpoint, count))
  local after = nginx:counters()
  local said, user, system, kib, elapsed = text:match("^(.-)(%d+) (%d+) (%d+) (%d+)%s*$")
  -- The second reading of the counters is itself one request on one connection.
  local sent = after.requests - before.requests - 1
  local wanted = requestsOf(row, count, program)
  assert(sent == wanted or program.more and sent > wanted,
    ("%s did not send what it should have: %d"):format(program.name, sent))
  return {
    cpu = (user + system) / count,
    time = elapsed / count,
    kib = tonumber(kib),
    connections = after.connections - before.connections - 1,
    said = said,
  }
end

-- What valgrind counts of a program, for each of the things done: the difference of two runs, so that starting up is
-- left out. `tool` is its tool with options, `pattern` finds the number in its report.
local function counted(row, program, nginx, tool, pattern)
  local function total(count)
    local log = BUILD .. "/bench/valgrind.log"
    output(("valgrind --tool=%s --log-file=%s %s %s %d")
      :format(tool, log, program.command, nginx.loggedEndpoint, count))
    local file <close> = assert(io.open(log))
    local number = file:read("a"):match(pattern):gsub(",", "")
    return tonumber(number)
  end
  local few, many = row.few or 200, row.many or 1200
  return (total(many) - total(few)) / (many - few)
end

-- The counts that do not drift: instructions in user space, allocations, bytes of a request.
local function instrument(row, program, nginx)
  return {
    instructions = counted(row, program, nginx, "callgrind --callgrind-out-file=/dev/null", "Collected : (%d+)"),
    allocations = counted(row, program, nginx, "memcheck --leak-check=no --undef-value-errors=no",
      "total heap usage: ([%d,]+) allocs"),
    bytes = requestsOf(row, row.count) > 0 and nginx:bytes() or nil,
  }
end

local function available(program)
  if not program.available or program.available() then return true end
  print(("  %s is left out: %s"):format(program.name, program.without))
  return false
end

-- All rounds of a row: name → { cpu=median, connections=largest, runs=, said=, counts= }.
local function measure(row, programs, nginx)
  local runs, result = {}, {}
  for _, program in ipairs(programs) do runs[program.name] = {} end
  for round = 1, ROUNDS do
    io.stderr:write(("  round %d of %d\n"):format(round, ROUNDS))
    for _, program in ipairs(programs) do
      table.insert(runs[program.name], run(row, program, nginx))
    end
  end
  for _, program in ipairs(programs) do
    local r = { cpu = {}, time = {}, connections = 0, kib = 0 }
    for i, one in ipairs(runs[program.name]) do
      r.cpu[i], r.time[i], r.said = one.cpu, one.time, one.said
      r.connections = math.max(r.connections, one.connections)
      r.kib = math.max(r.kib, one.kib)
    end
    result[program.name] = r
    if program.instrument then result[program.name].counts = instrument(row, program, nginx) end
  end
  return result
end

-- The commands of the programs with these names.
local function commandsOf(programs, names)
  local commands = {}
  for _, name in ipairs(names) do
    for _, program in ipairs(programs) do
      if program.name == name then table.insert(commands, program.command) end
    end
  end
  return commands
end

-- Has the programs of row.slices work in turn. Prints what one thing takes, and its ratios to what the first takes.
local function measureSlices(row, programs, nginx, result)
  local commands = commandsOf(programs, row.slices.names)
  for i, command in ipairs(commands) do commands[i] = ("'%s %s -'"):format(command, nginx.endpoint) end
  local text = output(("%s/bench/slices %d %d %s"):format(BUILD, row.slices.rounds, row.slices.count,
    table.concat(commands, " ")))
  print(("  in %d slices of %d, in turn, without the start:"):format(row.slices.rounds, row.slices.count))
  local line = "  %-26s %8.2f %8.3f %8.1f %8.3f"
  print(("  %-26s %8s %8s %8s %8s"):format("", "cpu µs ", "ratio", "time µs ", "ratio"))
  local place = 0
  for cpu, ofCpu, time, ofTime in text:gmatch "([%d.]+) ([%d.]+) ([%d.]+) ([%d.]+)\n" do
    place = place + 1
    local name = row.slices.names[place]
    result[name].slices = { cpu = tonumber(ofCpu), time = tonumber(ofTime) }
    print(line:format(name, cpu, ofCpu, time, ofTime))
  end
end

-- The ratio of two programs is the median of the ratios of their rounds, so that a machine that slows down in
-- the middle slows both sides of each ratio. `what`: "cpu" or "time".
local function ratio(result, name, base, what)
  local ratios = {}
  for i, value in ipairs(result[name][what]) do ratios[i] = value / result[base][what][i] end
  return median(ratios)
end

local function report(row, programs, result)
  local base = programs[1].name
  local line = "  %-26s %8s %8s %8s %12s %13s %8s %12s %14s"
  print(line:format("", "cpu µs ", "ratio", "time µs ", "connections", "instructions", "ratio", "allocations",
    "request bytes"))
  local function number(format, value) return value and format:format(value) or "-" end
  local base_counts = result[base].counts
  for _, program in ipairs(programs) do
    local r = result[program.name]
    local counts = r.counts or {}
    local more = counts.instructions and base_counts and counts.instructions / base_counts.instructions
    print(line:format(program.name, number("%.2f", median(r.cpu)),
      number("%.3f", ratio(result, program.name, base, "cpu")), number("%.1f", median(r.time)), r.connections,
      number("%.0f", counts.instructions), number("%.3f", more), number("%.1f", counts.allocations),
      number("%d", counts.bytes)))
  end
  print(("  (for one %s; processor time is user and system; connections for a whole run)"):format(row.unit))
end

local function verdict(reached, text)
  print(("  %-8s %s"):format(reached and "reached" or "missed", text))
  return reached
end

-- A request with its headers in order of their names: RFC 9110 (5.3) lets them come in any.
local function sorted(request)
  local first, head, body = request:match("^([^\n]*\n)(.-\r\n)\r\n(.*)$")
  local lines = {}
  for line in head:gmatch("[^\n]*\n") do table.insert(lines, line) end
  table.sort(lines)
  return first .. table.concat(lines) .. "\r\n" .. body
end

-- Whether programs send the same bytes: what is compared is then the same work for the network.
local function judgeRequests(row, programs)
  local requests = capture.requests(commandsOf(programs, row.alike.names), row.requests or 1, row.alike.reply)
  local same = true
  for i = 2, #requests do same = same and sorted(requests[i]) == sorted(requests[1]) end
  return verdict(same, ("%s: the same %d bytes of a request, headers in any order"):format(
    table.concat(row.alike.names, ", "), #requests[1]))
end

-- One limit of a row.
local function judgeTime(row, result, limit)
  local name, relation, value = table.unpack(limit)
  local base = limit.of or relation == "<=" and row.programs[1].name or value
  if not (result[name] and result[base]) then return true end
  local what = limit.what or "cpu"
  local r = limit.slices and result[name].slices[what] or ratio(result, name, base, what)
  local of = ("%s: %.3f of %s%s%s, "):format(name, r, what == "time" and "the time of " or "", base,
    limit.slices and " in slices" or "")
  if relation == "<=" then return verdict(r <= value, of .. ("at most %.3f"):format(value)) end
  return verdict(r < 1, of .. "below 1")
end

-- Says of each limit whether it was reached; true when all were.
local function judge(row, programs, result)
  local all = true
  for _, limit in ipairs(row.limits) do
    all = judgeTime(row, result, limit) and all
  end
  if row.connections then
    local name, most = table.unpack(row.connections)
    local opened = result[name].connections
    local text = ("%s: %d connection(s) for a whole run, at most %d"):format(name, opened, most)
    all = verdict(opened <= most, text) and all
  end
  if row.said then
    local texts = {}
    for name, r in pairs(result) do texts[name] = r.said end
    all = verdict(row.said(texts, result)) and all
  end
  return (not row.alike or judgeRequests(row, programs)) and all
end

local function compare(name, nginx)
  local row = require("bench.rows." .. name)
  row.count = tonumber(os.getenv("COUNT")) or row.count
  print(("%s (%d rounds of %d)"):format(row.title, ROUNDS, row.count))
  local programs = {}
  for _, program in ipairs(row.programs) do
    if available(program) then table.insert(programs, program) end
  end
  local result = measure(row, programs, nginx)
  report(row, programs, result)
  if row.slices then measureSlices(row, programs, nginx, result) end
  return judge(row, programs, result)
end

local nginx = server.start(BUILD .. "/bench/nginx")
local all = true
for _, name in ipairs(arg) do all = compare(name, nginx) and all end
os.exit(all, true)
