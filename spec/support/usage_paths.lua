--- The operations of the usage part of the API: facts of CloudBlue's description (version 37.0), 30 paths.
---
---     paths[path][method] = {
---       query = {...},     what a list can be asked by, limit and offset included
---       values = {...},    a filter of each of these that can't be asked for any word
---       fields = {...},    members of the JSON object that is the body
---       entries = {...},   members of each object of the JSON list that is the body
---       parts = {...},     parts of the multipart/form-data body
---       status = 200,      of a success
---       reply = type,      Content-Type of a success; nil: it has no body
---     }
---
--- One fact is not the description's: the service answers some actions of usage files with 201.

local JSON = "application/json"
local XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

local TIME = "2026-01-31T10:00:00+00:00"

-- Every list comes in pages.
local function page(filters)
  table.insert(filters, "limit")
  table.insert(filters, "offset")
  return filters
end

return {
  ["/assets/{asset_pk}/usage/aggregates"] = {
    GET = {
      query = page { "asset.external_uid", "asset.id", "item.id", "item.local_id", "item.type" },
      values = { ["item.type"] = "PPU" },
      status = 200,
      reply = JSON,
    },
  },
  ["/products/{product_pk}/usage/rules"] = {
    GET = {
      query = page { "action", "id", "item.id", "item.name", "rule", "scope", "status" },
      values = { action = "manual", scope = "file", status = "deleted" },
      status = 200,
      reply = JSON,
    },
    POST = { fields = { "item", "action", "rule", "status" }, status = 201, reply = JSON },
  },
  ["/products/{product_pk}/usage/rules/{id}"] = {
    GET = { status = 200, reply = JSON },
    PUT = { fields = { "item", "action", "rule", "status", "gravity" }, status = 200, reply = JSON },
    DELETE = { status = 204 },
  },
  ["/usage/aggregates"] = {
    GET = {
      query = page { "asset.external_uid", "asset.id", "item.id", "item.local_id", "item.type" },
      values = { ["item.type"] = "PPU" },
      status = 200,
      reply = JSON,
    },
  },
  ["/usage/chunks"] = {
    GET = {
      query = page { "binding.hub.id", "id", "provider.id", "status", "usagefile.id" },
      values = { status = "failed" },
      status = 200,
      reply = JSON,
    },
  },
  ["/usage/chunks/{id}"] = {
    GET = { status = 200, reply = JSON },
    PUT = { fields = { "external_id" }, status = 200, reply = JSON },
  },
  ["/usage/chunks/{id}/close"] = {
    POST = { fields = { "external_billing_id", "external_billing_note" }, status = 200, reply = JSON },
  },
  ["/usage/chunks/{id}/download"] = {
    GET = { status = 200, reply = XLSX },
  },
  ["/usage/chunks/{id}/regenerate"] = {
    POST = { status = 200, reply = JSON },
  },
  ["/usage/files"] = {
    GET = {
      query = page {
        "contract.id", "contract.name", "created.at", "distribution_contract_id", "environment",
        "external_id", "id", "marketplace.id", "marketplace.name", "marketplace_id", "name", "product.id",
        "product.name", "product_id", "provider.id", "provider.name", "provider_id", "schema", "status",
        "vendor.id", "vendor.name", "vendor_id",
      },
      values = { ["created.at"] = { ["$gte"] = TIME }, environment = "preview", schema = "cr", status = "uploading" },
      status = 200,
      reply = JSON,
    },
    POST = {
      fields = { "name", "description", "note", "period", "currency", "product", "contract", "external_id" },
      status = 201,
      reply = JSON,
    },
  },
  ["/usage/files/{file_pk}/categories"] = {
    GET = { query = page { "id", "name" }, status = 200, reply = JSON },
  },
  ["/usage/files/{id}"] = {
    GET = { status = 200, reply = JSON },
    PUT = { fields = { "description", "note", "period", "currency", "external_id" }, status = 200, reply = JSON },
  },
  ["/usage/files/{id}/accept"] = {
    POST = { fields = { "acceptance_note" }, status = 201, reply = JSON },
  },
  ["/usage/files/{id}/approve-all"] = {
    PUT = { status = 200, reply = JSON },
  },
  ["/usage/files/{id}/close"] = {
    POST = { status = 200, reply = JSON },
  },
  ["/usage/files/{id}/delete"] = {
    POST = { status = 200, reply = JSON },
  },
  ["/usage/files/{id}/reconciliation"] = {
    POST = { parts = { "recon_file" }, status = 200, reply = JSON },
  },
  ["/usage/files/{id}/reject"] = {
    POST = { fields = { "rejection_note" }, status = 201, reply = JSON },
  },
  ["/usage/files/{id}/reprocess"] = {
    POST = { status = 200, reply = JSON },
  },
  ["/usage/files/{id}/submit"] = {
    POST = { status = 201, reply = JSON },
  },
  ["/usage/files/{id}/upload"] = {
    POST = { parts = { "usage_file" }, status = 201, reply = JSON },
  },
  ["/usage/products/{id}/template"] = {
    GET = { status = 200, reply = JSON },
  },
  ["/usage/reconciliations"] = {
    GET = {
      query = page { "binding.hub.id", "partusagefile.id", "partusagefile.provider.id", "usagefile.id" },
      status = 200,
      reply = JSON,
    },
    POST = { parts = { "recon_file", "upload_note" }, status = 201, reply = JSON },
  },
  ["/usage/reconciliations/{id}"] = {
    GET = { status = 200, reply = JSON },
  },
  ["/usage/reconciliations/{id}/processedfile"] = {
    GET = { status = 200, reply = XLSX },
  },
  ["/usage/reconciliations/{id}/uploadedfile"] = {
    GET = { status = 200, reply = XLSX },
  },
  ["/usage/records"] = {
    GET = {
      query = page {
        "asset.external_id", "asset.external_uid", "asset.id", "asset_external_id", "asset_external_uid",
        "asset_id", "created_time", "end_date", "hub.id", "item.id", "item_id", "part_usage_file__hub__id",
        "product.id", "product_id", "start_date", "status", "usage_file", "usage_start_time",
        "usagefile.id", "usagefile.schema",
      },
      values = {
        created_time = TIME, end_date = TIME, start_date = TIME, status = "valid", usage_start_time = TIME,
        ["usagefile.schema"] = "pr",
      },
      status = 200,
      reply = JSON,
    },
  },
  ["/usage/records/close-records"] = {
    POST = { entries = { "id", "external_billing_id", "external_billing_note" }, status = 206, reply = JSON },
  },
  ["/usage/records/{id}"] = {
    GET = { status = 200, reply = JSON },
    PUT = { fields = { "status" }, status = 200, reply = JSON },
  },
  ["/usage/records/{id}/close"] = {
    POST = { fields = { "external_billing_id", "external_billing_note" }, status = 200, reply = JSON },
  },
}
