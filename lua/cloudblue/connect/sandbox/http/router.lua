--- Finds the row of the route table for a request.

local router = {}

--- A segment of a path as the client meant it: percent-encoding undone.
---@param text string
---@return string
local function decoded(text)
  return (text:gsub("%%(%x%x)", function(digits)
    return string.char(tonumber(digits, 16))
  end))
end
router.decoded = decoded

--- Builds the tree of a route table: each node has a child for each segment, `*` for a parameter, and
--- the rows that end there by method.
---@param routes table[] rows as in api/routes.lua
---@param subjects table<string, table<string, function>> the handlers by the names that the rows have
---@return table tree
function router.build(routes, subjects)
  local tree = { children = {}, methods = {} }
  for _, row in ipairs(routes) do
    local node, names = tree, {}
    for segment in row[2]:gmatch("[^/]+") do
      local name = segment:match("^{(.*)}$")
      names[#names + 1] = name
      local key = name and "*" or segment
      node.children[key] = node.children[key] or { children = {}, methods = {} }
      node = node.children[key]
    end
    node.methods[row[1]] = {
      method = row[1],
      path = row[2],
      handle = assert(subjects[row[3]][row[4]], row[4]),
      upload = row[5] == "upload",
      names = names,
    }
  end
  return tree
end

local function walk(node, segments, index, values)
  if index > #segments then
    return node
  end
  local fixed = node.children[segments[index]]
  local found = fixed and walk(fixed, segments, index + 1, values)
  if found and next(found.methods) then
    return found
  end
  local parameter = node.children["*"]
  if not parameter or segments[index] == "" then
    return nil
  end
  values[#values + 1] = decoded(segments[index])
  found = walk(parameter, segments, index + 1, values)
  if not found then
    values[#values] = nil
  end
  return found
end

--- Finds the row for a method and a path.
---@param tree table from build
---@param method string
---@param path string without the prefix of the API and without the query, still percent-encoded
---@return table|nil row nil when there is none
---@return table<string, string>|table<string, table>|nil found the row's parameters by name, or, where the path
--- exists with other methods only, those methods
function router.find(tree, method, path)
  local segments = {}
  for segment in (path:sub(2) .. "/"):gmatch("([^/]*)/") do
    segments[#segments + 1] = segment
  end
  local values = {}
  local node = path:sub(1, 1) == "/" and walk(tree, segments, 1, values)
  if not node or not next(node.methods) then
    return nil
  end
  local row = node.methods[method]
  if not row then
    return nil, node.methods
  end
  local parameters = {}
  for index, name in ipairs(row.names) do
    parameters[name] = values[index]
  end
  return row, parameters
end

return router
