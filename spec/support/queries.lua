--- Queries as the service sees them, and what is said of filters that are refused.

local assert = require "luassert"
local reader = require "spec.support.rqlreader"
local rql = require "cloudblue.connect.rql"

local queries = {}

--- The query of a filter. Raises where it is refused.
---@param filters cloudblue.connect.Filter?
---@param options table?
---@return string
function queries.encode(filters, options)
  local query, position, problem = rql.encode(filters, options)
  return query or error(("bad argument #%d (%s)"):format(position, problem), 0)
end

--- The same, percent-decoded.
---@param filters cloudblue.connect.Filter?
---@param options table?
---@return string
function queries.of(filters, options)
  return reader.decode(queries.encode(filters, options))
end

--- What is raised where something must be.
---@param work function
---@return any
function queries.raised(work, ...)
  local done, message = pcall(work, ...)
  assert.is_false(done)
  return message
end

--- What is said of a filter that is refused.
---@param filters any
---@param options any
---@return string
function queries.refusal(filters, options)
  return queries.raised(queries.encode, filters, options)
end

return queries
