/*
** cbl_batch.c - closing a batch of records by the bulk route.
*/
#include "cbl_batch.h"

#include "cbl_aux.h"
#include "cbl_call.h"
#include "cbl_entries.h"
#include "cbl_job.h"
#include "cbl_options.h"
#include "cbl_resource.h"

/* Where the arguments stand, and what is made of them. */
enum { RECORDS = 1, ENTRIES, LIMITS, CLIENT, BASE_URI, JOB };

static const cbl_endpoint endpoint = {
    "closeBatch", "POST", "/close-records", CBL_SHAPE_NONE, CBL_RETURNS_BATCH, NULL, {0}, NULL};

static void read_limits(lua_State *L, cbl_limits *limits) {
  static const cbl_option options[] = {CBL_LIMITS, CBL_NO_MORE};
  if (lua_isnil(L, LIMITS)) return;
  luaL_checktype(L, LIMITS, LUA_TTABLE);
  cbl_options_copy(L, LIMITS);
  lua_replace(L, LIMITS);
  cbl_options_read(L, LIMITS, LIMITS, options, limits);
}

static void build_request(lua_State *L, cbl_job *job) {
  cbc_request *r = &job->call->request;
  r->method = endpoint.method;
  cbl_entries_add_body(L, &r->text, ENTRIES);
  cbl_job_take_text(L, job);
  lua_pushvalue(L, ENTRIES);
  cbl_job_anchor(L, JOB, CBL_JOB_ENTRIES);
  cbl_job_add_route(&r->url, lua_tostring(L, BASE_URI), endpoint.route, NULL);
  if (r->url.failed) cbl_raise_nomem(L);
}

int cbl_batch_close(lua_State *L) {
  const cbl_class *class = cbl_resource_check(L);
  cbl_limits limits;
  cbc_policy policy;
  cbl_job *job;
  luaL_checktype(L, ENTRIES, LUA_TTABLE);
  cbl_checklast(L, LIMITS);
  lua_settop(L, LIMITS);
  cbl_resource_push_client(L);
  cbl_resource_push_base_uri(L);
  job = cbl_job_push(L, CLIENT, class, &endpoint);
  limits = cbl_limits_of(cbc_client_policy(job->call->client));
  read_limits(L, &limits);
  build_request(L, job);
  job->call->request.connect_timeout = limits.connect_timeout;
  policy = cbl_limits_policy(&limits);
  cbc_call_start(job->call, &policy, cbc_exchange_repeat(endpoint.method));
  return cbl_call_run(L, JOB);
}
