--- What the subcommands that show single objects have in common.

local connection = require "cloudblue.connect.command.connection"
local exitcodes = require "cloudblue.connect.command.exitcodes"
local output = require "cloudblue.connect.command.output"

local showing = {}

-- A chunk is an object of its own; the table in it is what the service sent.
local function tableOf(object) return type(object) == "userdata" and object.data or object end

-- What ends it: the next call would go the same way.
local ENDS <const> = { [exitcodes.DENIED] = true, [exitcodes.STOPPED] = true }

local function complain(problem) io.stderr:write("connect-usage: ", problem, "\n") end

-- Reads and prints one. Returns the exit code, and whether that ends it.
local function show(printer, resource, id)
  local object, failure = resource:get(id)
  if not object then
    complain(tostring(failure))
    local code = exitcodes.ofFailure(failure)
    return code, ENDS[code]
  end
  local done, problem, code = printer:add(tableOf(object))
  if done then return exitcodes.DONE end
  if problem then complain(problem) end
  return code, true
end

--- Prints objects, field by field or as JSON Lines. What can't be had is reported, and the others are printed.
---@param given table what argparse returned: `ids`, and the options of the connection
---@param property string of the client: the resource
---@return integer|nil code
---@return string? problem
---@return integer? code beside a problem
function showing.run(given, property)
  local client <close>, problem, code = connection.open(given)
  if not client then return nil, problem, code end
  local printer = output.open { form = given.json and "json" or "fields" }
  local worst = exitcodes.DONE
  for _, id in ipairs(given.ids) do
    local result, isLast = show(printer, client[property], id)
    worst = math.max(worst, result)
    if isLast then break end
  end
  local done
  done, problem, code = printer:finish()
  if not done then return nil, problem, code end
  return worst
end

return showing
