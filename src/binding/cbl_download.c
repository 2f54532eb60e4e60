/*
** cbl_download.c - replies that go to a file or a function.
*/
#include "cbl_download.h"

#include "cbl_aux.h"
#include "cbl_check.h"

#define FILE_BOX "cloudblue.File"

/* ==== The owner of a file ============================================= */

typedef struct file_box {
  cbc_file *file; /* owned; NULL when closed */
} file_box;

static int file_close(lua_State *L) {
  file_box *b = luaL_checkudata(L, 1, FILE_BOX);
  cbc_file *file = b->file;
  b->file = NULL;
  cbc_file_free(file);
  return 0;
}

void cbl_download_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"__gc", file_close}, {"__close", file_close}, {NULL, NULL}};
  cbl_type_begin(L, FILE_BOX, functions);
  cbl_type_end(L, FILE_BOX);
}

/* ==== Where the reply goes ============================================ */

void cbl_download_read(lua_State *L, int idx, int arg) {
  cbl_job *job = lua_touserdata(L, idx);
  cbl_download *d = &job->download;
  file_box *b;
  if (lua_isnoneornil(L, arg)) return;
  job->call->request.stream = true;
  if (lua_isfunction(L, arg)) {
    d->sink = true;
    lua_pushvalue(L, arg);
    cbl_job_anchor(L, idx, CBL_JOB_FUNCTION);
    return;
  }
  if (lua_type(L, arg) != LUA_TSTRING)
    cbl_typeerror(L, arg, "to", "a path, a function or nil", arg);
  cbl_check_path(L, arg, arg, "the path");
  b = lua_newuserdatauv(L, sizeof *b, 0);
  b->file = NULL;
  luaL_setmetatable(L, FILE_BOX);
  lua_toclose(L, -1);
  b->file =
      cbc_file_create(cbc_client_env(job->call->client), lua_tostring(L, arg), &job->file_error);
  if (b->file == NULL && job->file_error.code == CBC_ENOMEM) cbl_raise(L, &job->file_error);
  if (b->file != NULL) d->file = &b->file;
  lua_pushvalue(L, -1);
  cbl_job_anchor(L, idx, CBL_JOB_TARGET);
}

/* Finds the file that takes the pieces; NULL: none does. Its owner's finalizer may have come
** first where a call is resumed by another one. Pieces of an earlier attempt, which broke
** off, do not count. */
static cbc_code begin_attempt(cbl_download *d, int attempt, cbc_file **file, cbc_error *err) {
  *file = d->file != NULL ? *d->file : NULL;
  if (d->file != NULL && *file == NULL)
    return cbc_error_set(err, CBC_EFILE, "the file was collected");
  if (d->attempt == attempt) return CBC_OK;
  d->attempt = attempt;
  d->taken = 0;
  return *file != NULL ? cbc_file_rewind(*file, err) : CBC_OK;
}

/* Calls the caller's function with the piece. Making a string of it may run a
** finalizer, whose calls drive this transfer, too, and add to the piece: only
** what the string has is taken out. */
static void call_sink(lua_State *L, int idx, cbc_buffer *piece) {
  cbl_job *job = lua_touserdata(L, idx);
  size_t n = piece->size;
  /* The function got them: another attempt would pass them twice. */
  cbc_exchange_last_attempt(&job->call->exchange);
  cbl_job_push_anchored(L, idx, CBL_JOB_FUNCTION);
  lua_pushlstring(L, piece->data, n);
  cbc_buffer_drop(piece, n);
  job->download.taken += (lua_Integer)n;
  lua_call(L, 1, 0);
}

void cbl_download_take(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  cbl_download *d = &job->download;
  cbc_buffer *piece = &cbc_transfer_reply(job->call->attempt)->body;
  cbc_error err;
  cbc_file *file;
  cbc_code rc = begin_attempt(d, job->call->exchange.attempts, &file, &err);
  if (rc == CBC_OK && file != NULL) {
    rc = cbc_file_write(file, piece->data, piece->size, &err);
    d->taken += (lua_Integer)piece->size;
    piece->size = 0;
  }
  if (rc != CBC_OK)
    cbc_call_abort(job->call, &err);
  else if (d->sink)
    call_sink(L, idx, piece);
}

bool cbl_download_is_whole(lua_State *L, const cbl_job *job) {
  int status = cbc_transfer_reply(job->call->attempt)->status;
  if (status != 200)
    lua_pushfstring(L, "the reply has status %d, and only 200 brings the whole file", status);
  return status == 200;
}

cbc_verdict cbl_download_commit(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  cbl_download *d = &job->download;
  cbc_error err;
  cbc_file *file;
  /* The attempt that succeeded may have had no bytes at all. */
  cbc_code rc = begin_attempt(d, job->call->exchange.attempts - 1, &file, &err);
  if (rc == CBC_OK && file != NULL) rc = cbc_file_commit(file, &err);
  if (rc != CBC_OK) {
    cbc_call_abort(job->call, &err);
    lua_pushnil(L); /* no reason but the call's error */
    return CBC_VERDICT_UNREADABLE;
  }
  lua_pushinteger(L, d->taken);
  return CBC_VERDICT_APPLIED;
}
