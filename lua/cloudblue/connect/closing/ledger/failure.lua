--- The failures of a ledger. Within the ledger they are raised; its methods return them.

local core = require "cloudblue.connect.core"

local failure = {}

--- The name of a ledger, or a text that has one in it, as it may be shown: without a password. That may hold anything,
--- so it goes to the last '@'.
---@param text string
---@return string
function failure.shown(text)
  return (text:gsub("(%w+://[^:@/]*):.*@", "%1:***@"):gsub("(password=)[^&#]*", "%1***"))
end

--- Makes one.
---@param name string the ledger's, as it may be shown
---@param message string
---@param code string? errorCode: "locked" where another run has the ledger; "mismatch" where it belongs to another
--- list, endpoint or account; "name" where it can't have that name
---@return cloudblue.connect.Failure
function failure.new(name, message, code)
  return core.newFailure {
    kind = "ledger", outcome = "unsent", errorCode = code, message = ("ledger %s: %s"):format(name, message),
  }
end

--- Raises one.
---@param name string
---@param message string
---@param code string?
function failure.raise(name, message, code)
  error(failure.new(name, message, code), 0)
end

local function finish(done, ...)
  if done then return ... end
  local problem = ...
  if type(problem) == "table" and problem.kind == "ledger" then return nil, problem end
  error(problem, 0)
end

--- Calls a function.
---@param fn function
---@param ... any
---@return any ... what it returns; nil and the failure where it raised one of a ledger's. Else it raises what fn raised
function failure.catch(fn, ...)
  return finish(pcall(fn, ...))
end

return failure
