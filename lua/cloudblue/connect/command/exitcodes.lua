--- The exit codes of connect-usage. Scripts and docs/command.md depend on them.

---@class cloudblue.connect.command.ExitCodes
local exitcodes = {
  --- Everything was done.
  DONE = 0,
  --- Something was not: records were refused, what was asked for does not exist, a reply that can't be used.
  FAILED = 1,
  --- The command line or the input is wrong, or something is missing here. Nothing was sent.
  MISUSED = 2,
  --- It could not be found out what became of some records. The same command, run again, finds out.
  UNDECIDED = 3,
  --- Stopped early, for a reason that passes. The same command goes on.
  STOPPED = 5,
  --- The service refuses the key, or what it may do (401, 403).
  DENIED = 7,
  --- Another run holds the ledger.
  HELD = 11,
  --- An error of connect-usage itself.
  BROKEN = 70,
  --- Interrupted by Ctrl-C or SIGTERM.
  INTERRUPTED = 130,
  --- Whoever read stdout has gone, as `head` does: what a shell shows for SIGPIPE, where that is ignored.
  UNREAD = 141,
}

-- Answers of a service that has no time, or is out of order for now.
local PASSING <const> = { [408] = true, [429] = true, [500] = true, [502] = true, [503] = true, [504] = true }

-- No usable reply, or none in time.
local NO_REPLY <const> = { transport = true, cancelled = true }

--- The exit code for the failure of a call.
---@param failure cloudblue.connect.Failure
---@return integer code
function exitcodes.ofFailure(failure)
  if failure.status == 401 or failure.status == 403 then return exitcodes.DENIED end
  if failure.outcome == "unknown" then return exitcodes.UNDECIDED end
  if PASSING[failure.status] or NO_REPLY[failure.kind] then return exitcodes.STOPPED end
  return exitcodes.FAILED
end

return exitcodes
