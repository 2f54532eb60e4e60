-- A helper of busted (--helper) that sets the collector to its most aggressive: a new cycle starts as soon as one has
-- ended, and every allocation pays for a large step.
collectgarbage("incremental", 1, 1000, 1)
