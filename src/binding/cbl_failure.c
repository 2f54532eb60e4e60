/*
** cbl_failure.c - the failure object.
*/
#include "cbl_failure.h"

#include <string.h>

#include "cbc_header.h"
#include "cbl_aux.h"
#include "cbl_job.h"
#include "cbl_json.h"

/* Levels of nesting of an error's details that are kept. */
#define DEPTH_MOST 100

/* A call that took effect (CBC_APPLIED) has no failure. */
static const char *const outcomes[] = {
    [CBC_UNSENT] = "unsent", [CBC_REJECTED] = "rejected", [CBC_UNKNOWN] = "unknown"};

/* ==== Printing ======================================================== */

/* Adds field name of the failure at 1, if it has it, with head before it unless it is
** the first. */
static void add_field(lua_State *L, luaL_Buffer *b, const char *head, const char *name) {
  bool first = luaL_bufflen(b) == 0;
  if (lua_getfield(L, 1, name) == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  luaL_tolstring(L, -1, NULL);
  lua_remove(L, -2);
  lua_pushstring(L, first ? "" : head);
  lua_insert(L, -2);
  lua_concat(L, 2);
  luaL_addvalue(b);
}

/* "POST /usage/records/UR-1/close: 400 VAL_001: what went wrong", on one line
** whatever the service wrote. */
static int failure_tostring(lua_State *L) {
  luaL_Buffer b;
  char *s;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  luaL_buffinit(L, &b);
  add_field(L, &b, "", "method");
  add_field(L, &b, " ", "path");
  add_field(L, &b, ": ", "status");
  add_field(L, &b, " ", "errorCode");
  add_field(L, &b, ": ", "message");
  s = luaL_buffaddr(&b);
  for (size_t i = 0; i < luaL_bufflen(&b); i++)
    if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f) s[i] = ' ';
  luaL_pushresult(&b);
  return 1;
}

void cbl_failure_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"__tostring", failure_tostring}, {NULL, NULL}};
  cbl_type_begin(L, CBL_FAILURE, functions);
  cbl_type_end(L, CBL_FAILURE);
}

int cbl_failure_new(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  luaL_setmetatable(L, CBL_FAILURE);
  return 1;
}

/* ==== From the reply ================================================== */

static void mask_table(lua_State *L, const cbl_client *client, int depth);

/* Masks the number at the top of the stack if it reads as the key: then it becomes
** a string. */
static void mask_number(lua_State *L, const cbl_client *client) {
  size_t n;
  const char *s;
  lua_pushvalue(L, -1);
  s = lua_tolstring(L, -1, &n);
  if (cbl_client_finds_secret(client, s, n)) {
    cbl_client_mask(L, client);
    lua_replace(L, -2);
  } else {
    lua_pop(L, 1);
  }
}

/* Masks the key in the value at the top of the stack, in its place. */
static void mask_value(lua_State *L, const cbl_client *client, int depth) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    cbl_client_mask(L, client);
  } else if (lua_type(L, -1) == LUA_TNUMBER) {
    mask_number(L, client);
  } else if (lua_istable(L, -1)) {
    mask_table(L, client, depth);
    lua_replace(L, -2);
  }
}

/* Pushes a copy of the table at the top of the stack with the key masked in its
** names and values. What is nested too deep is left out. */
static void mask_table(lua_State *L, const cbl_client *client, int depth) {
  luaL_checkstack(L, 8, "an error nested too deep");
  lua_newtable(L);
  if (depth >= DEPTH_MOST) return;
  for (lua_pushnil(L); lua_next(L, -3) != 0;) {
    lua_pushvalue(L, -2);
    mask_value(L, client, depth + 1);
    lua_insert(L, -2);
    mask_value(L, client, depth + 1);
    lua_rawset(L, -4);
  }
}

/* Pops a value and sets it as a field of the failure, masked. */
static void set_masked(lua_State *L, const cbl_client *client, int failure, const char *name) {
  mask_value(L, client, 0);
  lua_setfield(L, failure, name);
}

