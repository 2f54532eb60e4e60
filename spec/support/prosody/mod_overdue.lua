-- A module of Prosody for the spec of examples/prosody/mod_close_usage.lua: another module that has records closed, and
-- a clock that says that the task of mod_cron is overdue. It ends Prosody when the records are closed.
-- luacheck: read globals module prosody

local store = module:open_store("close_usage")
local ticks = 0

module:hook_global("server-started", function()
  for i = 1, 3 do module:fire_event("close-usage", { id = "UR-" .. i, bill = "B-1" }) end
  for _, task in ipairs(module:get_host_items("task")) do task.last = 0 end
  module:add_timer(0.01, function()
    if next(store:get(nil) or {}) then
      ticks = ticks + 1
      return 0.01
    end
    module:log("info", "%d ticks", ticks)
    prosody.shutdown("All are closed.")
  end)
end)
