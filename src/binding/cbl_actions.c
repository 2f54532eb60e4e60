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
                                            .params = {ID}},
                                           {.name = "regenerate",
                                            .method = "POST",
                                            .route = "/{id}/regenerate",
                                            .returns = CBL_RETURNS_CHUNK,
                                            .params = {ID}},
                                           {.name = NULL}};

static const cbl_action no_actions[] = {{.name = NULL}};

const cbl_class cbl_classes[] = {
    {"GenericResource", NULL, NULL, no_actions},
    {"UsageRecordResource", "/usage/records", "usageRecords", record_actions},
    {"UsageChunkResource", "/usage/chunks", "usageChunks", chunk_actions},
    {NULL, NULL, NULL, NULL}};
