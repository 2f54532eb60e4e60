/*
** cbl_result.c - what the reply to a call makes.
*/
#include "cbl_result.h"

#include <string.h>

#include "cbl_aux.h"
#include "cbl_chunk.h"
#include "cbl_confirm.h"
#include "cbl_download.h"
#include "cbl_entries.h"
#include "cbl_json.h"
#include "cbl_reply.h"

/* Pushes { status, headers, attempts } behind the value. */
static cbc_verdict push_reply(lua_State *L, const cbl_job *job) {
  cbl_reply_push(L, job->client, job->call->attempt);
  lua_pushinteger(L, job->call->exchange.attempts);
  lua_setfield(L, -2, "attempts");
  return CBC_VERDICT_APPLIED;
}

/* ==== Values ========================================================== */

/* True where the status alone says that all is done: only what was asked for, or
** a close, must come with an object. */
static bool may_be_empty(const cbl_job *job) {
  return job->endpoint->returns == CBL_RETURNS_ANY || job->call->exchange.repeat != CBC_REPEAT_SAFE;
}

/* The body, at the top of the stack, as any JSON value. */
static cbc_verdict read_any(lua_State *L, const cbl_job *job) {
  if (lua_rawlen(L, -1) == 0) {
    lua_pushboolean(L, 1);
  } else if (!cbl_json_decode(L)) {
    lua_pushfstring(L, "the reply is no JSON: %s", lua_tostring(L, -1));
    return CBC_VERDICT_UNREADABLE;
  }
  return push_reply(L, job);
}

/* The body, at the top of the stack, as an object or a list. */
static cbc_verdict read_table(lua_State *L, const cbl_job *job) {
  if (lua_rawlen(L, -1) == 0 && may_be_empty(job)) {
    lua_pushboolean(L, 1);
    return CBC_VERDICT_APPLIED;
  }
  return cbl_reply_decode(L) ? CBC_VERDICT_APPLIED : CBC_VERDICT_UNREADABLE;
}

/* The body, at the top of the stack, as a list. An object is none, not even an
** empty one, which lua-cjson makes the same table of as of an empty list. */
static cbc_verdict read_list(lua_State *L, const cbl_job *job) {
  const char *text = lua_tostring(L, -1);
  bool is_list = text[strspn(text, " \t\r\n")] == '[';
  if (!cbl_reply_decode(L)) return CBC_VERDICT_UNREADABLE;
  if (is_list) return push_reply(L, job);
  lua_pushliteral(L, "the reply is no list");
  return CBC_VERDICT_UNREADABLE;
}

/* The decoded object at the top of the stack is the one that was asked for, as
** far as it has an id; or the reason is pushed. */
static bool is_object_meant(lua_State *L, const cbl_job *job, bool needs_id) {
  const cbc_segment *id = &job->subject.id;
  bool string = lua_getfield(L, -1, "id") == LUA_TSTRING;
  if (cbl_equals(L, -1, id->bytes, id->size) || (!string && !needs_id)) {
    lua_pop(L, 1);
    return true;
  }
  cbl_confirm_push_other(L, string ? lua_tostring(L, -1) : NULL);
  return false;
}

static cbc_verdict read_object(lua_State *L, const cbl_job *job) {
  if (read_table(L, job) != CBC_VERDICT_APPLIED) return CBC_VERDICT_UNREADABLE;
  if (lua_istable(L, -1) && !is_object_meant(L, job, false)) return CBC_VERDICT_UNREADABLE;
  return CBC_VERDICT_APPLIED;
}

/* ==== Chunks ========================================================== */

/* Makes a chunk of the body and the decoded table at the top of the stack. */
static void make_chunk(lua_State *L, int idx, bool confirmed) {
  cbl_job *job = lua_touserdata(L, idx);
  cbl_job_push_anchored(L, idx, CBL_JOB_CLIENT);
  lua_insert(L, -3);
  cbl_chunk_push(L, lua_gettop(L) - 2, job->class, confirmed);
}

/* True when the plain object is the one that was asked for, closed where that was
** asked for, too. */
static bool is_plain_answer(const cbl_job *job, const cbc_outline *outline, const char *text) {
  const cbc_member *id;
  if (job->endpoint->returns == CBL_RETURNS_CLOSED)
    return cbl_confirm_scan(job, outline, text) == CBC_VERDICT_APPLIED;
  id = cbc_outline_find(outline, text, "id", 2);
  return id != NULL && cbc_member_kind_of(id, text) == CBC_MEMBER_STRING &&
         id->value_size - 2 == job->subject.id.size &&
         memcmp(text + id->value + 1, job->subject.id.bytes, job->subject.id.size) == 0;
}

