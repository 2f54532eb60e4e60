--- What a handler answers with: a reply is a table {status=, json=, headers=, content=}.
---
--- `json` is the encoded body; `content` (see content.lua) is a body that is written in pieces.
--- At most one of the two is there. The refusals of the API are replies, too: handlers return them
--- like any other, and nothing is thrown.

local json = require "cloudblue.connect.sandbox.json"

local reply = {}

--- 200 with a value.
---@param value table
---@return table reply
function reply.ok(value)
  return { status = 200, json = json.encode(value) }
end

--- 201 with a value.
---@param value table
---@return table reply
function reply.created(value)
  return { status = 201, json = json.encode(value) }
end

--- A list, each entry encoded by itself so that an empty list is `[]` and not `{}`.
---@param status integer
---@param values table[]
---@param headers table<string, string>?
---@return table reply
function reply.list(status, values, headers)
  local texts = {}
  for index, value in ipairs(values) do
    texts[index] = json.encode(value)
  end
  return { status = status, json = "[" .. table.concat(texts, ",") .. "]", headers = headers }
end

--- 204.
---@return table reply
function reply.empty()
  return { status = 204 }
end

--- 200 with the bytes of a file.
---@param content table see content.lua
---@return table reply
function reply.file(content)
  return { status = 200, content = content }
end

local function refusal(status, code)
  return function(message, headers)
    local body = json.encode { error_code = code, errors = { message } }
    return { status = status, json = body, headers = headers, refused = code }
  end
end

--- The refusals, each a function (message) → reply. docs/sandbox.md lists the codes.
reply.unauthorized = refusal(401, "AUTH_001")
reply.malformed = refusal(400, "REQ_001")
reply.unsupportedType = refusal(415, "REQ_002")
reply.noRoute = refusal(404, "REQ_003")
reply.noMethod = refusal(405, "REQ_004")
reply.tooLarge = refusal(413, "REQ_005")
reply.invalid = refusal(400, "VAL_001")
reply.notFound = refusal(404, "OBJ_001")
reply.wrongState = refusal(400, "STATE_001")
reply.badFilter = refusal(400, "RQL_001")
reply.broken = refusal(500, "SANDBOX_001")

return reply
