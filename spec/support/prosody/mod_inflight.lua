-- A module of Prosody that ends Prosody while a call waits.
-- luacheck: read globals module prosody

local connect = require "cloudblue.connect"
local stage = require "spec.support.stages.prosody"

module:hook_global("server-started", function()
  stage.spawn(function()
    local client = connect.ConnectClient(os.getenv "LOOP_SERVICE" .. "/hang/v1", "ApiKey SU-000-000-000:secret")
    client:attach(stage.loop)
    client.usageRecords:close("UR-1", "B-1")
    module:log("error", "the call is over")
  end)
  module:add_timer(0.2, function() prosody.shutdown("A call waits.") end)
end)
