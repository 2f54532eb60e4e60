-- host_poll.lua ENDPOINT COUNT : a script of examples/host_poll.c that closes COUNT records in its loop.
package.path = "./?.lua;" .. package.path
require "bench.loops.closing"(require "spec.support.stages.host_poll", arg[1], tonumber(arg[2]))
