/*
** cbl_request.c - client:request.
*/
#include "cbl_request.h"

#include <stddef.h>
#include <string.h>

#include "cbc_url.h"
#include "cbl_aux.h"
#include "cbl_call.h"
#include "cbl_check.h"
#include "cbl_job.h"
#include "cbl_json.h"
#include "cbl_options.h"
#include "cbl_query.h"

typedef struct settings {
  cbl_limits limits; /* first: see CBL_LIMITS */
  bool raw;
} settings;

static const cbl_option options[] = {CBL_LIMITS,
                                     {"raw", CBL_FLAG, offsetof(settings, raw)},
                                     {"query", CBL_ANY, 0},
                                     {"body", CBL_ANY, 0},
                                     {"headers", CBL_ANY, 0},
                                     CBL_NO_MORE};

/* Where the arguments stand, and what is made of them. */
enum { CLIENT = 1, METHOD, PATH, OPTIONS, QUERY, JOB };

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};

static const cbl_endpoint decoded = {.name = "request", .returns = CBL_RETURNS_ANY};
static const cbl_endpoint raw = {.name = "request", .returns = CBL_RETURNS_RAW};

static const char *check_method(lua_State *L) {
  size_t n;
  const char *method;
  if (lua_type(L, METHOD) != LUA_TSTRING) cbl_typeerror(L, METHOD, "method", "a string", METHOD);
  method = lua_tolstring(L, METHOD, &n);
  for (int i = 0; methods[i] != NULL; i++)
    if (strcmp(methods[i], method) == 0 && strlen(method) == n) return methods[i];
  cbl_argerror(L, METHOD, "the method must be GET, POST, PUT, PATCH or DELETE");
  return NULL;
}

/* Checks the path, and that a query does not stand in it. */
static void check_path(lua_State *L) {
  cbc_error err;
  size_t n;
  const char *path;
  if (lua_type(L, PATH) != LUA_TSTRING) cbl_typeerror(L, PATH, "path", "a string", PATH);
  path = lua_tolstring(L, PATH, &n);
  if (cbc_url_check_path(path, n, &err) != CBC_OK)
    cbl_argerror(
        L, PATH,
        lua_pushfstring(L, "the path %s%s", err.message,
                        memchr(path, '?', n) != NULL ? " (a query goes into options.query)" : ""));
}

/* Puts the options' query, as it is sent, at its place; nil without. */
static void read_query(lua_State *L) {
  lua_getfield(L, OPTIONS, "query");
  lua_replace(L, QUERY);
  if (lua_isnil(L, QUERY)) return;
  if (!cbl_query_push(L, OPTIONS, QUERY, 0)) lua_pushnil(L);
  lua_replace(L, QUERY);
}

static void read_body(lua_State *L) {
  if (lua_getfield(L, OPTIONS, "body") == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  if (!lua_istable(L, -1)) cbl_typeerror(L, OPTIONS, "option 'body'", "a table", -1);
  cbl_check_body(L, OPTIONS, -1);
  cbl_json_encode(L);
  cbl_job_take_body(L, JOB);
}

static void read_headers(lua_State *L, cbc_request *r) {
  lua_getfield(L, OPTIONS, "headers");
  r->headers = cbl_options_headers(L, OPTIONS, lua_gettop(L), &r->header_count);
  cbl_job_anchor(L, JOB, CBL_JOB_HEADERS);
  lua_pop(L, 1);
}

static void add_url(lua_State *L, cbc_request *r) {
  cbc_buffer_adds(&r->url, lua_tostring(L, PATH));
  if (!lua_isnil(L, QUERY)) {
    cbc_buffer_adds(&r->url, "?");
    cbc_buffer_adds(&r->url, lua_tostring(L, QUERY));
  }
  if (r->url.failed) cbl_raise_nomem(L);
}

/* Leaves a copy of the options, or an empty table, at their place. */
static void copy_options(lua_State *L) {
  if (lua_isnil(L, OPTIONS)) {
    lua_newtable(L);
  } else {
    if (!lua_istable(L, OPTIONS)) cbl_typeerror(L, OPTIONS, "options", "a table", OPTIONS);
    cbl_options_copy(L, OPTIONS);
  }
  lua_replace(L, OPTIONS);
}

int cbl_request_perform(lua_State *L) {
  cbl_client *c = cbl_client_check(L, CLIENT);
  settings s = {.limits = cbl_limits_of(cbc_client_policy(c->live.core)), .raw = false};
  const char *method;
  cbc_policy policy;
  cbc_request *r;
  cbl_job *job;
  cbl_checklast(L, OPTIONS);
  lua_settop(L, QUERY);
  method = check_method(L);
  check_path(L);
  copy_options(L);
  cbl_options_read(L, OPTIONS, OPTIONS, options, &s);
  read_query(L);
  job = cbl_job_push(L, CLIENT, NULL, s.raw ? &raw : &decoded);
  r = &job->call->request;
  r->method = method;
  r->whole = s.raw;
  r->connect_timeout = s.limits.connect_timeout;
  read_body(L);
  read_headers(L, r);
  add_url(L, r);
  policy = cbl_limits_policy(&s.limits);
  cbc_call_start(job->call, &policy, cbc_exchange_repeat(method));
  return cbl_call_run(L, JOB);
}
