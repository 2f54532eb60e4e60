--- The entries that the programs of the row close: an iterator, each entry made when it is asked for.
---@param count integer
---@return fun(): table?
return function(count)
  local number = 0
  return function()
    number = number + 1
    if number > count then return nil end
    return { id = ("UR-2026-01-0000-0001-%07d"):format(number), external_billing_id = "RUN-" .. number }
  end
end
