--- The routes of the sandbox, as data: the 30 paths of the usage part of the API's description, the
--- route of the JavaScript SDK for closing records, and the links that other replies hold.
---
--- A row is {method, path, subject, handler [, "upload"]}: `{name}` in a path stands for one segment, and
--- the handler is the function of that name in the subject's file (api.lua lists the subjects). The body of
--- an upload is read as multipart/form-data and never held as a whole.

return {
  api = {
    { "GET", "/assets/{asset}/usage/aggregates", "aggregates", "listOfAsset" },

    { "GET", "/products/{product}/usage/rules", "rules", "list" },
    { "POST", "/products/{product}/usage/rules", "rules", "create" },
    { "GET", "/products/{product}/usage/rules/{id}", "rules", "get" },
    { "PUT", "/products/{product}/usage/rules/{id}", "rules", "update" },
    { "DELETE", "/products/{product}/usage/rules/{id}", "rules", "delete" },

    { "GET", "/usage/aggregates", "aggregates", "list" },

    { "GET", "/usage/chunks", "chunks", "list" },
    { "GET", "/usage/chunks/{id}", "chunks", "get" },
    { "PUT", "/usage/chunks/{id}", "chunks", "update" },
    { "POST", "/usage/chunks/{id}/close", "chunks", "close" },
    { "GET", "/usage/chunks/{id}/download", "chunks", "download" },
    { "POST", "/usage/chunks/{id}/regenerate", "chunks", "regenerate" },

    { "GET", "/usage/files", "files", "list" },
    { "POST", "/usage/files", "files", "create" },
    { "GET", "/usage/files/{id}/categories", "files", "categories" },
    { "GET", "/usage/files/{id}", "files", "get" },
    { "PUT", "/usage/files/{id}", "files", "update" },
    { "POST", "/usage/files/{id}/accept", "actions", "accept" },
    { "PUT", "/usage/files/{id}/approve-all", "actions", "approve-all" },
    { "POST", "/usage/files/{id}/close", "actions", "close" },
    { "POST", "/usage/files/{id}/delete", "actions", "delete" },
    { "POST", "/usage/files/{id}/reconciliation", "actions", "reconciliation", "upload" },
    { "POST", "/usage/files/{id}/reject", "actions", "reject" },
    { "POST", "/usage/files/{id}/reprocess", "actions", "reprocess" },
    { "POST", "/usage/files/{id}/submit", "actions", "submit" },
    { "POST", "/usage/files/{id}/upload", "actions", "upload", "upload" },

    { "GET", "/usage/products/{id}/template", "media", "templateLink" },

    { "GET", "/usage/reconciliations", "reconciliations", "list" },
    { "POST", "/usage/reconciliations", "reconciliations", "create", "upload" },
    { "GET", "/usage/reconciliations/{id}", "reconciliations", "get" },
    { "GET", "/usage/reconciliations/{id}/processedfile", "reconciliations", "processedFile" },
    { "GET", "/usage/reconciliations/{id}/uploadedfile", "reconciliations", "uploadedFile" },

    { "GET", "/usage/records", "records", "list" },
    { "POST", "/usage/records/close-records", "records", "closeMany" },
    { "GET", "/usage/records/{id}", "records", "get" },
    { "PUT", "/usage/records/{id}", "records", "update" },
    { "POST", "/usage/records/{id}/close", "records", "close" },
    { "POST", "/usage/records/{id}/close-records", "records", "closeOfFile" },
  },

  --- Outside the API and without its key, as the links to stored files are.
  media = {
    { "GET", "/media/{id}/{name}", "media", "get" },
  },
}