/* Makes a chunk of the body's text, which is decoded when a field of it is read.
** False, pushing nothing, where the text does not show all that it must. */
static bool push_plain_chunk(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  cbc_buffer *body = &cbc_transfer_reply(job->call->attempt)->body;
  const char *s = cbc_buffer_string(body);
  cbc_outline_room room;
  if (s == NULL) return cbl_raise_nomem(L) != 0;
  if (!cbc_outline_read(s, body->size, &room.outline) || !is_plain_answer(job, &room.outline, s))
    return false;
  cbl_job_push_anchored(L, idx, CBL_JOB_CLIENT);
  cbl_chunk_push_plain(L, lua_gettop(L), job->class, &room.outline, body);
  return true;
}

/* True where a success is a chunk, whose fields most callers never look into. */
static bool is_chunk(cbl_returns returns) {
  return returns == CBL_RETURNS_CLOSED || returns == CBL_RETURNS_CHUNK;
}

static cbc_verdict read_chunk(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  if (!cbl_reply_decode(L) || !is_object_meant(L, job, true)) return CBC_VERDICT_UNREADABLE;
  make_chunk(L, idx, false);
  return CBC_VERDICT_APPLIED;
}

/* The body at the top of the stack is that of an object which is to be closed. */
static cbc_verdict read_closed(lua_State *L, int idx, bool confirming) {
  cbl_job *job = lua_touserdata(L, idx);
  cbc_verdict verdict;
  if (!cbl_reply_decode(L)) return CBC_VERDICT_UNREADABLE;
  verdict = cbl_confirm_judge(L, job, confirming);
  if (verdict == CBC_VERDICT_APPLIED) make_chunk(L, idx, cbc_call_probing(job->call));
  return verdict;
}

/* Whether the record is closed as was asked: open is an answer, too. */
static cbc_verdict read_settled(lua_State *L, int idx) {
  cbc_verdict verdict = read_closed(L, idx, true);
  if (verdict != CBC_VERDICT_NOT_APPLIED) return verdict;
  lua_pushboolean(L, 0);
  return CBC_VERDICT_APPLIED;
}

/* ==== The bulk route ================================================== */

/* Pushes the one entry of the list at the top of the stack that is about the
** object; or why there is none, and returns false. */
static bool push_entry(lua_State *L, const cbl_job *job) {
  int list = lua_gettop(L);
  lua_Integer n = (lua_Integer)lua_rawlen(L, list);
  int found = 0;
  lua_pushnil(L);
  for (lua_Integer i = 1; i <= n; i++) {
    if (lua_rawgeti(L, list, i) == LUA_TTABLE) {
      lua_getfield(L, -1, "id");
      if (cbl_equals(L, -1, job->subject.id.bytes, job->subject.id.size)) {
        lua_pushvalue(L, -2);
        lua_replace(L, list + 1);
        found++;
      }
    }
    lua_settop(L, list + 1);
  }
  if (found == 1) return true;
  lua_pushstring(L, found == 0 ? "the reply has no entry for the record"
                               : "the reply has several entries for the record");
  return false;
}

