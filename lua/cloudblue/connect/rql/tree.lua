--- The tree of a filter and how it is written.
--
-- The service's grammar is narrower than one expects, and what is written here stays within it:
--   `not(…)` takes one comparison only, so a negation is carried down to the comparisons (De Morgan);
--   `(not(…))` is no term, so a negation is never bracketed;
--   `((a&b))` and `((((a)|(b))))` are none either, so no bracket is written twice around the same thing,
--   with the one exception the grammar makes for `|`.
-- Nodes are never changed once made; they may be shared.

---@class cloudblue.connect.rql.Node
---@field kind "leaf"|"not"|"group"|"and"|"or"
---@field text string?      a comparison as it stands in the URL (leaf), or its negation (not)
---@field inner table?      what is negated (not) or bracketed (group)
---@field children table?   of `and` and `or`: two or more
---@field pairwise boolean? an `or` written by twos, as the JavaScript SDK does

local tree = {}

-- RFC 3986 has no place for a bare |.
local OR = "%7C"

-- Written by twos, every alternative is one bracket deeper, and readers bound their depth.
local MAX_PAIRWISE = 20

--- One comparison.
---@param written string ready for the URL
---@return cloudblue.connect.rql.Node
function tree.leaf(written)
  return { kind = "leaf", text = written }
end

--- Brackets around a node where the grammar allows them.
---@param node cloudblue.connect.rql.Node
---@return cloudblue.connect.rql.Node
function tree.group(node)
  if node.kind == "not" or node.kind == "group" then return node end
  return { kind = "group", inner = node }
end

local function gather(kind, nodes)
  local children = {}
  for _, node in ipairs(nodes) do
    if node.kind == kind then
      table.move(node.children, 1, #node.children, #children + 1, children)
    else
      children[#children + 1] = node
    end
  end
  return children
end

--- All of the nodes hold.
---@param nodes cloudblue.connect.rql.Node[] one or more
---@return cloudblue.connect.rql.Node
function tree.all(nodes)
  if #nodes < 2 then return nodes[1] end
  return { kind = "and", children = gather("and", nodes) }
end

--- At least one of the nodes holds.
---@param nodes cloudblue.connect.rql.Node[] two or more
---@return cloudblue.connect.rql.Node
function tree.any(nodes)
  return { kind = "or", children = gather("or", nodes) }
end

--- As `any`, written as the JavaScript SDK writes it, `(((a)|(b))|(c))`, unless that would nest too deep.
---@param nodes cloudblue.connect.rql.Node[] one or more
---@return cloudblue.connect.rql.Node
function tree.anyPairwise(nodes)
  local groups = {}
  for index, node in ipairs(nodes) do
    groups[index] = tree.group(node)
  end
  if #groups < 2 then return groups[1] end
  return { kind = "or", children = groups, pairwise = #groups <= MAX_PAIRWISE or nil }
end

--- The node does not hold.
---@param node cloudblue.connect.rql.Node
---@return cloudblue.connect.rql.Node
function tree.negate(node)
  if node.kind == "leaf" then return { kind = "not", text = "not(" .. node.text .. ")", inner = node } end
  if node.kind == "not" then return node.inner end
  if node.kind == "group" then return tree.negate(node.inner) end
  local negated = {}
  for index, child in ipairs(node.children) do
    negated[index] = tree.negate(child)
  end
  return (node.kind == "and" and tree.any or tree.all)(negated)
end

local write

local function writeAnd(node)
  local terms = {}
  for index, child in ipairs(node.children) do
    terms[index] = write(child)
  end
  return table.concat(terms, "&")
end

local function writeOr(node)
  local terms = {}
  for index, child in ipairs(node.children) do
    terms[index] = write(child.kind == "and" and tree.group(child) or child)
  end
  return "(" .. table.concat(terms, OR) .. ")"
end

local function writePairwise(node)
  local count = #node.children
  local parts = { ("("):rep(count - 1), write(node.children[1]) }
  for index = 2, count do
    parts[#parts + 1] = OR .. write(node.children[index]) .. ")"
  end
  return table.concat(parts)
end

--- The node as it stands in the URL.
---@param node cloudblue.connect.rql.Node
---@return string
function write(node)
  if node.text then return node.text end
  if node.kind == "group" then return "(" .. write(node.inner) .. ")" end
  if node.kind == "and" then return writeAnd(node) end
  return (node.pairwise and writePairwise or writeOr)(node)
end
tree.write = write

return tree