/* Pushes the values of the list at the top of the stack as one message. A table in
** it is only mentioned. */
static void push_joined(lua_State *L) {
  luaL_Buffer b;
  int list = lua_gettop(L);
  lua_Integer n = (lua_Integer)lua_rawlen(L, list);
  luaL_buffinit(L, &b);
  for (lua_Integer i = 1; i <= n; i++) {
    if (i > 1) luaL_addstring(&b, "; ");
    lua_rawgeti(L, list, i);
    if (lua_istable(L, -1))
      lua_pushliteral(L, "(an object or a list)");
    else
      luaL_tolstring(L, -1, NULL);
    lua_remove(L, -2);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
}

/* Reads the API's error object at the top of the stack into the failure. False
** when it is none. */
static bool read_error_object(lua_State *L, const cbl_client *client, int failure) {
  if (!lua_istable(L, -1) || lua_getfield(L, -1, "error_code") != LUA_TSTRING) return false;
  set_masked(L, client, failure, "errorCode");
  if (lua_getfield(L, -1, "errors") == LUA_TTABLE) {
    mask_value(L, client, 0);
    push_joined(L);
    lua_setfield(L, failure, "message");
    lua_setfield(L, failure, "errors");
  } else {
    lua_pushliteral(L, "no reason given");
    lua_setfield(L, failure, "message");
  }
  return true;
}

/* Pushes the value of a header of the reply, or instead where it has none. */
static const char *push_header(lua_State *L, cbc_transfer *x, const char *name,
                               const char *instead) {
  const char *value = cbc_transfer_header(x, name);
  size_t n = value != NULL ? cbc_header_size(value) : 0;
  return n > 0 ? lua_pushlstring(L, value, n) : lua_pushstring(L, instead);
}

/* Pushes what to say of a status that comes without the API's error object. */
static void push_http_message(lua_State *L, cbc_transfer *x) {
  int status = cbc_transfer_reply(x)->status;
  if (status < 300 || status > 399)
    lua_pushfstring(L, "the reply has no error object (%s)",
                    push_header(L, x, "Content-Type", "no Content-Type"));
  else if (cbc_transfer_header(x, "Location") != NULL)
    lua_pushfstring(L, "a redirect to %s, which is not followed",
                    push_header(L, x, "Location", ""));
  else
    lua_pushliteral(L, "a redirect, which is not followed");
}

/* Completes the failure from a reply whose status is no success; true when it
** has the API's error object. */
static bool describe_status(lua_State *L, const cbl_client *client, cbc_transfer *x, int failure) {
  const cbc_reply *reply = cbc_transfer_reply(x);
  lua_pushinteger(L, reply->status);
  lua_setfield(L, failure, "status");
  lua_pushlstring(L, reply->body.data != NULL ? reply->body.data : "", reply->body.size);
  if (reply->body.size > 0 && cbl_json_decode(L) && read_error_object(L, client, failure)) {
    lua_settop(L, failure);
    return true;
  }
  push_http_message(L, x);
  set_masked(L, client, failure, "message");
  lua_settop(L, failure);
  return false;
}

/* ==== Making ========================================================== */

/* Sets the fields that every failure has. */
static void set_base(lua_State *L, const cbl_job *job, int failure) {
  const cbc_call *call = job->call;
  const cbc_request *r = &call->request;
  size_t base = strlen(cbc_client_endpoint(call->client));
  cbl_setstring(L, "outcome", outcomes[call->exchange.outcome]);
  cbl_setstring(L, "method", r->method);
  lua_pushlstring(L, r->url.data, r->url.size);
  set_masked(L, job->client, failure, "url");
  lua_pushlstring(L, r->url.data + base, r->url.size - base);
  set_masked(L, job->client, failure, "path");
  lua_pushinteger(L, call->exchange.attempts);
  lua_setfield(L, failure, "attempts");
}

/* The kind of a failure but for a status's, see set_cause. */
static const char *kind_of(const cbc_call *call) {
  switch (call->exchange.end) {
  case CBC_END_REJECTED:
  case CBC_END_CONFLICT:
    return "record";
  case CBC_END_UNREADABLE:
    return "decode";
  case CBC_END_DEADLINE:
  case CBC_END_CLOSED:
    return "cancelled";
  case CBC_END_LOCAL:
    return "file";
  default:
    return "transport";
  }
}

/* Pushes the message of a failure that no status explains. */
static void push_message(lua_State *L, const cbl_job *job, int idx) {
  const cbc_call *call = job->call;
  switch (call->exchange.end) {
  case CBC_END_DEADLINE:
    lua_pushfstring(L, "the deadline of %f s passed", (lua_Number)call->exchange.policy.deadline);
    break;
  case CBC_END_CLOSED:
    lua_pushliteral(L, "the client was closed");
    break;
  case CBC_END_REJECTED:
  case CBC_END_CONFLICT:
  case CBC_END_UNREADABLE:
    cbl_job_push_anchored(L, idx, CBL_JOB_REASON);
    break;
  default:
    lua_pushstring(L, call->error.code != CBC_OK
                          ? call->error.message
                          : cbc_transfer_reply(call->attempt)->error.message);
  }
}

static void set_status_cause(lua_State *L, const cbl_job *job, int failure) {
  cbc_transfer *x = job->call->attempt;
  double retry_after = cbc_transfer_reply(x)->retry_after;
  cbl_setstring(L, "kind", describe_status(L, job->client, x, failure) ? "api" : "http");
  if (retry_after < 0) return;
  lua_pushnumber(L, retry_after);
  lua_setfield(L, failure, "retryAfter");
}

static void set_cause(lua_State *L, const cbl_job *job, int idx, int failure) {
  const cbc_call *call = job->call;
  cbc_end end = call->exchange.end;
  if (end == CBC_END_STATUS) {
    set_status_cause(L, job, failure);
    return;
  }
  cbl_setstring(L, "kind", kind_of(call));
  push_message(L, job, idx);
  set_masked(L, job->client, failure, "message");
  if (end == CBC_END_UNREADABLE || end == CBC_END_REJECTED) {
    lua_pushinteger(L, cbc_transfer_reply(call->attempt)->status);
    lua_setfield(L, failure, "status");
  }
}

/* Sets the result of the last confirming GET: { attempts, status, message }. */
static void set_confirmation(lua_State *L, const cbl_job *job, int idx, int failure) {
  const cbc_call *call = job->call;
  const cbc_reply *reply;
  int confirmation = failure + 1;
  if (call->exchange.all_probes == 0) return;
  reply = cbc_transfer_reply(call->reading);
  lua_newtable(L);
  lua_pushinteger(L, call->exchange.all_probes);
  lua_setfield(L, confirmation, "attempts");
  if (reply->status >= 200 && reply->status <= 299) {
    lua_pushinteger(L, reply->status);
    lua_setfield(L, confirmation, "status");
    cbl_job_push_anchored(L, idx, CBL_JOB_CONFIRMATION);
    set_masked(L, job->client, confirmation, "message");
  } else if (reply->status != 0) {
    describe_status(L, job->client, call->reading, confirmation);
  } else {
    lua_pushstring(L, reply->error.code != CBC_OK ? reply->error.message
                                                  : "the call ended before its reply came");
    set_masked(L, job->client, confirmation, "message");
  }
  lua_setfield(L, failure, "confirmation");
}

void cbl_failure_push(lua_State *L, int idx) {
  const cbl_job *job = lua_touserdata(L, idx);
  int failure;
  luaL_checkstack(L, 20, "no room for a failure");
  lua_createtable(L, 0, 12);
  luaL_setmetatable(L, CBL_FAILURE);
  failure = lua_gettop(L);
  set_base(L, job, failure);
  set_cause(L, job, idx, failure);
  set_confirmation(L, job, idx, failure);
}
