/*
** cbl_action.c - carries out a row of the table of actions: arguments to
** request, request to call, reply to object or failure.
*/
#include "cbl_action.h"

#include <string.h>

#include "cbc_url.h"
#include "cbl_answer.h"
#include "cbl_body.h"
#include "cbl_call.h"
#include "cbl_chunk.h"
#include "cbl_files.h"
#include "cbl_json.h"
#include "cbl_options.h"
#include "cbl_query.h"
#include "cbl_shared.h"

/* Arguments, checked. Their bytes belong to strings on the Lua stack. */
typedef struct arguments {
  const cbl_action *action;
  const char *base_uri;
  int first;                       /* stack index of the first */
  cbc_segment ids[CBL_PARAMS_MAX]; /* for the holes of the route */
  size_t id_count;
  cbc_segment subject; /* what the call is about, for its confirmation */
  cbc_segment billing; /* bytes NULL: none */
  int body;            /* stack index of the JSON text, 0 without */
  int query;           /* stack index of the query, 0 without */
  cbc_part parts[CBC_PARTS_MAX];
  size_t part_count;
  cbl_files files;
  cbl_limits limits;
  int progress; /* stack index of onProgress, 0 without */
} arguments;

/* ==== Arguments ======================================================= */

static int index_of(const arguments *a, int param) {
  return a->first + param;
}

static int bad_argument(lua_State *L, int arg, const char *name, const char *what) {
  return luaL_argerror(L, arg, lua_pushfstring(L, "%s %s", name, what));
}

static cbc_segment check_string(lua_State *L, int arg, const char *name) {
  cbc_segment s;
  if (lua_type(L, arg) != LUA_TSTRING)
    bad_argument(L, arg, name,
                 lua_pushfstring(L, "must be a string, got %s",
                                 lua_isnone(L, arg) ? "nothing" : luaL_typename(L, arg)));
  s.bytes = lua_tolstring(L, arg, &s.size);
  return s;
}

static cbc_segment check_id(lua_State *L, int arg, const char *name) {
  cbc_segment id = check_string(L, arg, name);
  cbc_error err;
  if (cbc_url_check_id(id.bytes, id.size, &err) != CBC_OK) bad_argument(L, arg, name, err.message);
  return id;
}

/* A string that goes into the body, or nil. */
static cbc_segment check_field(lua_State *L, int arg, const cbl_param *p) {
  cbc_segment s = {NULL, 0};
  if (lua_isnoneornil(L, arg)) return s;
  s = check_string(L, arg, p->name);
  if (!cbl_body_is_utf8(s.bytes, s.size)) bad_argument(L, arg, p->name, "is not UTF-8");
  if (p->kind == CBL_PARAM_BILLING && s.size == 0)
    bad_argument(L, arg, p->name, "is empty; pass nil to close without one");
  return s;
}

/* Checks a table for a body and pushes its JSON text. */
static void check_object(lua_State *L, arguments *a, int arg, const cbl_param *p) {
  if (p->kind == CBL_PARAM_ANY_BODY && lua_isnoneornil(L, arg)) return;
  if (!lua_istable(L, arg))
    bad_argument(L, arg, p->name,
                 lua_pushfstring(L, "must be a table, got %s",
                                 lua_isnone(L, arg) ? "nothing" : luaL_typename(L, arg)));
  cbl_body_check(L, arg, arg);
  lua_pushvalue(L, arg);
  cbl_json_encode(L);
  a->body = lua_gettop(L);
}

/* A string that goes as a part of its own, or nil. */
static void check_part(lua_State *L, arguments *a, int arg, const cbl_param *p) {
  cbc_segment s = check_field(L, arg, p);
  if (s.bytes != NULL)
    a->parts[a->part_count++] = (cbc_part){.name = p->field, .data = s.bytes, .data_size = s.size};
}

/* The options of one call. */
static void check_options(lua_State *L, arguments *a, int arg) {
  static const cbl_option options[] = {CBL_LIMITS, {"onProgress", CBL_ANY, 0}, {NULL, CBL_ANY, 0}};
  if (lua_isnoneornil(L, arg)) return;
  luaL_checktype(L, arg, LUA_TTABLE);
  cbl_options_read(L, arg, arg, options, &a->limits);
  if (lua_getfield(L, arg, "onProgress") == LUA_TNIL) return;
  if (!lua_isfunction(L, -1))
    luaL_argerror(
        L, arg,
        lua_pushfstring(L, "option 'onProgress' must be a function, got %s", luaL_typename(L, -1)));
  a->progress = lua_gettop(L);
}

