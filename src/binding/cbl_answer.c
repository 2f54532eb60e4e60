/*
** cbl_answer.c - reading a reply that answered, or making the failure.
*/
#include "cbl_answer.h"

#include "cbl_failure.h"
#include "cbl_json.h"
#include "cbl_reply.h"

bool cbl_answer_decode(lua_State *L) {
  size_t n = lua_rawlen(L, -1);
  if (n == 0) {
    lua_pushliteral(L, "the reply is empty where JSON was expected");
    return false;
  }
  if (!cbl_json_decode(L)) {
    lua_pushfstring(L, "the reply is no JSON: %s", lua_tostring(L, -1));
    return false;
  }
  if (!lua_istable(L, -1)) {
    lua_pushfstring(L, "the reply is a %s where an object or a list was expected",
                    lua_islightuserdata(L, -1) ? "null" : luaL_typename(L, -1));
    return false;
  }
  return true;
}

/* Pushes the message that goes with a close that somebody else was first with. */
static void push_taken(lua_State *L, const cbl_job *job) {
  cbl_reply_push_body(L, job->call->reading);
  if (cbl_json_decode(L) && lua_istable(L, -1) &&
      lua_getfield(L, -1, "external_billing_id") == LUA_TSTRING)
    lua_pushfstring(L, "it is closed under another billing id (%s)", lua_tostring(L, -1));
  else
    lua_pushliteral(L, "it is closed without a billing id");
}

static int push_failure(lua_State *L, const cbl_job *job) {
  if (job->call->exchange.end == CBC_END_TAKEN) push_taken(L, job);
  cbl_failure_push(L, job);
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

int cbl_answer(lua_State *L, cbl_job *job, cbl_reader read, const void *ud) {
  lua_pushnil(L); /* the message of a failure that needs none */
  do {
    cbl_call_run(L, job);
    if (job->call->exchange.outcome == CBC_APPLIED) {
      int n = read(L, job, ud);
      if (n > 0) return n;
    }
  } while (job->call->exchange.state != CBC_DONE);
  return push_failure(L, job);
}
