--- The handlers of templates and of the links to stored files.

local content = require "cloudblue.connect.sandbox.http.content"
local reply = require "cloudblue.connect.sandbox.http.reply"
local requests = require "cloudblue.connect.sandbox.http.request"

local media = {}

--- GET /usage/products/{id}/template
function media.templateLink(store, request)
  local id = request.parameters.id
  if not store.rules[id] then
    return reply.notFound(string.format("Product %s does not exist", id))
  end
  return reply.ok { template_link = requests.link(request, id, "template.xlsx") }
end

--- GET /media/{id}/{name}: a product's template (generated), or what was uploaded for a usage file.
function media.get(store, request)
  local id, name = request.parameters.id, request.parameters.name
  if store.rules[id] and name == "template.xlsx" then
    return reply.file(content.generated(id, store.options.downloadBytes))
  end
  local upload = store.uploads[id] and store.uploads[id][name:match("^(.*)%.xlsx$")]
  return upload and reply.file(upload:content()) or reply.notFound("There is no file " .. name)
end

return media
