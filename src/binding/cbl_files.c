/*
** cbl_files.c - files in and out.
*/
#include "cbl_files.h"

#include <string.h>

#include "cbc_header.h"
#include "cbc_input.h"
#include "cbl_aux.h"
#include "cbl_options.h"

#define FEED "cloudblue.Feed"
#define FILE_BOX "cloudblue.File"

/* Bytes asked of a reader are collected up to this before they are sent; a piece
** of that size is not copied. */
#define FEED_LEAST ((size_t)16 * 1024)

/* Seconds for which they are collected: then what there is goes out, and the
** limits of the call are looked at. */
#define FEED_PATIENCE 0.01

/* ==== Owners ========================================================== */

static int feed_close(lua_State *L) {
  cbc_feed_free(luaL_checkudata(L, 1, FEED));
  return 0;
}

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

void cbl_files_open(lua_State *L) {
  static const luaL_Reg feed[] = {{"__gc", feed_close}, {"__close", feed_close}, {NULL, NULL}};
  static const luaL_Reg file[] = {{"__gc", file_close}, {"__close", file_close}, {NULL, NULL}};
  cbl_type_begin(L, FEED, feed);
  cbl_type_end(L, FEED);
  cbl_type_begin(L, FILE_BOX, file);
  cbl_type_end(L, FILE_BOX);
}

/* Pushes a feed; its user value is the string that it borrows from. */
static cbc_feed *push_feed(lua_State *L, const cbc_env *env) {
  cbc_feed *feed = lua_newuserdatauv(L, sizeof *feed, 1);
  cbc_feed_init(feed, env);
  luaL_setmetatable(L, FEED);
  lua_toclose(L, -1);
  return feed;
}

/* ==== Uploads ========================================================= */

/* The last segment of a path. */
static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

/* A string without NUL bytes: file names go to the operating system. */
static const char *check_name(lua_State *L, int arg, int idx, const char *what) {
  cbc_error err;
  size_t n;
  const char *s = lua_tolstring(L, idx, &n);
  if (n == 0) cbl_argerror(L, arg, lua_pushfstring(L, "%s is empty", what));
  if (cbc_header_check_value(s, n, &err) != CBC_OK)
    cbl_argerror(L, arg, lua_pushfstring(L, "%s %s", what, err.message));
  return s;
}

static void read_path(lua_State *L, int idx, int arg, cbc_part *part) {
  cbl_job *job = lua_touserdata(L, idx);
  part->path = check_name(L, arg, arg, "the path");
  part->filename = base_name(part->path);
  lua_pushvalue(L, arg);
  cbl_job_anchor(L, idx, CBL_JOB_SOURCE);
  cbc_input_check(part->path, &job->files.error);
}

/* The function is at the top of the stack, and is popped. */
static void read_reader(lua_State *L, int idx, cbc_part *part) {
  cbl_job *job = lua_touserdata(L, idx);
  cbl_job_anchor(L, idx, CBL_JOB_FUNCTION);
  job->files.feed = part->feed = push_feed(L, cbc_client_env(job->client->core));
  lua_pushvalue(L, -1);
  cbl_job_anchor(L, idx, CBL_JOB_SOURCE);
}

/* { name =, content = } or { name =, reader = } */
static void read_table(lua_State *L, int idx, int arg, cbc_part *part) {
  static const cbl_option options[] = {
      {"name", CBL_ANY, 0}, {"content", CBL_ANY, 0}, {"reader", CBL_ANY, 0}, CBL_NO_MORE};
  int content, reader;
  cbl_options_copy(L, arg);
  cbl_options_read(L, arg, -1, options, NULL);
  if (lua_getfield(L, -1, "name") != LUA_TSTRING)
    cbl_argerror(L, arg, "file.name must be a string");
  part->filename = check_name(L, arg, -1, "file.name");
  cbl_job_anchor(L, idx, CBL_JOB_FILENAME);
  reader = lua_getfield(L, -1, "reader");
  content = lua_getfield(L, -2, "content");
  if (content == LUA_TSTRING && reader == LUA_TNIL) {
    part->data = lua_tolstring(L, -1, &part->data_size);
    cbl_job_anchor(L, idx, CBL_JOB_SOURCE);
  } else if (content == LUA_TNIL && reader == LUA_TFUNCTION) {
    lua_pop(L, 1);
    read_reader(L, idx, part);
  } else {
    cbl_argerror(L, arg, "file must have either a content (a string) or a reader (a function)");
  }
}

