--- What a terminal can do that a file can't: colours, and answering a question.

local term = require "term"

local terminal = {}

--- Whether a stream goes to a terminal.
---@param file file*
---@return boolean
function terminal.is(file)
  return term.isatty(file) and true or false
end

--- Whether a stream goes to a terminal that can go back in a line.
---@param file file*
---@return boolean
function terminal.redraws(file)
  return terminal.is(file) and os.getenv "TERM" ~= "dumb"
end

--- A function that colours text, or leaves it as it is: where the stream goes to a file, and where NO_COLOR is set.
---@param file file*
---@return fun(colour: string, text: string): string
function terminal.painter(file)
  local unwanted = os.getenv "NO_COLOR"
  if not terminal.redraws(file) or unwanted and unwanted ~= "" then
    return function(_, text) return text end
  end
  return function(colour, text) return term.colors[colour](text) end
end

-- The terminal itself, as stdin may be a list.
local function openTerminal() return terminal.is(io.stderr) and io.open("/dev/tty", "r") or nil end

--- Whether there is somebody to ask.
---@return boolean
function terminal.canAsk()
  local tty <close> = openTerminal()
  return tty ~= nil
end

--- Asks a question that is answered by yes or no; Enter alone is no.
---@param question string
---@return boolean yes
function terminal.ask(question)
  local tty = assert(openTerminal())
  io.stderr:write(question, " [y/N] ")
  local answer = tty:read "l"
  tty:close()
  if not answer then io.stderr:write "\n" end
  answer = (answer or ""):lower():match "^%s*(.-)%s*$"
  return answer == "y" or answer == "yes"
end

return terminal
