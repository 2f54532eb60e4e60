/*
** cbl_verdict.c - what a confirming reply says about a close.
*/
#include "cbl_verdict.h"

#include <string.h>

#include "cbl_json.h"
#include "cbl_reply.h"

/* True when the value at the top of the stack is the string of n bytes. */
static bool is_string(lua_State *L, const char *bytes, size_t n) {
  return lua_type(L, -1) == LUA_TSTRING && lua_rawlen(L, -1) == n &&
         memcmp(lua_tostring(L, -1), bytes, n) == 0;
}

/* Whose close the closed object at the top of the stack shows. A billing id
** that is absent, or no string, is not told. */
static cbc_verdict whose(lua_State *L, const cbl_job *job) {
  cbc_verdict verdict = CBC_VERDICT_OTHERS;
  int type = lua_getfield(L, -1, "external_billing_id");
  bool none = type == LUA_TLIGHTUSERDATA || is_string(L, "", 0);
  if (job->billing_id == NULL) {
    if (none || type == LUA_TNIL) verdict = CBC_VERDICT_OURS;
  } else if (type != LUA_TSTRING && !none) {
    verdict = CBC_VERDICT_UNREADABLE;
  } else if (is_string(L, job->billing_id, job->billing_id_size)) {
    verdict = CBC_VERDICT_OURS;
  }
  lua_pop(L, 1);
  return verdict;
}

/* What the object at the top of the stack shows, if it is the call's subject. */
static cbc_verdict judge_object(lua_State *L, const cbl_job *job) {
  bool subject, told, closed;
  lua_getfield(L, -1, "id");
  subject = is_string(L, job->subject, job->subject_size);
  told = lua_getfield(L, -2, "status") == LUA_TSTRING;
  closed = is_string(L, "closed", 6);
  lua_pop(L, 2);
  if (!subject || !told) return CBC_VERDICT_UNREADABLE;
  return closed ? whose(L, job) : CBC_VERDICT_OPEN;
}

cbc_verdict cbl_verdict_read(lua_State *L, const cbl_job *job) {
  cbc_verdict verdict = CBC_VERDICT_UNREADABLE;
  int top = lua_gettop(L);
  cbl_reply_push_body(L, job->call->reading);
  if (cbl_json_decode(L) && lua_istable(L, -1)) verdict = judge_object(L, job);
  lua_settop(L, top);
  return verdict;
}
