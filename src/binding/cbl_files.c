/*
** cbl_files.c - files in and out.
*/
#include "cbl_files.h"

#include <string.h>

#include "cbc_header.h"
#include "cbc_input.h"
#include "cbl_options.h"
#include "cbl_shared.h"

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
  if (n == 0) luaL_argerror(L, arg, lua_pushfstring(L, "%s is empty", what));
  if (cbc_header_check_value(s, n, &err) != CBC_OK)
    luaL_argerror(L, arg, lua_pushfstring(L, "%s %s", what, err.message));
  return s;
}

static void read_path(lua_State *L, int arg, cbl_files *files, cbc_part *part) {
  part->path = check_name(L, arg, arg, "the path");
  part->filename = base_name(part->path);
  cbc_input_check(part->path, &files->error);
}

static void read_reader(lua_State *L, int idx, const cbc_env *env, cbl_files *files,
                        cbc_part *part) {
  files->reader = lua_absindex(L, idx);
  files->feed = part->feed = push_feed(L, env);
  files->feed_index = lua_gettop(L);
}

/* { name =, content = } or { name =, reader = }, their values left on the stack. */
static void read_table(lua_State *L, int arg, const cbc_env *env, cbl_files *files,
                       cbc_part *part) {
  static const cbl_option options[] = {
      {"name", CBL_ANY, 0}, {"content", CBL_ANY, 0}, {"reader", CBL_ANY, 0}, {NULL, CBL_ANY, 0}};
  int content, reader;
  cbl_options_read(L, arg, arg, options, NULL);
  if (lua_getfield(L, arg, "name") != LUA_TSTRING)
    luaL_argerror(L, arg, "file.name must be a string");
  part->filename = check_name(L, arg, -1, "file.name");
  content = lua_getfield(L, arg, "content");
  reader = lua_getfield(L, arg, "reader");
  if (content == LUA_TSTRING && reader == LUA_TNIL)
    part->data = lua_tolstring(L, -2, &part->data_size);
  else if (content == LUA_TNIL && reader == LUA_TFUNCTION)
    read_reader(L, -1, env, files, part);
  else
    luaL_argerror(L, arg, "file must have either a content (a string) or a reader (a function)");
}

void cbl_files_read_source(lua_State *L, int arg, const char *field, const cbc_env *env,
                           cbl_files *files, cbc_part *part) {
  *part = (cbc_part){.name = field};
  cbc_error_clear(&files->error);
  switch (lua_type(L, arg)) {
  case LUA_TSTRING:
    read_path(L, arg, files, part);
    break;
  case LUA_TFUNCTION:
    part->filename = "file.xlsx";
    read_reader(L, arg, env, files, part);
    break;
  case LUA_TTABLE:
    read_table(L, arg, env, files, part);
    break;
  default:
    luaL_argerror(L, arg,
                  lua_pushfstring(L, "file must be a path, a function or a table, got %s",
                                  luaL_typename(L, arg)));
  }
}

/* Pops what the reader returned, and adds it to the feed. */
static void feed_piece(lua_State *L, cbl_files *files) {
  cbc_feed *feed = files->feed;
  size_t n;
  const char *s;
  if (lua_type(L, -1) != LUA_TSTRING && !lua_isnil(L, -1))
    luaL_error(L, "the reader of a file must give a string or nil, got %s", luaL_typename(L, -1));
  s = lua_tolstring(L, -1, &n);
  if (s == NULL) {
    feed->ended = true;
  } else if (n >= FEED_LEAST) {
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, files->feed_index, 1);
    feed->borrowed = s;
    feed->borrowed_size = n;
  } else if (!cbc_buffer_add(&feed->gathered, s, n)) {
    cbl_raise_nomem(L);
  }
  lua_pop(L, 1);
}

/* Asks the reader until there is something worth sending. The feed is empty: it is
** only then hungry. */
static void give(lua_State *L, cbl_job *job) {
  cbl_files *files = job->files;
  cbc_feed *feed = files->feed;
  const cbc_env *env = cbc_client_env(job->call->client);
  double begun = env->now(env->ud);
  lua_pushnil(L); /* what was borrowed before has been taken */
  lua_setiuservalue(L, files->feed_index, 1);
  do {
    lua_pushvalue(L, files->reader);
    lua_call(L, 0, 1);
    feed_piece(L, files);
  } while (!feed->ended && cbc_feed_size(feed) < FEED_LEAST &&
           env->now(env->ud) - begun < FEED_PATIENCE);
  /* Bytes of a reader are there once: after this the request can't be sent
  ** again. */
  job->call->exchange.policy.retries = 0;
}

