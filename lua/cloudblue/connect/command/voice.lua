--- How a subcommand speaks: results on stdout, words on stderr; with --json its results are objects, one a line.

local output = require "cloudblue.connect.command.output"

local voice = {}

local Voice = {}
Voice.__index = Voice

--- Makes a voice.
---@param options {json: boolean?, quiet: boolean?}
---@return table voice
function voice.new(options)
  return setmetatable({
    json = options.json or false, quiet = options.quiet or false, stream = output.stream(io.stdout),
  }, Voice)
end

--- The bar, which has to be taken away before anything else is printed.
---@param progress table?
function Voice:over(progress)
  self.progress = progress
end

local function clear(self)
  if self.progress then self.progress:clear() end
end

--- Says something that --quiet spares.
---@param text string
function Voice:say(text)
  if not self.quiet then self:warn(text) end
end

--- Says something that must be said.
---@param text string
function Voice:warn(text)
  clear(self)
  io.stderr:write(output.printable(text), "\n")
end

--- Prints a result: a line of text, or with --json an object.
---@param text string? nil: only with --json
---@param kind "status"|"error"|"summary"|"entry" the object's message_type
---@param object table
---@return boolean isFine whether all that was printed so far could be
function Voice:print(text, kind, object)
  if not self.json and not text then return true end
  clear(self)
  if self.json then
    object.message_type = kind
    text = output.json(object)
  end
  self.stream:write(text .. "\n")
  return self.stream:finish() == true
end

--- Whether all that was printed could be. Returns as a stream's `finish`, see output.lua.
function Voice:finish() return self.stream:finish() end

--- What a subcommand returns for a problem; with --json it is printed, too.
---@param problem string
---@param code integer
---@return nil
---@return string problem
---@return integer code
function Voice:fail(problem, code)
  self:print(nil, "error", { message = problem, exit_code = code })
  clear(self)
  return nil, problem, code
end

return voice
