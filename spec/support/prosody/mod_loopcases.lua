-- A module of Prosody that goes through the cases of the loops and then ends Prosody.
-- luacheck: read globals module prosody

local loopcases = require "spec.support.loopcases"
local stage = require "spec.support.stages.prosody"

module:hook_global("server-started", function()
  stage.spawn(function()
    local ok, problem = xpcall(loopcases.report, debug.traceback, stage)
    if not ok then module:log("error", "%s", problem) end
    prosody.shutdown("The cases are over.")
  end)
end)