/* Adds ": " and the field of the entry at index entry, if that is a string. False
** when it is empty or absent. */
static bool add_error(lua_State *L, luaL_Buffer *b, int entry, const char *name) {
  int type;
  lua_pushstring(L, name);
  type = lua_rawget(L, entry);
  if (type == LUA_TSTRING && lua_rawlen(L, -1) > 0) {
    lua_pushliteral(L, ": ");
    lua_insert(L, -2);
    lua_concat(L, 2);
    luaL_addvalue(b);
    return true;
  }
  if (type == LUA_TTABLE) {
    lua_pushnil(L);
    if (lua_next(L, -2) == 0)
      type = LUA_TNIL;
    else
      lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return type != LUA_TNIL && type != LUA_TLIGHTUSERDATA && type != LUA_TSTRING;
}

#define CLOSED "closed"

/* True when the value at idx is a status of a record (the API's description). */
static bool is_record_status(lua_State *L, int idx) {
  static const char *const known[] = {"valid", "invalid", "approved", "rejected", CLOSED};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (cbl_equals(L, idx, known[i], strlen(known[i]))) return true;
  return false;
}

/* What the entry at the top of the stack says of its record; the reason is pushed
** unless it is closed. Only an error beside a known status is a rejection; what is
** not clear is settled by reading the record. */
static cbc_verdict judge_entry(lua_State *L) {
  int entry = lua_gettop(L);
  int status = entry + 1;
  bool codes, details;
  luaL_Buffer b;
  lua_getfield(L, entry, "status");
  luaL_buffinit(L, &b);
  luaL_addstring(&b, "the record was not closed");
  codes = add_error(L, &b, entry, "error_codes");
  details = add_error(L, &b, entry, "error_details");
  luaL_pushresult(&b);
  if (cbl_equals(L, status, CLOSED, strlen(CLOSED)) && !codes && !details) {
    lua_settop(L, entry);
    return CBC_VERDICT_APPLIED;
  }
  if (is_record_status(L, status) && (codes || details)) return CBC_VERDICT_REJECTED;
  lua_pushfstring(L, "the entry of the record is not clear (its status is %s)",
                  lua_type(L, status) == LUA_TSTRING ? lua_tostring(L, status) : "missing");
  return CBC_VERDICT_UNREADABLE;
}

static cbc_verdict read_entry(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  cbc_verdict verdict;
  if (!cbl_reply_decode(L)) return CBC_VERDICT_UNREADABLE;
  if (!push_entry(L, job)) return CBC_VERDICT_UNREADABLE;
  lua_remove(L, -2);
  verdict = judge_entry(L);
  if (verdict == CBC_VERDICT_APPLIED) make_chunk(L, idx, false);
  return verdict;
}

/* True where the reply to a batch says plainly that all is closed; else its body is
** decoded: a list. */
static cbc_verdict read_batch(lua_State *L, int idx) {
  const cbl_job *job = lua_touserdata(L, idx);
  int body = lua_gettop(L);
  bool closed;
  cbl_job_push_anchored(L, idx, CBL_JOB_ENTRIES);
  closed = cbl_entries_are_closed(L, body + 1, lua_tostring(L, body), lua_rawlen(L, body));
  lua_settop(L, body);
  if (!closed) return read_list(L, job);
  lua_pushboolean(L, 1);
  return push_reply(L, job);
}

/* ==== Rows ============================================================ */

/* The body is at the top of the stack. */
static cbc_verdict read_body(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  switch (job->endpoint->returns) {
  case CBL_RETURNS_ANY:
    return read_any(L, job);
  case CBL_RETURNS_RAW:
    return push_reply(L, job);
  case CBL_RETURNS_TABLE:
    return read_table(L, job);
  case CBL_RETURNS_OBJECT:
    return read_object(L, job);
  case CBL_RETURNS_LIST:
    return read_list(L, job);
  case CBL_RETURNS_CHUNK:
    return read_chunk(L, idx);
  case CBL_RETURNS_CLOSED:
    return read_closed(L, idx, false);
  case CBL_RETURNS_ENTRY:
    return read_entry(L, idx);
  case CBL_RETURNS_BATCH:
    return read_batch(L, idx);
  case CBL_RETURNS_SETTLED:
    return read_settled(L, idx);
  case CBL_RETURNS_TRUE: /* has no need of the body */
  case CBL_RETURNS_BYTES:
    break;
  }
  return CBC_VERDICT_APPLIED;
}

/* True where { status, headers, attempts } stands behind the value. */
static bool has_reply(cbl_returns returns) {
  return returns == CBL_RETURNS_ANY || returns == CBL_RETURNS_RAW || returns == CBL_RETURNS_LIST ||
         returns == CBL_RETURNS_BATCH;
}

cbc_verdict cbl_result_read(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  job->results = has_reply(job->endpoint->returns) ? 2 : 1;
  if (job->endpoint->returns == CBL_RETURNS_TRUE) {
    lua_pushboolean(L, 1);
    return CBC_VERDICT_APPLIED;
  }
  if (job->endpoint->returns == CBL_RETURNS_BYTES && !cbl_download_is_whole(L, job))
    return CBC_VERDICT_UNREADABLE;
  if (job->call->request.stream) return cbl_download_commit(L, idx);
  if (is_chunk(job->endpoint->returns) && push_plain_chunk(L, idx)) return CBC_VERDICT_APPLIED;
  cbl_reply_push_body(L, job->call->attempt);
  return read_body(L, idx);
}

cbc_verdict cbl_result_judge(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  job->results = 1;
  cbl_reply_push_body(L, job->call->reading);
  return read_closed(L, idx, true);
}
