--- What the options of `connect-usage close` ask for, and what about them is wrong.

local billing = require "cloudblue.connect.command.billing"
local ledgers = require "cloudblue.connect.command.ledgers"
local terminal = require "cloudblue.connect.command.terminal"

local intent = {}

--- What options contradict each other, or are missing.
---@param given table what argparse returned
---@return string? problem nil where all is well
function intent.contradiction(given)
  local isListed = given.file or given.where
  if given.file and given.where then return "FILE and --where exclude each other" end
  if not isListed and not given.ledger then return "give FILE or --where, or --ledger to go on with what that holds" end
  if not isListed and (given.billingId or given.note) then
    return "--billing-id and --note are for FILE and --where; the ledger holds its own"
  end
  if not given.file and given.format then return "--format is for FILE" end
  if given.where and not (given.billingId or given.note or given.withoutBillingId) then
    return "--where needs --billing-id, or --note, or else --without-billing-id"
  end
  if not given.dryRun and not given.yes and not terminal.canAsk() then
    return "there is no terminal to ask at: give --yes to close records, or --dry-run"
  end
  return nil
end

--- The rules for billing ids and notes.
---@param given table what argparse returned
---@return table|nil rules see billing.lua
---@return string? problem
function intent.rules(given)
  local template, problem, isNumbered
  if given.billingId then
    template, problem, isNumbered = billing.template(given.billingId)
    if not template then return nil, "--billing-id: " .. problem end
    if isNumbered and given.where and not given.ledger then
      return nil, "--billing-id with {seq} needs --ledger beside --where: run again, it would give the same numbers to "
        .. "other records. {id} does not"
    end
  end
  return billing.rules {
    template = template, isNumbered = isNumbered, note = given.note, withoutBillingId = given.withoutBillingId,
  }
end

--- The command that goes on: the same one, or where its list came by a pipe, what the ledger holds.
---@param given table what argparse returned, with the `arguments`
---@return string command as it is typed into a shell
function intent.again(given)
  local words = { "connect-usage" }
  for _, word in ipairs(given.arguments) do
    if word:find "^%-?%-?[%w-]*=?%w+://" then word = ledgers.shown(word) end
    -- A command that prints the key may have it in itself.
    word = word:gsub("(ApiKey%s+[^:%s]*:)[^%s'\"]+", "%1***")
    local isPipe = word == "-" and given.file == "-" and given.ledger
    if not isPipe then
      words[#words + 1] = word:find "^[%w%-_./:=,@%%+]+$" and word or "'" .. word:gsub("'", "'\\''") .. "'"
    end
  end
  return table.concat(words, " ")
end

return intent
