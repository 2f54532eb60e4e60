-- A script of examples/host_poll.c that goes through the cases of the loops.
require("spec.support.loopcases").report(require "spec.support.stages.host_poll")
