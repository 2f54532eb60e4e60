/*
** cbl_actions.c - the table of actions: the operations of the usage part of the
** API (its description, 37.0) and those that every collection has.
*/
#include <stddef.h>

#include "cbl_action.h"

#define ID \
  { CBL_PARAM_ID, "id", NULL }
#define BILLING \
  { CBL_PARAM_BILLING, "externalBillingId", "external_billing_id" }
#define BILLING_NOTE \
  { CBL_PARAM_FIELD, "externalBillingNote", "external_billing_note" }
#define TARGET \
  { CBL_PARAM_TARGET, "to", NULL }
#define OPTIONS \
  { CBL_PARAM_OPTIONS, "options", NULL }
#define FILE_PART(part) \
  { CBL_PARAM_FILE, "file", part }
#define RECORD \
  { CBL_PARAM_SUBJECT, "recordId", "id" }

const cbl_action cbl_generic_actions[] = {
    {.name = "get", .method = "GET", .route = "/{id}", .params = {ID}},
    {.name = "create",
     .method = "POST",
     .route = "",
     .params = {{CBL_PARAM_OBJECT, "object", NULL}}},
    {.name = "update",
     .method = "PUT",
     .route = "/{id}",
     .params = {ID, {CBL_PARAM_OBJECT, "object", NULL}}},
    {.name = "delete",
     .method = "DELETE",
     .route = "/{id}",
     .returns = CBL_RETURNS_TRUE,
     .params = {ID}},
    {.name = "search",
     .method = "GET",
     .route = "",
     .returns = CBL_RETURNS_LIST,
     .params = {{CBL_PARAM_FILTER, "filters", NULL}}},
    {.name = "action",
     .method = "POST",
     .route = "/{id}/{id}",
     .params = {ID, {CBL_PARAM_ID, "name", NULL}, {CBL_PARAM_ANY_BODY, "body", NULL}}},
    {.name = NULL}};

/* The route of the JavaScript SDK, which the API's description does not have. */
static const cbl_action close_records_single = {.name = "closeRecords",
                                                .method = "POST",
                                                .route = "/{id}/close-records",
                                                .shape = CBL_SHAPE_OBJECT,
                                                .returns = CBL_RETURNS_CHUNK,
                                                .params = {ID, RECORD, BILLING, BILLING_NOTE},
                                                .confirm = "/{id}"};

static const cbl_action record_actions[] = {
    {.name = "close",
     .method = "POST",
     .route = "/{id}/close",
     .shape = CBL_SHAPE_OBJECT,
     .returns = CBL_RETURNS_CHUNK,
     .params = {ID, BILLING, BILLING_NOTE},
     .confirm = "/{id}"},
    {.name = "closeRecords",
     .method = "POST",
     .route = "/close-records",
     .shape = CBL_SHAPE_LIST,
     .returns = CBL_RETURNS_ENTRY,
     .params = {{CBL_PARAM_ASIDE, "id", NULL}, RECORD, BILLING, BILLING_NOTE},
     .confirm = "/{id}",
     .otherwise = &close_records_single},
    {.name = NULL}};

static const cbl_action chunk_actions[] = {{.name = "get",
                                            .method = "GET",
                                            .route = "/{id}",
                                            .returns = CBL_RETURNS_CHUNK,
                                            .params = {ID}},
                                           {.name = "update",
                                            .method = "PUT",
                                            .route = "/{id}",
                                            .returns = CBL_RETURNS_CHUNK,
                                            .params = {ID, {CBL_PARAM_OBJECT, "object", NULL}}},
                                           {.name = "close",
                                            .method = "POST",
                                            .route = "/{id}/close",
                                            .shape = CBL_SHAPE_OBJECT,
                                            .returns = CBL_RETURNS_CHUNK,
                                            .params = {ID, BILLING, BILLING_NOTE},
                                            .confirm = "/{id}"},
                                           {.name = "download",
                                            .method = "GET",
                                            .route = "/{id}/download",
                                            .returns = CBL_RETURNS_BYTES,
                                            .params = {ID, TARGET, OPTIONS}},
                                           {.name = "regenerate",
                                            .method = "POST",
                                            .route = "/{id}/regenerate",
                                            .returns = CBL_RETURNS_CHUNK,
                                            .params = {ID}},
                                           {.name = NULL}};

/* An action of a usage file that takes nothing but its id. */
#define FILE_POST(lua_name, segment)                                                  \
  {                                                                                   \
    .name = (lua_name), .method = "POST", .route = "/{id}/" segment, .params = { ID } \
  }

static const cbl_action file_actions[] = {
    {.name = "accept",
     .method = "POST",
     .route = "/{id}/accept",
     .shape = CBL_SHAPE_OBJECT,
     .params = {ID, {CBL_PARAM_FIELD, "note", "acceptance_note"}}},
    {.name = "approveAll", .method = "PUT", .route = "/{id}/approve-all", .params = {ID}},
    FILE_POST("close", "close"),
    FILE_POST("delete", "delete"),
    FILE_POST("reprocess", "reprocess"),
    FILE_POST("submit", "submit"),
    {.name = "reject",
     .method = "POST",
     .route = "/{id}/reject",
     .shape = CBL_SHAPE_OBJECT,
     .params = {ID, {CBL_PARAM_FIELD, "note", "rejection_note"}}},
    {.name = "upload",
     .method = "POST",
     .route = "/{id}/upload",
     .params = {ID, FILE_PART("usage_file"), OPTIONS}},
    {.name = "reconciliation",
     .method = "POST",
     .route = "/{id}/reconciliation",
     .params = {ID, FILE_PART("recon_file"), OPTIONS}},
    {.name = "categories", .method = "GET", .route = "/{id}/categories", .params = {ID}},
    {.name = "template",
     .method = "GET",
     .route = "^/usage/products/{id}/template",
     .params = {{CBL_PARAM_ID, "productId", NULL}}},
    {.name = NULL}};

static const cbl_action reconciliation_actions[] = {
    {.name = "create",
     .method = "POST",
     .route = "",
     .params = {FILE_PART("recon_file"), {CBL_PARAM_PART, "note", "upload_note"}, OPTIONS}},
    {.name = "processedFile",
     .method = "GET",
     .route = "/{id}/processedfile",
     .returns = CBL_RETURNS_BYTES,
     .params = {ID, TARGET, OPTIONS}},
    {.name = "uploadedFile",
     .method = "GET",
     .route = "/{id}/uploadedfile",
     .returns = CBL_RETURNS_BYTES,
     .params = {ID, TARGET, OPTIONS}},
    {.name = NULL}};

static const cbl_action no_actions[] = {{.name = NULL}};

const cbl_class cbl_classes[] = {
    {"GenericResource", NULL, NULL, no_actions},
    {"UsageRecordResource", "/usage/records", "usageRecords", record_actions},
    {"UsageChunkResource", "/usage/chunks", "usageChunks", chunk_actions},
    {"UsageFileResource", "/usage/files", "usageFiles", file_actions},
    {"UsageAggregateResource", "/usage/aggregates", "usageAggregates", no_actions},
    {"UsageReconciliationResource", "/usage/reconciliations", "usageReconciliations",
     reconciliation_actions},
    {NULL, NULL, NULL, NULL}};