static cbc_part *add_part(cbl_job *job, const char *field) {
  cbc_request *r = &job->call->request;
  cbc_part *part = &r->parts[r->part_count++];
  *part = (cbc_part){.name = field};
  r->body = CBC_BODY_MULTIPART;
  return part;
}

void cbl_files_read_source(lua_State *L, int idx, int arg, const char *field) {
  cbl_job *job = lua_touserdata(L, idx);
  cbc_part *part = add_part(job, field);
  switch (lua_type(L, arg)) {
  case LUA_TSTRING:
    read_path(L, idx, arg, part);
    break;
  case LUA_TFUNCTION:
    part->filename = "file.xlsx";
    lua_pushvalue(L, arg);
    read_reader(L, idx, part);
    break;
  case LUA_TTABLE:
    read_table(L, idx, arg, part);
    break;
  default:
    cbl_typeerror(L, arg, "file", "a path, a function or a table", arg);
  }
}

void cbl_files_add_field(lua_State *L, int idx, int arg, const char *field, cbc_segment s) {
  cbc_part *part;
  if (s.bytes == NULL) return;
  part = add_part(lua_touserdata(L, idx), field);
  part->data = s.bytes;
  part->data_size = s.size;
  lua_pushvalue(L, arg);
  cbl_job_anchor(L, idx, CBL_JOB_PART);
}

void cbl_files_start(cbl_job *job) {
  if (job->files.error.code != CBC_OK) cbc_call_abort(job->call, &job->files.error);
}

/* Pops what the reader returned, and adds it to the feed at index idx. */
static void feed_piece(lua_State *L, cbc_feed *feed, int idx) {
  size_t n;
  const char *s;
  if (lua_type(L, -1) != LUA_TSTRING && !lua_isnil(L, -1))
    luaL_error(L, "the reader of a file must return a string or nil, got %s", luaL_typename(L, -1));
  s = lua_tolstring(L, -1, &n);
  if (s == NULL) {
    feed->ended = true;
  } else if (n >= FEED_LEAST) {
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, idx, 1);
    feed->borrowed = s;
    feed->borrowed_size = n;
  } else if (!cbc_buffer_add(&feed->gathered, s, n)) {
    cbl_raise_nomem(L);
  }
  lua_pop(L, 1);
}

/* Asks the reader until there is something worth sending. The feed is empty: it is
** only then hungry. */
void cbl_files_give(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  cbc_feed *feed = job->files.feed;
  const cbc_env *env = cbc_client_env(job->call->client);
  double begun = env->now(env->ud);
  int at;
  cbl_job_push_anchored(L, idx, CBL_JOB_SOURCE);
  at = lua_gettop(L);
  lua_pushnil(L); /* what was borrowed before has been taken */
  lua_setiuservalue(L, at, 1);
  do {
    cbl_job_push_anchored(L, idx, CBL_JOB_FUNCTION);
    lua_call(L, 0, 1);
    feed_piece(L, feed, at);
  } while (!feed->ended && cbc_feed_size(feed) < FEED_LEAST &&
           env->now(env->ud) - begun < FEED_PATIENCE);
  lua_pop(L, 1);
  /* Bytes of a reader are there once. */
  cbc_exchange_last_attempt(&job->call->exchange);
}

/* ==== Downloads ======================================================= */

