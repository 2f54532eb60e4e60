--- Options of subcommands whose argument is more than text, and that say what it must be.

local options = {}

--- Kinds of arguments: how each is read (nil where it is none), and what it must be, in words.
local KINDS = {
  count = { function(text)
    local number = math.tointeger(tonumber(text))
    return number and number >= 0 and number or nil
  end, "a count" },
  number = { function(text)
    local number = math.tointeger(tonumber(text))
    return number and number >= 1 and number or nil
  end, "an integer, 1 or more" },
  port = { function(text)
    local number = math.tointeger(tonumber(text))
    return number and number >= 0 and number <= 65535 and number or nil
  end, "a port from 0 to 65535" },
  positive = { function(text)
    local number = tonumber(text)
    return number and number > 0 and number < math.huge and number or nil
  end, "a number, more than 0" },
  seconds = { function(text)
    local number = tonumber(text)
    return number and number > 0 and number < math.huge and number or nil
  end, "a number of seconds" },
  retries = { function(text)
    local number = math.tointeger(tonumber(text))
    return number and number >= 0 and number <= 1000 and number or nil
  end, "a count up to 1000" },
  key = { function(text) return text:find "%S" and text or nil end, "a key" },
  address = { function(text) return text:find "%S" and text or nil end, "an address" },
  file = { function(text) return text:find "%S" and text or nil end, "a file" },
  url = { function(text) return text:find "%S" and text or nil end, "a URL" },
  command = { function(text) return text:find "%S" and text or nil end, "a command" },
}

-- What reads an argument of a kind; `name` is how a problem calls it.
local function converter(name, kind)
  local read, wanted = table.unpack(KINDS[kind])
  return function(text)
    local value = read(text)
    return value, value == nil and ("%s must be %s, not '%s'"):format(name, wanted, text) or nil
  end
end

--- Adds an option whose argument is of a kind.
---@param parser table an argparse command
---@param name string e.g. "--port" or "-o --output"
---@param description string
---@param argument string its placeholder in --help
---@param kind "count"|"number"|"port"|"positive"|"seconds"|"retries"|"key"|"address"|"file"|"url"|"command"
---@return table option
function options.add(parser, name, description, argument, kind)
  return parser:option(name, description):argname(argument):convert(converter(name:match "%-%-[%w-]+", kind))
end

--- Makes an argument one of files.
---@param argument table argparse's
---@param name string how --help calls it
---@return table argument
function options.file(argument, name) return argument:convert(converter(name, "file")) end

-- As the module takes it: visible ASCII without a slash, and no step in a path.
local function isId(text)
  return #text <= 255 and text:find "^[!-.0-~]+$" and text ~= "." and text ~= ".."
end

--- Makes an argument one of ids.
---@param argument table argparse's
---@return table argument
function options.ids(argument)
  return argument:convert(function(text)
    if isId(text) then return text end
    return nil, ("'%s' is no id"):format(text:gsub("%c", "?"))
  end)
end

return options