static void check_argument(lua_State *L, arguments *a, int arg, const cbl_param *p,
                           const cbc_env *env) {
  switch (p->kind) {
  case CBL_PARAM_ID:
    a->ids[a->id_count++] = check_id(L, arg, p->name);
    if (a->id_count == 1) a->subject = a->ids[0];
    break;
  case CBL_PARAM_ASIDE:
    check_id(L, arg, p->name);
    break;
  case CBL_PARAM_SUBJECT:
    a->subject = check_id(L, arg, p->name);
    break;
  case CBL_PARAM_BILLING:
    a->billing = check_field(L, arg, p);
    break;
  case CBL_PARAM_FIELD:
    check_field(L, arg, p);
    break;
  case CBL_PARAM_OBJECT:
  case CBL_PARAM_ANY_BODY:
    check_object(L, a, arg, p);
    break;
  case CBL_PARAM_FILTER:
    a->query = cbl_query_push(L, arg, arg, arg + 1) ? lua_gettop(L) : 0;
    break;
  case CBL_PARAM_FILE:
    cbl_files_read_source(L, arg, p->field, env, &a->files, &a->parts[a->part_count++]);
    break;
  case CBL_PARAM_PART:
    check_part(L, a, arg, p);
    break;
  case CBL_PARAM_TARGET:
    cbl_files_read_target(L, arg, env, &a->files);
    break;
  case CBL_PARAM_OPTIONS:
    check_options(L, a, arg);
    break;
  case CBL_PARAM_NONE:
    break;
  }
}

/* Pushes the body made of the fields among the arguments, in the order of the
** row; absent ones are left out. */
static void push_fields(lua_State *L, arguments *a) {
  const cbl_param *p = a->action->params;
  bool list = a->action->shape == CBL_SHAPE_LIST;
  const char *separator = "";
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, list ? "[{" : "{");
  for (int i = 0; p[i].kind != CBL_PARAM_NONE; i++) {
    if (p[i].field == NULL || lua_isnoneornil(L, index_of(a, i))) continue;
    luaL_addstring(&b, separator);
    luaL_addchar(&b, '"');
    luaL_addstring(&b, p[i].field);
    luaL_addstring(&b, "\":");
    cbl_json_add_string(L, &b, index_of(a, i));
    separator = ",";
  }
  luaL_addstring(&b, list ? "}]" : "}");
  luaL_pushresult(&b);
  a->body = lua_gettop(L);
}

/* Checks every argument; what is made from them is left on the stack. */
static void read_arguments(lua_State *L, arguments *a, const cbl_action *action, int first,
                           const cbc_client *client) {
  *a = (arguments){.action = action, .first = first};
  a->limits = cbl_limits_of(cbc_client_policy(client));
  for (int i = 0; action->params[i].kind != CBL_PARAM_NONE; i++)
    check_argument(L, a, index_of(a, i), &action->params[i], cbc_client_env(client));
  if (action->shape != CBL_SHAPE_NONE) push_fields(L, a);
}

/* ==== Request ========================================================= */

static cbc_repeat repeat_of(const cbl_action *action) {
  if (action->confirm != NULL) return CBC_REPEAT_PROBED;
  return strcmp(action->method, "POST") == 0 ? CBC_REPEAT_NEVER : CBC_REPEAT_SAFE;
}

/* A route with a leading '^' stands below the endpoint rather than the
** collection. */
static void add_route(cbc_buffer *url, const char *base_uri, const char *route,
                      const cbc_segment *ids) {
  if (*route == '^')
    route++;
  else
    cbc_buffer_adds(url, base_uri);
  cbc_url_add_route(url, route, ids);
}

static void build_request(lua_State *L, cbl_job *job, const arguments *a) {
  cbc_request *r = &job->call->request;
  const cbl_action *action = a->action;
  r->method = action->method;
  add_route(&r->url, a->base_uri, action->route, a->ids);
  if (a->query != 0) {
    size_t n;
    const char *query = lua_tolstring(L, a->query, &n);
    cbc_buffer_adds(&r->url, "?");
    cbc_buffer_add(&r->url, query, n);
  }
  if (a->body != 0) {
    r->body = CBC_BODY_JSON;
    r->json = lua_tolstring(L, a->body, &r->json_size);
  }
  if (a->part_count > 0) {
    r->body = CBC_BODY_MULTIPART;
    memcpy(r->parts, a->parts, sizeof a->parts);
    r->part_count = a->part_count;
  }
  r->stream = cbl_files_has_target(&a->files);
  r->connect_timeout = a->limits.connect_timeout;
  job->progress = a->progress;
  if (r->url.failed) cbl_raise_nomem(L);
}

