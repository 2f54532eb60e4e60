--- Queries as the service sees them, and what is said of filters that are refused.

local assert = require "luassert"
local reader = require "spec.support.rqlreader"
local rql = require "cloudblue.connect.rql"

local queries = {}

--- The query of a filter, percent-decoded.
---@param filters cloudblue.connect.Filter?
---@param options table?
---@return string
function queries.of(filters, options)
  return reader.decode(rql.encode(filters, options))
end

--- What is raised where something must be.
---@param work function
---@return any
function queries.raised(work, ...)
  local done, message = pcall(work, ...)
  assert.is_false(done)
  return message
end

--- What `rql.encode` says of a filter that it refuses.
---@param filters any
---@param options any
---@return string
function queries.refusal(filters, options)
  return queries.raised(rql.encode, filters, options)
end

return queries