void cbl_files_read_target(lua_State *L, int idx, int arg) {
  cbl_job *job = lua_touserdata(L, idx);
  cbl_files *files = &job->files;
  file_box *b;
  if (lua_isnoneornil(L, arg)) return;
  job->call->request.stream = true;
  if (lua_isfunction(L, arg)) {
    files->sink = true;
    lua_pushvalue(L, arg);
    cbl_job_anchor(L, idx, CBL_JOB_FUNCTION);
    return;
  }
  if (lua_type(L, arg) != LUA_TSTRING)
    cbl_typeerror(L, arg, "to", "a path, a function or nil", arg);
  check_name(L, arg, arg, "the path");
  b = lua_newuserdatauv(L, sizeof *b, 0);
  b->file = NULL;
  luaL_setmetatable(L, FILE_BOX);
  lua_toclose(L, -1);
  b->file = cbc_file_create(cbc_client_env(job->client->core), lua_tostring(L, arg), &files->error);
  if (b->file == NULL && files->error.code == CBC_ENOMEM) cbl_raise(L, &files->error);
  files->file = b->file;
  lua_pushvalue(L, -1);
  cbl_job_anchor(L, idx, CBL_JOB_TARGET);
}

/* Pieces of an earlier attempt, which broke off, count for nothing. */
static cbc_code begin_attempt(cbl_files *files, int attempt, cbc_error *err) {
  if (files->sink_attempt == attempt) return CBC_OK;
  files->sink_attempt = attempt;
  files->taken = 0;
  return files->file != NULL ? cbc_file_rewind(files->file, err) : CBC_OK;
}

/* Hands the piece to the caller's function. Making a string of it may run a
** finalizer, whose calls drive this transfer, too, and add to the piece: only
** what the string has is taken out. */
static void call_sink(lua_State *L, int idx, cbc_buffer *piece) {
  cbl_job *job = lua_touserdata(L, idx);
  size_t n = piece->size;
  /* The function has seen them: another attempt would hand them over twice. */
  cbc_exchange_last_attempt(&job->call->exchange);
  cbl_job_push_anchored(L, idx, CBL_JOB_FUNCTION);
  lua_pushlstring(L, piece->data, n);
  cbc_buffer_drop(piece, n);
  job->files.taken += (lua_Integer)n;
  lua_call(L, 1, 0);
}

void cbl_files_take(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  cbl_files *files = &job->files;
  cbc_buffer *piece = &cbc_transfer_reply(job->call->attempt)->body;
  cbc_error err;
  cbc_code rc = begin_attempt(files, job->call->exchange.attempts, &err);
  if (rc == CBC_OK && files->file != NULL) {
    rc = cbc_file_write(files->file, piece->data, piece->size, &err);
    files->taken += (lua_Integer)piece->size;
    piece->size = 0;
  }
  if (rc != CBC_OK)
    cbc_call_abort(job->call, &err);
  else if (files->sink)
    call_sink(L, idx, piece);
}

bool cbl_files_is_whole(lua_State *L, const cbl_job *job) {
  int status = cbc_transfer_reply(job->call->attempt)->status;
  if (status != 200)
    lua_pushfstring(L, "the reply has status %d, and only 200 brings the whole file", status);
  return status == 200;
}

cbc_verdict cbl_files_commit(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  cbl_files *files = &job->files;
  cbc_error err;
  /* The attempt that succeeded may have had no bytes at all. */
  cbc_code rc = begin_attempt(files, job->call->exchange.attempts - 1, &err);
  if (rc == CBC_OK && files->file != NULL) rc = cbc_file_commit(files->file, &err);
  if (rc != CBC_OK) {
    cbc_call_abort(job->call, &err);
    lua_pushnil(L); /* no reason but the call's error */
    return CBC_VERDICT_UNREADABLE;
  }
  lua_pushinteger(L, files->taken);
  return CBC_VERDICT_APPLIED;
}