/* Points the confirming GET at the subject (see cbl_job). */
static void aim(lua_State *L, cbl_job *job) {
  const arguments *a = job->arguments;
  cbc_buffer *url = &job->call->probe.url;
  cbc_buffer_adds(url, cbc_client_endpoint(job->client->core));
  add_route(url, a->base_uri, a->action->confirm, &a->subject);
  if (url->failed) cbl_raise_nomem(L);
}

/* Tells the job what its confirmation is about. */
static void prepare_probe(cbl_job *job, const arguments *a) {
  if (a->action->confirm == NULL) return;
  job->aim = aim;
  job->arguments = a;
  job->subject = a->subject.bytes;
  job->subject_size = a->subject.size;
  job->billing_id = a->billing.bytes;
  job->billing_id_size = a->billing.size;
}

/* ==== Answer ========================================================== */

/* True when an entry of the bulk reply, at the top of the stack, has an empty
** field of that name. */
static bool is_field_empty(lua_State *L, const char *name) {
  bool empty;
  int type = lua_getfield(L, -1, name);
  empty = type == LUA_TNIL || type == LUA_TLIGHTUSERDATA ||
          ((type == LUA_TSTRING || type == LUA_TTABLE) && lua_rawlen(L, -1) == 0);
  lua_pop(L, 1);
  return empty;
}

/* Pushes the entry of the list at the top of the stack that tells of the
** subject; false, pushing nothing, when there is none. */
static bool find_entry(lua_State *L, const arguments *a) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_rawgeti(L, -1, i) == LUA_TTABLE) {
      bool found = lua_getfield(L, -1, "id") == LUA_TSTRING &&
                   lua_rawlen(L, -1) == a->subject.size &&
                   memcmp(lua_tostring(L, -1), a->subject.bytes, a->subject.size) == 0;
      lua_pop(L, 1);
      if (found) return true;
    }
    lua_pop(L, 1);
  }
  return false;
}

/* Pushes why the entry at the top of the stack says that the record was not
** closed; false when it was. */
static bool explain_entry(lua_State *L) {
  bool closed =
      lua_getfield(L, -1, "status") == LUA_TSTRING && strcmp(lua_tostring(L, -1), "closed") == 0;
  lua_pop(L, 1);
  if (closed && is_field_empty(L, "error_codes") && is_field_empty(L, "error_details"))
    return false;
  lua_getfield(L, -1, "error_codes");
  lua_getfield(L, -2, "error_details");
  lua_pushfstring(L, "the record was not closed%s%s%s%s",
                  lua_isstring(L, -2) && lua_rawlen(L, -2) > 0 ? ": " : "",
                  lua_isstring(L, -2) ? lua_tostring(L, -2) : "",
                  lua_isstring(L, -1) && lua_rawlen(L, -1) > 0 ? ": " : "",
                  lua_isstring(L, -1) ? lua_tostring(L, -1) : "");
  return true;
}

/* Takes the entry of the subject out of the decoded list at the top of the
** stack, in its place. Else tells the call what is wrong with the reply, pushes
** a message and returns false. */
static bool take_entry(lua_State *L, cbl_job *job, const arguments *a) {
  if (!find_entry(L, a)) {
    lua_pushliteral(L, "the reply has no entry for the record");
    cbc_call_unreadable(job->call);
    return false;
  }
  lua_remove(L, -2);
  if (!explain_entry(L)) return true;
  cbc_call_denied(job->call);
  return false;
}

/* True when the decoded table at the top of the stack is an object with an id. */
static bool has_id(lua_State *L) {
  bool has = lua_getfield(L, -1, "id") == LUA_TSTRING;
  lua_pop(L, 1);
  return has;
}

