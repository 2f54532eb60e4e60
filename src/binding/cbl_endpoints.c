/*
** cbl_endpoints.c - the operations of the usage part of the API (its
** description, 37.0) and those that every collection has.
**
** A row, from left to right:
**   name      of the method in Lua
**   method    of HTTP
**   route     below the collection; with a leading '^', below the endpoint
**   body      what the fields among the parameters make
**   returns   see cbl_returns
**   confirm   route of the GET that shows whether a change took effect
**   params    in the order of the arguments; a table of options follows them
**   otherwise a second row, for a service that does not have the route
*/
#include "cbl_endpoints.h"

#include <string.h>

/* clang-format off */

#define NO_BODY CBL_SHAPE_NONE
#define OBJECT  CBL_SHAPE_OBJECT
#define LIST    CBL_SHAPE_LIST

#define R(what) CBL_RETURNS_##what
#define P(what) CBL_PARAM_##what

#define END {NULL, NULL, NULL, NO_BODY, R(ANY), NULL, {P(NONE)}, NULL}

const cbl_endpoint cbl_generic_endpoints[] = {
/*  name              method    route                             body     returns     confirm  params  otherwise */
  {"get",             "GET",    "/{id}",                          NO_BODY, R(OBJECT),  NULL,    {P(ID)}, NULL},
  {"create",          "POST",   "",                               NO_BODY, R(TABLE),   NULL,    {P(OBJECT)}, NULL},
  {"update",          "PUT",    "/{id}",                          NO_BODY, R(OBJECT),  NULL,    {P(ID), P(OBJECT)}, NULL},
  {"delete",          "DELETE", "/{id}",                          NO_BODY, R(TRUE),    NULL,    {P(ID)}, NULL},
  {"search",          "GET",    "",                               NO_BODY, R(LIST),    NULL,    {P(FILTERS), P(FILTER_OPTIONS)}, NULL},
  {"action",          "POST",   "/{id}/{id}",                     NO_BODY, R(TABLE),   NULL,    {P(ID), P(ACTION), P(BODY)}, NULL},
  END};

const cbl_endpoint cbl_refresh_endpoint =
  {"refresh",         "GET",    "/{id}",                          NO_BODY, R(CHUNK),   NULL,    {P(ID)}, NULL};

/* The route of the JavaScript SDK, which the API's description does not have. */
static const cbl_endpoint close_records_single =
  {"closeRecords",    "POST",   "/{id}/close-records",            OBJECT,  R(CLOSED),  "/{id}", {P(FILE_ID), P(RECORD_ID), P(BILLING_ID), P(BILLING_NOTE)}, NULL};

static const cbl_endpoint records[] = {
  {"close",           "POST",   "/{id}/close",                    OBJECT,  R(CLOSED),  "/{id}", {P(ID), P(BILLING_ID), P(BILLING_NOTE)}, NULL},
  {"closeRecords",    "POST",   "/close-records",                 LIST,    R(ENTRY),   "/{id}", {P(FILE_ID), P(RECORD_ID), P(BILLING_ID), P(BILLING_NOTE)}, &close_records_single},
  {"settle",          "GET",    "/{id}",                          NO_BODY, R(SETTLED), NULL,    {P(ID), P(BILLING_ID), P(BILLING_NOTE)}, NULL},
  END};

static const cbl_endpoint chunks[] = {
  {"get",             "GET",    "/{id}",                          NO_BODY, R(CHUNK),   NULL,    {P(ID)}, NULL},
  {"update",          "PUT",    "/{id}",                          NO_BODY, R(CHUNK),   NULL,    {P(ID), P(OBJECT)}, NULL},
  {"close",           "POST",   "/{id}/close",                    OBJECT,  R(CLOSED),  "/{id}", {P(ID), P(BILLING_ID), P(BILLING_NOTE)}, NULL},
  {"download",        "GET",    "/{id}/download",                 NO_BODY, R(BYTES),   NULL,    {P(ID), P(TARGET)}, NULL},
  {"regenerate",      "POST",   "/{id}/regenerate",               NO_BODY, R(CHUNK),   NULL,    {P(ID)}, NULL},
  END};

static const cbl_endpoint files[] = {
  {"accept",          "POST",   "/{id}/accept",                   OBJECT,  R(OBJECT),  NULL,    {P(ID), P(ACCEPTANCE_NOTE)}, NULL},
  {"approveAll",      "PUT",    "/{id}/approve-all",              NO_BODY, R(OBJECT),  NULL,    {P(ID)}, NULL},
  {"close",           "POST",   "/{id}/close",                    NO_BODY, R(OBJECT),  NULL,    {P(ID)}, NULL},
  {"delete",          "POST",   "/{id}/delete",                   NO_BODY, R(OBJECT),  NULL,    {P(ID)}, NULL},
  {"reprocess",       "POST",   "/{id}/reprocess",                NO_BODY, R(OBJECT),  NULL,    {P(ID)}, NULL},
  {"submit",          "POST",   "/{id}/submit",                   NO_BODY, R(OBJECT),  NULL,    {P(ID)}, NULL},
  {"reject",          "POST",   "/{id}/reject",                   OBJECT,  R(OBJECT),  NULL,    {P(ID), P(REJECTION_NOTE)}, NULL},
  {"upload",          "POST",   "/{id}/upload",                   NO_BODY, R(OBJECT),  NULL,    {P(ID), P(USAGE_FILE)}, NULL},
  {"reconciliation",  "POST",   "/{id}/reconciliation",           NO_BODY, R(TABLE),   NULL,    {P(ID), P(RECON_FILE)}, NULL},
  {"categories",      "GET",    "/{id}/categories",               NO_BODY, R(TABLE),   NULL,    {P(ID)}, NULL},
  {"template",        "GET",    "^/usage/products/{id}/template", NO_BODY, R(TABLE),   NULL,    {P(PRODUCT_ID)}, NULL},
  END};

static const cbl_endpoint reconciliations[] = {
  {"create",          "POST",   "",                               NO_BODY, R(TABLE),   NULL,    {P(RECON_FILE), P(UPLOAD_NOTE)}, NULL},
  {"processedFile",   "GET",    "/{id}/processedfile",            NO_BODY, R(BYTES),   NULL,    {P(ID), P(TARGET)}, NULL},
  {"uploadedFile",    "GET",    "/{id}/uploadedfile",             NO_BODY, R(BYTES),   NULL,    {P(ID), P(TARGET)}, NULL},
  END};

static const cbl_endpoint none[] = {END};

const cbl_class cbl_classes[] = {
/*  name                           base_uri                  property                object               endpoints */
  {"GenericResource",              NULL,                     NULL,                   "an object",         none},
  {"UsageRecordResource",          "/usage/records",         "usageRecords",         "a usage record",    records},
  {"UsageChunkResource",           "/usage/chunks",          "usageChunks",          "a usage chunk",     chunks},
  {"UsageFileResource",            "/usage/files",           "usageFiles",           "a usage file",      files},
  {"UsageAggregateResource",       "/usage/aggregates",      "usageAggregates",      "an aggregate",      none},
  {"UsageReconciliationResource",  "/usage/reconciliations", "usageReconciliations", "a reconciliation",  reconciliations},
  {NULL,                           NULL,                     NULL,                   NULL,                NULL}};

/* clang-format on */

const cbl_endpoint *cbl_class_find(const cbl_class *class, const char *name) {
  for (const cbl_endpoint *e = class->endpoints; e->name != NULL; e++)
    if (strcmp(e->name, name) == 0) return e;
  return NULL;
}
