--- Taking from the front of a list what the loop makes leave it.
---
--- What leaves a list shifts all that stands behind it, so the front is read again and again. What stays is left out by
--- an offset; but the service has no order of its own, and ties come in another order each time, so what stays may
--- stand anywhere. The list is done when it was read from end to end and had nothing new.

local drain = {}

-- Entries of a page; the service sends no more than 1000.
local PAGE <const> = 100

local Drain = {}
Drain.__index = Drain

-- A page of the list from `offset` on. Raises the failure where there is none.
local function fetch(self, offset)
  local page, failure = self.resource:search(self.filters, { limit = PAGE, offset = offset }, self.limits)
  if not page then error(failure, 0) end
  return page
end

-- Hands the entries over that stay nowhere yet. Returns how many there were.
local function handOver(self, page)
  local new = 0
  for _, entry in ipairs(page) do
    local key = type(entry) == "table" and entry.id or nil
    if key ~= nil and not self.met[key] then
      new = new + 1
      self.met[key] = true
      if self.fn(entry) then
        self.left = self.left + 1
      else
        self.stays = self.stays + 1
      end
    end
  end
  return new
end

-- Reads the list from end to end until a page has something new; false where none has.
local function search(self)
  local offset = 0
  while true do
    local page = fetch(self, offset)
    if #page == 0 then return false end
    if handOver(self, page) > 0 then return true end
    offset = offset + #page
  end
end

--- Calls `fn(entry)` for every entry of a list, once; what it returns true for is to have left the list.
---@param resource cloudblue.connect.GenericResource
---@param filters cloudblue.connect.Filter? conditions
---@param fn fun(entry: table): boolean?
---@param limits cloudblue.connect.Limits? of each call
---@return integer left how many entries fn returned true for
---@return integer stays how many it did not
function drain.run(resource, filters, fn, limits)
  local self = setmetatable({
    resource = resource, filters = filters, fn = fn, limits = limits, met = {}, left = 0, stays = 0,
  }, Drain)
  repeat
    local new = handOver(self, fetch(self, self.stays))
  until new == 0 and not search(self)
  return self.left, self.stays
end

return drain
