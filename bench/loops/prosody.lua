-- prosody.lua ENDPOINT COUNT : closes COUNT records in the loop of a Prosody of its own.
package.path = "./?.lua;" .. package.path
local folders = require "spec.support.folder"
local loops = require "spec.support.loops"
local prosody = require "spec.support.prosody"

local folder <close> = folders.make()
local log, ended = prosody.run {
  folder = folder,
  environment = ("%s BENCH_ENDPOINT='%s' BENCH_COUNT='%s'"):format(loops.environment(), arg[1], arg[2]),
  modules = { "closing" },
  paths = { loops.absolute("bench/loops") },
}
local said = log:match("[%d.]+ ms late, [^\n]*")
if not ended or not said then error(log, 0) end
print(said)