/* ==== Downloads ======================================================= */

void cbl_files_read_target(lua_State *L, int arg, const cbc_env *env, cbl_files *files) {
  file_box *b;
  files->sink_attempt = -1;
  cbc_error_clear(&files->error);
  if (lua_isnoneornil(L, arg)) return;
  if (lua_isfunction(L, arg)) {
    files->sink = arg;
    return;
  }
  if (lua_type(L, arg) != LUA_TSTRING)
    luaL_argerror(
        L, arg,
        lua_pushfstring(L, "to must be a path, a function or nil, got %s", luaL_typename(L, arg)));
  check_name(L, arg, arg, "the path");
  b = lua_newuserdatauv(L, sizeof *b, 0);
  b->file = NULL;
  luaL_setmetatable(L, FILE_BOX);
  lua_toclose(L, -1);
  b->file = cbc_file_create(env, lua_tostring(L, arg), &files->error);
  if (b->file == NULL && files->error.code == CBC_ENOMEM) cbl_raise(L, &files->error);
  files->file = b->file;
}

bool cbl_files_has_target(const cbl_files *files) {
  return files->file != NULL || files->sink != 0;
}

/* Pieces of an earlier attempt, which broke off, count for nothing. */
static cbc_code begin_attempt(cbl_files *files, int attempt, cbc_error *err) {
  if (files->sink_attempt == attempt) return CBC_OK;
  files->sink_attempt = attempt;
  files->taken = 0;
  return files->file != NULL ? cbc_file_rewind(files->file, err) : CBC_OK;
}

/* Calls the sink with the first n bytes of the piece, and takes them out of it.
** Making the string may run a finalizer, in which another call drives this
** transfer on: more bytes are then behind those. */
static void call_sink(lua_State *L, const cbl_files *files, cbc_buffer *piece, size_t n) {
  lua_pushvalue(L, files->sink);
  lua_pushlstring(L, piece->data, n);
  cbc_buffer_drop(piece, n);
  lua_call(L, 1, 0);
}

static void take(lua_State *L, cbl_job *job, cbc_buffer *piece) {
  cbl_files *files = job->files;
  cbc_call *call = job->call;
  size_t n = piece->size;
  cbc_error err;
  cbc_code rc = begin_attempt(files, call->exchange.attempts, &err);
  if (rc == CBC_OK && files->file != NULL) rc = cbc_file_write(files->file, piece->data, n, &err);
  if (rc != CBC_OK) {
    cbc_call_abort(call, &err);
    return;
  }
  files->taken += (lua_Integer)n;
  if (files->sink == 0) {
    cbc_buffer_drop(piece, n);
    return;
  }
  /* The sink will have seen them: another attempt would hand them over twice. */
  call->exchange.repeat = CBC_REPEAT_NEVER;
  call_sink(L, files, piece, n);
}

bool cbl_files_is_whole(lua_State *L, cbl_job *job) {
  int status = cbc_transfer_reply(job->call->attempt)->status;
  if (status == 200) return true;
  lua_pushfstring(L, "the reply has status %d, and only 200 brings the whole file", status);
  cbc_call_unreadable(job->call);
  return false;
}

bool cbl_files_commit(lua_State *L, cbl_job *job) {
  cbl_files *files = job->files;
  cbc_error err;
  /* The attempt that succeeded may have had no bytes at all. */
  cbc_code rc = begin_attempt(files, job->call->exchange.attempts - 1, &err);
  if (rc == CBC_OK && files->file != NULL) rc = cbc_file_commit(files->file, &err);
  if (rc != CBC_OK) {
    cbc_call_abort(job->call, &err);
    return false;
  }
  lua_pushinteger(L, files->taken);
  return true;
}

void cbl_files_attach(cbl_job *job, cbl_files *files) {
  job->files = files;
  job->take = take;
  job->give = give;
}