/* The reader of every action (cbl_answer.h); ud: its arguments. */
static int push_results(lua_State *L, cbl_job *job, const void *ud) {
  const arguments *a = ud;
  bool confirmed = job->call->exchange.end == CBC_END_CONFIRMED;
  cbl_returns returns = a->action->returns;
  if (returns == CBL_RETURNS_TRUE) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if (cbl_files_has_target(&a->files)) return cbl_files_commit(L, job) ? 1 : 0;
  cbl_call_push_body(L, confirmed ? job->call->reading : job->call->attempt);
  if (returns == CBL_RETURNS_BYTES) return 1;
  if (returns == CBL_RETURNS_CHUNK && cbl_chunk_push_plain(L, job->client_index, confirmed))
    return 1;
  if (!cbl_answer_decode(L)) {
    cbc_call_unreadable(job->call);
    return 0;
  }
  if (returns == CBL_RETURNS_ENTRY && !confirmed && !take_entry(L, job, a)) return 0;
  if (returns == CBL_RETURNS_CHUNK || returns == CBL_RETURNS_ENTRY) {
    if (!has_id(L)) {
      lua_pushliteral(L, "the reply is no record or chunk: it has no id");
      cbc_call_unreadable(job->call);
      return 0;
    }
    cbl_chunk_push(L, job->client_index, confirmed);
    return 1;
  }
  if (returns != CBL_RETURNS_LIST) return 1;
  cbl_call_push_reply(L, job);
  return 2;
}

/* ==== Two routes ====================================================== */

/* What a call shows about its route. */
typedef enum route_state { ROUTE_SERVED, ROUTE_UNKNOWN, ROUTE_UNTOLD } route_state;

static route_state route_told(const cbl_job *job) {
  const cbc_exchange *x = &job->call->exchange;
  int status;
  if (x->end == CBC_END_REPLY || x->end == CBC_END_DENIED) return ROUTE_SERVED;
  if (x->end != CBC_END_STATUS || x->outcome != CBC_REJECTED) return ROUTE_UNTOLD;
  status = cbc_transfer_reply(job->call->attempt)->status;
  return status == 404 || status == 405 ? ROUTE_UNKNOWN : ROUTE_UNTOLD;
}

/* What is left of the call's deadline. */
static double time_left(const cbl_job *job) {
  const cbc_exchange *x = &job->call->exchange;
  const cbc_env *env = cbc_client_env(job->client->core);
  return x->policy.deadline - (env->now(env->ud) - x->started);
}

/* One route of an action, and what it showed. */
typedef struct trial {
  const cbl_action *action;
  double deadline; /* seconds; 0: that of the options */
  route_state told;
  double left; /* of the deadline, in seconds */
} trial;

/* Starts the call, unless a local file is missing: it is then over. */
static void start(cbl_job *job, arguments *a, const trial *t) {
  cbc_policy policy = cbl_limits_policy(&a->limits);
  if (t->deadline > 0) policy.deadline = t->deadline;
  if (a->files.error.code != CBC_OK)
    cbc_call_abort(job->call, &a->files.error);
  else
    cbc_call_start(job->call, &policy, repeat_of(a->action));
}

static int perform(lua_State *L, trial *t, const char *base_uri, int client, int first) {
  arguments a;
  cbl_job job = {.client = NULL};
  int n;
  read_arguments(L, &a, t->action, first, cbl_client_core(L, client));
  cbl_files_attach(&job, &a.files);
  cbl_call_begin(L, &job, client);
  a.base_uri = base_uri;
  build_request(L, &job, &a);
  prepare_probe(&job, &a);
  start(&job, &a, t);
  n = cbl_answer(L, &job, push_results, &a);
  t->told = route_told(&job);
  if (t->told == ROUTE_UNKNOWN) t->left = time_left(&job);
  return n;
}

int cbl_action_perform(lua_State *L, const cbl_action *action, const char *base_uri, int client,
                       int first) {
  cbl_client *c = lua_touserdata(L, client);
  trial t = {.action = action};
  int n, top = lua_gettop(L);
  if (action->otherwise != NULL && c->bulk == CBL_BULK_SINGLE) t.action = action->otherwise;
  n = perform(L, &t, base_uri, client, first);
  if (t.action->otherwise == NULL) return n;
  if (t.told == ROUTE_SERVED) c->bulk = CBL_BULK_LIST;
  if (t.told != ROUTE_UNKNOWN || c->bulk != CBL_BULK_UNKNOWN || t.left <= 0) return n;
  lua_settop(L, top);
  t = (trial){.action = action->otherwise, .deadline = t.left};
  n = perform(L, &t, base_uri, client, first);
  if (t.told == ROUTE_SERVED) c->bulk = CBL_BULK_SINGLE;
  return n;
}
