-- A module of Prosody that closes BENCH_COUNT records of BENCH_ENDPOINT and then ends Prosody.
-- luacheck: read globals module prosody

local closing = require "bench.loops.closing"
local stage = require "spec.support.stages.prosody"

module:hook_global("server-started", function()
  stage.spawn(function()
    local endpoint, count = os.getenv "BENCH_ENDPOINT", tonumber(os.getenv "BENCH_COUNT")
    local ok, problem = xpcall(closing, debug.traceback, stage, endpoint, count)
    if not ok then module:log("error", "%s", problem) end
    prosody.shutdown("All are closed.")
  end)
end)
