/*
** cbl_arguments.c - the arguments of a method.
*/
#include "cbl_arguments.h"

#include "cbl_aux.h"
#include "cbl_check.h"
#include "cbl_download.h"
#include "cbl_json.h"
#include "cbl_query.h"
#include "cbl_upload.h"

/* How parameters are called: by messages, and in the body or as a part of it. */
static const struct {
  const char *name;
  const char *field;
} names[CBL_PARAMS] = {
    [CBL_PARAM_ID] = {"id", NULL},
    [CBL_PARAM_FILE_ID] = {"id", NULL},
    [CBL_PARAM_PRODUCT_ID] = {"productId", NULL},
    [CBL_PARAM_ACTION] = {"name", NULL},
    [CBL_PARAM_RECORD_ID] = {"recordId", "id"},
    [CBL_PARAM_BILLING_ID] = {"externalBillingId", "external_billing_id"},
    [CBL_PARAM_BILLING_NOTE] = {"externalBillingNote", "external_billing_note"},
    [CBL_PARAM_ACCEPTANCE_NOTE] = {"note", "acceptance_note"},
    [CBL_PARAM_REJECTION_NOTE] = {"note", "rejection_note"},
    [CBL_PARAM_OBJECT] = {"object", NULL},
    [CBL_PARAM_BODY] = {"body", NULL},
    [CBL_PARAM_USAGE_FILE] = {"file", "usage_file"},
    [CBL_PARAM_RECON_FILE] = {"file", "recon_file"},
    [CBL_PARAM_UPLOAD_NOTE] = {"note", "upload_note"},
    [CBL_PARAM_TARGET] = {"to", NULL},
};

/* Where the arguments of a job stand. */
typedef struct reader {
  cbl_job *job;
  int idx; /* of the job */
  cbl_arguments *a;
} reader;

/* ==== Strings ========================================================= */

static int bad_argument(lua_State *L, int arg, cbl_param p, const char *what) {
  return cbl_argerror(L, arg, lua_pushfstring(L, "%s %s", names[p].name, what));
}

static cbc_segment check_string(lua_State *L, int arg, cbl_param p) {
  cbc_segment s;
  if (lua_type(L, arg) != LUA_TSTRING) cbl_typeerror(L, arg, names[p].name, "a string", arg);
  s.bytes = lua_tolstring(L, arg, &s.size);
  return s;
}

static cbc_segment check_id(lua_State *L, int arg, cbl_param p) {
  cbc_segment id = check_string(L, arg, p);
  cbc_error err;
  if (cbc_url_check_id(id.bytes, id.size, &err) != CBC_OK) bad_argument(L, arg, p, err.message);
  return id;
}

/* A string that goes into the body, or nil. */
static cbc_segment check_field(lua_State *L, int arg, cbl_param p) {
  cbc_segment s = {NULL, 0};
  const char *problem;
  if (lua_isnoneornil(L, arg)) return s;
  s = check_string(L, arg, p);
  problem = cbl_check_billing(s.bytes, s.size, p == CBL_PARAM_BILLING_ID);
  if (problem != NULL) bad_argument(L, arg, p, problem);
  return s;
}

/* Keeps the string at arg with the job, unless it is nil. */
static cbc_segment keep(lua_State *L, const reader *r, int arg, cbc_segment s, cbl_anchor place) {
  if (s.bytes == NULL) return s;
  lua_pushvalue(L, arg);
  cbl_job_anchor(L, r->idx, place);
  return s;
}

/* An id for the next hole of the route; the first is the object meant. */
static void read_id(lua_State *L, const reader *r, int arg, cbl_param p) {
  cbc_segment id = check_id(L, arg, p);
  r->a->ids[r->a->id_count++] = id;
  if (r->a->id_count == 1) r->job->subject.id = keep(L, r, arg, id, CBL_JOB_ID);
}

/* The id of a usage file: the second route holds it, the first has no need of it. */
static void read_file_id(lua_State *L, const reader *r, int arg, cbl_param p) {
  bool needed = r->job->endpoint->shape == CBL_SHAPE_OBJECT;
  if (lua_isnoneornil(L, arg)) {
    if (needed) bad_argument(L, arg, p, "is missing; this service closes by file and record");
    return;
  }
  r->job->file_id = keep(L, r, arg, check_id(L, arg, p), CBL_JOB_FILE_ID);
  if (needed) r->a->ids[r->a->id_count++] = r->job->file_id;
}

/* ==== Tables ========================================================== */

/* Keeps the JSON text of a table as the body. */
static void read_object(lua_State *L, const reader *r, int arg, cbl_param p) {
  if (p == CBL_PARAM_BODY && lua_isnoneornil(L, arg)) return;
  if (!lua_istable(L, arg)) cbl_typeerror(L, arg, names[p].name, "a table", arg);
  cbl_check_body(L, arg, arg);
  lua_pushvalue(L, arg);
  cbl_json_encode(L);
  cbl_job_take_body(L, r->idx);
}

