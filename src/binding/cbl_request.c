/*
** cbl_request.c - client:request.
*/
#include "cbl_request.h"

#include <stddef.h>
#include <string.h>

#include "cbc_url.h"
#include "cbl_answer.h"
#include "cbl_body.h"
#include "cbl_json.h"
#include "cbl_options.h"
#include "cbl_query.h"
#include "cbl_reply.h"
#include "cbl_shared.h"

typedef struct settings {
  cbl_limits limits; /* first: see CBL_LIMITS */
  bool raw;
} settings;

static const cbl_option options[] = {CBL_LIMITS,
                                     {"raw", CBL_FLAG, offsetof(settings, raw)},
                                     {"query", CBL_ANY, 0},
                                     {"body", CBL_ANY, 0},
                                     {"headers", CBL_ANY, 0},
                                     {NULL, CBL_ANY, 0}};

/* Where the arguments stand. */
enum { CLIENT = 1, METHOD, PATH, OPTIONS, QUERY, BODY, HEADERS, FIELDS };

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", NULL};

static const char *check_method(lua_State *L) {
  size_t n;
  const char *method = luaL_checklstring(L, METHOD, &n);
  for (int i = 0; methods[i] != NULL; i++)
    if (strcmp(methods[i], method) == 0 && strlen(method) == n) return methods[i];
  luaL_argerror(L, METHOD, "the method must be GET, POST, PUT, PATCH or DELETE");
  return NULL;
}

/* Replaces the field's value at index with what is sent: query or JSON text. */
static void check_query(lua_State *L) {
  bool some;
  if (lua_isnil(L, QUERY)) return;
  some = cbl_query_push(L, OPTIONS, QUERY, 0);
  if (!some) lua_pushnil(L);
  lua_replace(L, QUERY);
}

static void check_body(lua_State *L) {
  if (lua_isnil(L, BODY)) return;
  if (!lua_istable(L, BODY))
    luaL_argerror(
        L, OPTIONS,
        lua_pushfstring(L, "option 'body' must be a table, got %s", luaL_typename(L, BODY)));
  cbl_body_check(L, OPTIONS, BODY);
  lua_pushvalue(L, BODY);
  cbl_json_encode(L);
  lua_replace(L, BODY);
}

/* Checks the path, and that a query does not stand in it. */
static void check_path(lua_State *L) {
  cbc_error err;
  size_t n;
  const char *path = luaL_checklstring(L, PATH, &n);
  if (cbc_url_check_path(path, n, &err) != CBC_OK)
    luaL_argerror(
        L, PATH,
        lua_pushfstring(L, "the path %s%s", err.message,
                        memchr(path, '?', n) != NULL ? " (a query goes into options.query)" : ""));
}

/* Leaves query, body, headers and their fields at their places. */
static void read_options(lua_State *L, settings *s, size_t *header_count) {
  if (lua_isnil(L, OPTIONS)) {
    lua_newtable(L);
    lua_replace(L, OPTIONS);
  }
  luaL_checktype(L, OPTIONS, LUA_TTABLE);
  cbl_options_read(L, OPTIONS, OPTIONS, options, s);
  lua_getfield(L, OPTIONS, "query");
  lua_getfield(L, OPTIONS, "body");
  lua_getfield(L, OPTIONS, "headers");
  cbl_options_headers(L, OPTIONS, HEADERS, header_count);
  check_query(L);
  check_body(L);
}

static void build(lua_State *L, cbl_job *job, const char *method, const settings *s,
                  size_t header_count) {
  cbc_request *r = &job->call->request;
  r->method = method;
  r->connect_timeout = s->limits.connect_timeout;
  r->headers = lua_touserdata(L, FIELDS);
  r->header_count = header_count;
  cbc_buffer_adds(&r->url, lua_tostring(L, PATH));
  if (!lua_isnil(L, QUERY)) {
    cbc_buffer_adds(&r->url, "?");
    cbc_buffer_adds(&r->url, lua_tostring(L, QUERY));
  }
  if (!lua_isnil(L, BODY)) {
    r->body = CBC_BODY_JSON;
    r->json = lua_tolstring(L, BODY, &r->json_size);
  }
  if (r->url.failed) cbl_raise_nomem(L);
}

/* The reader (cbl_answer.h); ud: the settings. */
static int read_reply(lua_State *L, cbl_job *job, const void *ud) {
  const settings *s = ud;
  cbl_reply_push_body(L, job->call->attempt);
  if (!s->raw) {
    if (lua_rawlen(L, -1) == 0) {
      lua_pushboolean(L, 1);
    } else if (!cbl_json_decode(L)) {
      lua_pushfstring(L, "the reply is no JSON: %s", lua_tostring(L, -1));
      cbc_call_unreadable(job->call);
      return 0;
    }
  }
  cbl_reply_push(L, job->client, job->call->attempt);
  return 2;
}

int cbl_request_perform(lua_State *L) {
  cbl_client *c = cbl_client_check(L, CLIENT);
  settings s = {.limits = cbl_limits_of(cbc_client_policy(c->core))};
  cbl_job job = {.client = NULL};
  const char *method;
  cbc_policy policy;
  size_t header_count;
  lua_settop(L, OPTIONS);
  method = check_method(L);
  check_path(L);
  read_options(L, &s, &header_count);
  policy = cbl_limits_policy(&s.limits);
  cbl_call_begin(L, &job, CLIENT);
  build(L, &job, method, &s, header_count);
  cbc_call_start(job.call, &policy, cbc_exchange_repeat(method));
  return cbl_answer(L, &job, read_reply, &s);
}
