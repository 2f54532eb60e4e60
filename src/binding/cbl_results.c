/*
** cbl_results.c - what the reply to an action makes.
*/
#include "cbl_results.h"

#include <string.h>

#include "cbl_answer.h"
#include "cbl_chunk.h"
#include "cbl_reply.h"

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
static bool find_entry(lua_State *L, const cbl_arguments *a) {
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
static bool take_entry(lua_State *L, cbl_job *job, const cbl_arguments *a) {
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

/* True where the status alone says that all is done: only what was asked for, or
** a close, must come with an object. */
static bool may_be_empty(const cbl_action *action) {
  return action->returns == CBL_RETURNS_TABLE && strcmp(action->method, "GET") != 0;
}

int cbl_results_push(lua_State *L, cbl_job *job, const void *ud) {
  const cbl_arguments *a = ud;
  bool confirmed = job->call->exchange.end == CBC_END_CONFIRMED;
  cbl_returns returns = a->action->returns;
  if (returns == CBL_RETURNS_TRUE) {
    lua_pushboolean(L, 1);
    return 1;
  }
  if (returns == CBL_RETURNS_BYTES && !cbl_files_is_whole(L, job)) return 0;
  if (cbl_files_has_target(&a->files)) return cbl_files_commit(L, job) ? 1 : 0;
  cbl_reply_push_body(L, confirmed ? job->call->reading : job->call->attempt);
  if (returns == CBL_RETURNS_BYTES) return 1;
  if (may_be_empty(a->action) && lua_rawlen(L, -1) == 0) {
    lua_pushboolean(L, 1);
    return 1;
  }
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
  cbl_reply_push(L, job->client, job->call->attempt);
  return 2;
}