/* The options of one call, behind its arguments. */
static void read_options(lua_State *L, const reader *r, int arg) {
  static const cbl_option options[] = {CBL_LIMITS, {"onProgress", CBL_FUNCTION, 0}, CBL_NO_MORE};
  bool file = cbl_job_uploads(r->job) || r->job->endpoint->returns == CBL_RETURNS_BYTES;
  if (lua_isnoneornil(L, arg)) return;
  if (!lua_istable(L, arg)) cbl_typeerror(L, arg, "options", "a table", arg);
  cbl_options_copy(L, arg);
  cbl_options_read(L, arg, -1, options, &r->a->limits);
  if (lua_getfield(L, -1, "onProgress") != LUA_TNIL) {
    if (!file) cbl_argerror(L, arg, "option 'onProgress' goes with an upload or a download");
    cbl_job_anchor(L, r->idx, CBL_JOB_PROGRESS);
  } else {
    lua_pop(L, 1);
  }
}

/* ==== Rows ============================================================ */

static void read_argument(lua_State *L, const reader *r, int arg, cbl_param p) {
  cbl_job *job = r->job;
  switch (p) {
  case CBL_PARAM_ID:
  case CBL_PARAM_PRODUCT_ID:
  case CBL_PARAM_ACTION:
    read_id(L, r, arg, p);
    break;
  case CBL_PARAM_FILE_ID:
    read_file_id(L, r, arg, p);
    break;
  case CBL_PARAM_RECORD_ID:
    job->subject.id = keep(L, r, arg, check_id(L, arg, p), CBL_JOB_ID);
    break;
  case CBL_PARAM_BILLING_ID:
    job->subject.billing_id = keep(L, r, arg, check_field(L, arg, p), CBL_JOB_BILLING_ID);
    break;
  case CBL_PARAM_BILLING_NOTE:
    job->subject.note = keep(L, r, arg, check_field(L, arg, p), CBL_JOB_NOTE);
    break;
  case CBL_PARAM_ACCEPTANCE_NOTE:
  case CBL_PARAM_REJECTION_NOTE:
    check_field(L, arg, p);
    break;
  case CBL_PARAM_OBJECT:
  case CBL_PARAM_BODY:
    read_object(L, r, arg, p);
    break;
  case CBL_PARAM_FILTERS:
    r->a->query = cbl_query_push(L, arg, arg, arg + 1) ? lua_gettop(L) : 0;
    break;
  case CBL_PARAM_USAGE_FILE:
  case CBL_PARAM_RECON_FILE:
    cbl_upload_read(L, r->idx, arg, names[p].field);
    break;
  case CBL_PARAM_UPLOAD_NOTE:
    cbl_upload_add_field(L, r->idx, arg, names[p].field, check_field(L, arg, p));
    break;
  case CBL_PARAM_TARGET:
    cbl_download_read(L, r->idx, arg);
    break;
  case CBL_PARAM_FILTER_OPTIONS: /* read with the filters */
  case CBL_PARAM_NONE:
  case CBL_PARAMS:
    break;
  }
}

/* Writes the body made of the fields among the arguments, in the order of the
** row; absent ones are left out. */
static void read_fields(lua_State *L, const reader *r, int first) {
  const cbl_endpoint *e = r->job->endpoint;
  bool list = e->shape == CBL_SHAPE_LIST;
  const char *before = "\"";
  cbc_buffer *b = &r->job->call->request.text;
  cbc_buffer_adds(b, list ? "[{" : "{");
  for (int i = 0; e->params[i] != CBL_PARAM_NONE; i++) {
    const char *field = names[e->params[i]].field;
    if (field == NULL || lua_isnil(L, first + i)) continue;
    cbc_buffer_adds(b, before);
    cbc_buffer_adds(b, field);
    cbc_buffer_adds(b, "\":");
    cbl_json_add_string(L, b, first + i);
    before = ",\"";
  }
  cbc_buffer_adds(b, list ? "}]" : "}");
  cbl_job_take_text(L, r->job);
}

int cbl_arguments_count(const cbl_endpoint *endpoint) {
  int n = 0;
  while (endpoint->params[n] != CBL_PARAM_NONE)
    n++;
  return n;
}

void cbl_arguments_read(lua_State *L, int idx, int first, cbl_arguments *a) {
  reader r = {.job = lua_touserdata(L, idx), .idx = idx, .a = a};
  const cbl_endpoint *e = r.job->endpoint;
  int count = cbl_arguments_count(e);
  a->id_count = 0;
  a->query = 0;
  a->limits = cbl_limits_of(cbc_client_policy(r.job->call->client));
  for (int i = 0; i < count; i++)
    read_argument(L, &r, first + i, e->params[i]);
  read_options(L, &r, first + count);
  if (e->shape != CBL_SHAPE_NONE) read_fields(L, &r, first);
}
