/*
** cbl_failure.c - the failure object.
*/
#include "cbl_failure.h"

#include <string.h>

#include "cbc_header.h"
#include "cbl_json.h"
#include "cbl_shared.h"

static const char *const outcomes[] = {[CBC_UNSENT] = "unsent",
                                       [CBC_REJECTED] = "rejected",
                                       [CBC_APPLIED] = "applied",
                                       [CBC_UNKNOWN] = "unknown"};

/* ==== Printing ======================================================== */

/* Adds field name of the failure at 1, if it has it, with head before it. */
static void add_field(lua_State *L, luaL_Buffer *b, const char *head, const char *name) {
  if (lua_getfield(L, 1, name) == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  luaL_tolstring(L, -1, NULL);
  lua_remove(L, -2);
  lua_pushstring(L, head);
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

/* ==== Making ========================================================== */

static void set_string(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

/* Pushes a failure with what is known of every call. */
static void push_base(lua_State *L, const cbc_call *call, const char *kind, const char *outcome) {
  const cbc_request *r = &call->request;
  size_t base = strlen(cbc_client_endpoint(call->client));
  lua_createtable(L, 0, 12);
  luaL_setmetatable(L, CBL_FAILURE);
  set_string(L, "kind", kind);
  set_string(L, "outcome", outcome);
  set_string(L, "method", r->method);
  lua_pushlstring(L, r->url.data, r->url.size);
  lua_setfield(L, -2, "url");
  lua_pushlstring(L, r->url.data + base, r->url.size - base);
  lua_setfield(L, -2, "path");
  lua_pushinteger(L, call->exchange.attempts);
  lua_setfield(L, -2, "attempts");
}

/* Joins the strings of the list at the top of the stack into one message. */
static void push_joined(lua_State *L) {
  luaL_Buffer b;
  int list = lua_gettop(L);
  lua_Integer n = (lua_Integer)lua_rawlen(L, list);
  luaL_buffinit(L, &b);
  for (lua_Integer i = 1; i <= n; i++) {
    if (i > 1) luaL_addstring(&b, "; ");
    lua_rawgeti(L, list, i);
    luaL_tolstring(L, -1, NULL);
    lua_remove(L, -2);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
}

/* Reads the API's error object at idx into the failure at the top of the stack.
** False when it is none. */
static bool read_error_object(lua_State *L, int idx) {
  if (!lua_istable(L, idx) || lua_getfield(L, idx, "error_code") != LUA_TSTRING) return false;
  lua_setfield(L, -2, "errorCode");
  set_string(L, "message", "no reason given");
  if (lua_getfield(L, idx, "errors") == LUA_TTABLE) {
    push_joined(L);
    lua_setfield(L, -3, "message");
    lua_setfield(L, -2, "errors");
  } else {
    lua_pop(L, 1);
  }
  return true;
}

/* Pushes the value of a header of the reply, or nothing_said where it has none. */
static const char *push_header(lua_State *L, const cbc_call *call, const char *name,
                               const char *nothing_said) {
  const char *value = cbc_transfer_header(call->attempt, name);
  size_t n = value != NULL ? cbc_header_size(value) : 0;
  return n > 0 ? lua_pushlstring(L, value, n) : lua_pushstring(L, nothing_said);
}

/* What to say of a status that comes without the API's error object. */
static void set_http_message(lua_State *L, const cbc_call *call) {
  int status = cbc_transfer_reply(call->attempt)->status;
  if (status >= 300 && status < 400)
    lua_pushfstring(L, "a redirect%s%s, which is not followed",
                    cbc_transfer_header(call->attempt, "Location") != NULL ? " to " : "",
                    push_header(L, call, "Location", ""));
  else
    lua_pushfstring(L, "the reply has no error object (%s)",
                    push_header(L, call, "Content-Type", "no Content-Type"));
  lua_setfield(L, -3, "message");
  lua_pop(L, 1);
}

/* Completes a failure from a reply whose status refuses. */
static void describe_status(lua_State *L, const cbc_call *call) {
  cbc_reply *reply = cbc_transfer_reply(call->attempt);
  int failure = lua_gettop(L);
  lua_pushinteger(L, reply->status);
  lua_setfield(L, failure, "status");
  if (reply->retry_after >= 0) {
    lua_pushnumber(L, reply->retry_after);
    lua_setfield(L, failure, "retryAfter");
  }
  set_string(L, "kind", "http");
  lua_pushlstring(L, reply->body.data != NULL ? reply->body.data : "", reply->body.size);
  if (reply->body.size > 0 && cbl_json_decode(L)) {
    lua_pushvalue(L, failure);
    if (read_error_object(L, failure + 2)) {
      lua_settop(L, failure);
      set_string(L, "kind", "api");
      return;
    }
  }
  lua_settop(L, failure);
  set_http_message(L, call);
}

static const char *kind_of(cbc_end end) {
  switch (end) {
  case CBC_END_STATUS:
    return "http"; /* or "api": see describe_status */
  case CBC_END_DENIED:
  case CBC_END_TAKEN:
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

/* The message of a failure that no status tells, the one given aside. */
static void set_message(lua_State *L, const cbc_call *call, int given) {
  const cbc_exchange *x = &call->exchange;
  switch (x->end) {
  case CBC_END_DEADLINE:
    lua_pushfstring(L, "the deadline of %f s passed", (lua_Number)x->policy.deadline);
    break;
  case CBC_END_CLOSED:
    lua_pushliteral(L, "the client was closed");
    break;
  case CBC_END_LOCAL:
    lua_pushstring(L, call->error.message);
    break;
  case CBC_END_TRANSPORT:
    lua_pushstring(L, cbc_transfer_reply(call->attempt)->error.message);
    break;
  default:
    lua_pushvalue(L, given);
  }
  lua_setfield(L, -2, "message");
}

/* Masks the key in a string field of the table at the top of the stack. */
static void mask_field(lua_State *L, const cbl_job *job, const char *name) {
  if (lua_getfield(L, -1, name) == LUA_TSTRING) {
    size_t n;
    const char *s = lua_tolstring(L, -1, &n);
    cbl_client_push_masked(L, job->client, s, n);
    lua_setfield(L, -3, name);
  }
  lua_pop(L, 1);
}

/* Masks the key in what the service had a say in: it may echo it. */
static void mask(lua_State *L, const cbl_job *job) {
  mask_field(L, job, "message");
  mask_field(L, job, "errorCode");
  if (lua_getfield(L, -1, "errors") == LUA_TTABLE) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = 1; i <= n; i++) {
      lua_rawgeti(L, -1, i);
      if (lua_type(L, -1) == LUA_TSTRING) {
        cbl_client_push_masked(L, job->client, lua_tostring(L, -1), lua_rawlen(L, -1));
        lua_rawseti(L, -3, i);
      }
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
}

void cbl_failure_push(lua_State *L, const cbl_job *job) {
  const cbc_call *call = job->call;
  const cbc_exchange *x = &call->exchange;
  int given = lua_gettop(L);
  push_base(L, call, kind_of(x->end), outcomes[x->outcome]);
  if (x->end == CBC_END_STATUS) {
    describe_status(L, call);
  } else {
    set_message(L, call, given);
    if (x->end == CBC_END_UNREADABLE || x->end == CBC_END_DENIED) {
      lua_pushinteger(L, cbc_transfer_reply(call->attempt)->status);
      lua_setfield(L, -2, "status");
    }
  }
  mask(L, job);
  lua_remove(L, given);
}
