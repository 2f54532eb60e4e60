-- in_process.lua STAGE ENDPOINT COUNT : closes COUNT records in the loop of spec/support/stages/STAGE.lua.
package.path = "./?.lua;" .. package.path
local stage = require("spec.support.stages." .. arg[1])
stage.run(function() require "bench.loops.closing"(stage, arg[2], tonumber(arg[3])) end)
