/*
** cbl_upload.c - files that are uploaded.
*/
#include "cbl_upload.h"

#include <string.h>

#include "cbc_input.h"
#include "cbl_aux.h"
#include "cbl_check.h"
#include "cbl_options.h"

#define FEED "cloudblue.Feed"

/* Bytes asked of a reader are collected up to this before they are sent; a piece
** of that size is not copied. */
#define FEED_LEAST ((size_t)16 * 1024)

/* Seconds for which they are collected at most: then what there is is sent, and the
** limits of the call are checked. */
#define FEED_PATIENCE 0.01

/* ==== The owner of a feed ============================================= */

static int feed_close(lua_State *L) {
  cbc_feed_free(luaL_checkudata(L, 1, FEED));
  return 0;
}

void cbl_upload_open(lua_State *L) {
  static const luaL_Reg functions[] = {{"__gc", feed_close}, {"__close", feed_close}, {NULL, NULL}};
  cbl_type_begin(L, FEED, functions);
  cbl_type_end(L, FEED);
}

/* Pushes a feed; its user value is the string that it borrows from. */
static cbc_feed *push_feed(lua_State *L, const cbc_env *env) {
  cbc_feed *feed = lua_newuserdatauv(L, sizeof *feed, 1);
  cbc_feed_init(feed, env);
  luaL_setmetatable(L, FEED);
  lua_toclose(L, -1);
  return feed;
}

/* ==== Where the bytes come from ======================================= */

/* The last segment of a path. */
static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}

static void read_path(lua_State *L, int idx, int arg, cbc_part *part) {
  cbl_job *job = lua_touserdata(L, idx);
  part->path = cbl_check_path(L, arg, arg, "the path");
  part->filename = base_name(part->path);
  lua_pushvalue(L, arg);
  cbl_job_anchor(L, idx, CBL_JOB_SOURCE);
  cbc_input_check(part->path, &job->file_error);
}

/* The function is at the top of the stack, and is popped. */
static void read_reader(lua_State *L, int idx, cbc_part *part) {
  cbl_job *job = lua_touserdata(L, idx);
  cbl_job_anchor(L, idx, CBL_JOB_FUNCTION);
  job->feed = part->feed = push_feed(L, cbc_client_env(job->call->client));
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
  part->filename = cbl_check_path(L, arg, -1, "file.name");
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

void cbl_upload_read(lua_State *L, int idx, int arg, const char *field) {
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

void cbl_upload_add_field(lua_State *L, int idx, int arg, const char *field, cbc_segment s) {
  cbc_part *part;
  if (s.bytes == NULL) return;
  part = add_part(lua_touserdata(L, idx), field);
  part->data = s.bytes;
  part->data_size = s.size;
  lua_pushvalue(L, arg);
  cbl_job_anchor(L, idx, CBL_JOB_PART);
}

/* ==== Reading ========================================================= */

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
void cbl_upload_give(lua_State *L, int idx) {
  cbl_job *job = lua_touserdata(L, idx);
  cbc_feed *feed = job->feed;
  const cbc_env *env = cbc_client_env(job->call->client);
  double begun = env->now(env->ud);
  int at;
  if (feed->freed) return; /* what asks for more is broken off */
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
  /* A reader returns its bytes once. */
  cbc_exchange_last_attempt(&job->call->exchange);
}
