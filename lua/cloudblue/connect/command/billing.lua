--- Which billing id and note an entry is closed with: its own, or those that the options make.

local keys = require "cloudblue.connect.command.input.keys"

local billing = {}

local Rules = {}
Rules.__index = Rules

-- What a template puts in for a name.
local PLACEHOLDERS <const> = {
  seq = function(number) return ("%d"):format(number) end,
  id = function(_, id) return id end,
}

-- Splits a template into texts and functions.
local function partsOf(template)
  local parts, position = {}, 1
  for before, name, behind in template:gmatch "([^{}]*){([^{}]*)}()" do
    if not PLACEHOLDERS[name] then
      return nil, ("there is no placeholder {%s}: {seq} is the entry's number, {id} the record's id"):format(name)
    end
    parts[#parts + 1] = before
    parts[#parts + 1] = PLACEHOLDERS[name]
    position = behind
  end
  local rest = template:sub(position)
  if rest:find "[{}]" then return nil, "a brace stands alone: {seq} and {id} are placeholders" end
  parts[#parts + 1] = rest
  return parts
end

--- Reads a template of billing ids, such as "RUN7-{seq}".
---@param template string `{seq}` stands for the entry's number in the input, from 1 on, `{id}` for the record's id
---@return (fun(number: integer, id: string): string)? make nil where the template is wrong
---@return string? problem beside nil
---@return boolean? isNumbered whether `{seq}` is in it
function billing.template(template)
  if not template:find "%S" then return nil, "it is empty" end
  local parts, problem = partsOf(template)
  if not parts then return nil, problem end
  return function(number, id)
    local made = {}
    for index, part in ipairs(parts) do made[index] = type(part) == "string" and part or part(number, id) end
    return table.concat(made)
  end, nil, template:find("{seq}", 1, true) ~= nil
end

--- The rules of a run.
---@param options {template: (fun(number: integer, id: string): string)?, isNumbered: boolean?, note: string?,
--- withoutBillingId: boolean?} isNumbered: what the template makes depends on the number of the entry
---@return table rules
function billing.rules(options)
  return setmetatable({
    template = options.template, isNumbered = options.isNumbered or false, note = options.note,
    withoutBillingId = options.withoutBillingId or false,
  }, Rules)
end

--- The billing id and the note of an entry.
---@param number integer the entry's
---@param id string
---@param billingId string? its own
---@param note string? its own
---@return string|nil|false billingId false where entry and options contradict each other
---@return string? note the problem beside false; behind it the key that is meant
---@return string? key
function Rules:apply(number, id, billingId, note)
  if self.template then
    if billingId then return false, "there is a billing id here, and --billing-id makes another", keys.BILLING_ID end
    billingId = self.template(number, id)
  end
  if self.note then
    if note then return false, "there is a note here, and --note gives another", keys.NOTE end
    note = self.note
  end
  return billingId, note
end

return billing
