/*
** faultalloc.c - a Lua module for the tests of failing memory. It makes Lua
** states of its own whose memory, the core's memory in them, and libcurl's come
** from one place that counts every block and fails on demand: allocation n, or
** all from n on, whichever of the three asks.
**
** The state that runs the tests keeps its own memory. libcurl is one for the
** process, so this module has to be loaded before anything else starts it, and
** only one state is to be at work at a time.
**
** lua-cjson's buffer is left out: it calls the C library's realloc and ends the
** process when that fails.
*/
#include <arpa/inet.h>
#include <curl/curl.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cbl_state.h"

#define STATE "faultalloc.State"

/* ==== Memory that is counted and ends ================================= */

/* Who asks. */
typedef enum asker { ASKS_LUA, ASKS_CORE, ASKS_CURL, ASKERS } asker;

static const char *const asker_names[ASKERS] = {"lua", "core", "curl"};

/* How memory ends. */
typedef enum manner {
  HICCUP, /* one allocation fails; Lua, which asks again after a collection, gets it then */
  ONCE,   /* one allocation fails, and Lua's second try */
  ALWAYS  /* it and every later one */
} manner;

static struct {
  atomic_size_t blocks[ASKERS]; /* alive; libcurl's also from the thread of a lookup */
  size_t tried;                 /* allocations since memory was last made to end */
  size_t fail_at;               /* number of the first to fail; 0: none */
  manner manner;
  size_t failed;           /* how many did */
  size_t tried_by[ASKERS]; /* allocations since then, by who asked */
  struct {
    void *block;
    size_t osize, nsize;
  } refused;          /* what Lua asked for when it was refused; nsize 0: nothing */
  const char *secret; /* looked for in what the core gives back */
  size_t spills;      /* blocks of the core that held it */
  size_t mistakes;    /* blocks given back under another size than theirs */
} memory;

/* Stands before every block. */
typedef union head {
  size_t size;
  max_align_t align;
} head;

/* Lua asks for the same again at once; the second time is the same allocation. */
static bool is_second_try(void *block, size_t osize, size_t nsize) {
  bool same = memory.refused.nsize == nsize && memory.refused.block == block &&
              memory.refused.osize == osize;
  memory.refused.nsize = 0;
  return nsize != 0 && same;
}

static bool must_fail(asker who, void *block, size_t osize, size_t nsize) {
  if (memory.fail_at == 0) return false;
  if (who == ASKS_LUA && is_second_try(block, osize, nsize)) return memory.manner != HICCUP;
  memory.tried++;
  memory.tried_by[who]++;
  if (memory.tried < memory.fail_at) return false;
  if (memory.tried > memory.fail_at && memory.manner != ALWAYS) return false;
  memory.failed++;
  if (who == ASKS_LUA) {
    memory.refused.block = block;
    memory.refused.osize = osize;
    memory.refused.nsize = nsize;
  }
  return true;
}

static bool holds_secret(const char *bytes, size_t n) {
  size_t size = memory.secret != NULL ? strlen(memory.secret) : 0;
  for (size_t i = 0; size > 0 && i + size <= n; i++)
    if (memcmp(bytes + i, memory.secret, size) == 0) return true;
  return false;
}

static void give_back(asker who, void *block) {
  head *h = (head *)block - 1;
  if (who == ASKS_CORE && holds_secret(block, h->size)) memory.spills++;
  memory.blocks[who]--;
  memset(block, 0xDD, h->size);
  free(h);
}

/* Never in place, so that no pointer into the old block survives by luck. */
static void *resize(asker who, void *block, size_t osize, size_t nsize) {
  head *h = malloc(sizeof *h + nsize);
  if (h == NULL) return NULL;
  h->size = nsize;
  memset(h + 1, 0xCC, nsize);
  memory.blocks[who]++;
  if (block != NULL) {
    memcpy(h + 1, block, osize < nsize ? osize : nsize);
    give_back(who, block);
  }
  return h + 1;
}

static size_t size_of(const void *block) {
  return block != NULL ? ((const head *)block - 1)->size : 0;
}

/* As lua_Alloc. Lua may count on a block that shrinks. */
static void *alloc_for(asker who, void *block, size_t osize, size_t nsize) {
  if (block != NULL && size_of(block) != osize) memory.mistakes++;
  if (nsize == 0) {
    if (block != NULL) give_back(who, block);
    return NULL;
  }
  if ((block == NULL || nsize > osize) && must_fail(who, block, osize, nsize)) return NULL;
  return resize(who, block, osize, nsize);
}

static void *lua_memory(void *ud, void *block, size_t osize, size_t nsize) {
  (void)ud;
  /* Without a block, osize is the kind of object. */
  return alloc_for(ASKS_LUA, block, block != NULL ? osize : 0, nsize);
}

static void *core_memory(void *ud, void *block, size_t osize, size_t nsize) {
  (void)ud;
  return alloc_for(ASKS_CORE, block, osize, nsize);
}

static void *curl_malloc(size_t n) {
  return alloc_for(ASKS_CURL, NULL, 0, n != 0 ? n : 1);
}

static void curl_free_(void *block) {
  alloc_for(ASKS_CURL, block, size_of(block), 0);
}

static void *curl_realloc(void *block, size_t n) {
  return alloc_for(ASKS_CURL, block, size_of(block), n != 0 ? n : 1);
}

static char *curl_strdup(const char *s) {
  size_t n = strlen(s) + 1;
  char *copy = alloc_for(ASKS_CURL, NULL, 0, n);
  return copy != NULL ? memcpy(copy, s, n) : NULL;
}

static void *curl_calloc(size_t count, size_t size) {
  size_t n = count * size != 0 ? count * size : 1;
  void *block = alloc_for(ASKS_CURL, NULL, 0, n);
  return block != NULL ? memset(block, 0, n) : NULL;
}

/* ==== Time ============================================================ */

/* Seconds by which the core's clock is ahead: pauses were skipped. */
static double skipped;

static double fast_now(void *ud) {
  const cbc_env *env = cbc_env_default();
  (void)ud;
  return env->now(env->ud) + skipped;
}

static double fast_wall(void *ud) {
  const cbc_env *env = cbc_env_default();
  (void)ud;
  return env->wall(env->ud);
}

static double no_chance(void *ud) {
  (void)ud;
  return 0;
}

/* Milliseconds after which nothing comes any more. */
#define PATIENCE 3

/* Where there is nothing to wait for, or nothing comes, time is skipped. */
static int fast_wait(void *ud, struct pollfd *fds, nfds_t count, int milliseconds) {
  int ready = 0, waited = 0;
  (void)ud;
  if (count > 0) {
    waited = milliseconds < PATIENCE ? milliseconds : PATIENCE;
    ready = poll(fds, count, waited);
  }
  if (ready == 0) skipped += (milliseconds - waited) / 1e3;
  return ready;
}

static cbc_env core_env = {NULL, core_memory, fast_now, fast_wall, no_chance, fast_wait};

/* ==== States ========================================================== */

typedef struct state {
  lua_State *L; /* owned; NULL once closed */
} state;

static state *check_state(lua_State *L) {
  state *s = luaL_checkudata(L, 1, STATE);
  luaL_argcheck(L, s->L != NULL, 1, "the state is closed");
  return s;
}

/* pass(seconds), in a state: so much time is skipped. */
static int pass(lua_State *L) {
  skipped += luaL_checknumber(L, 1);
  return 0;
}

/* faultalloc.state(path, cpath [, secret]): a state with all libraries, pass, its
** package.path and cpath, and the core's surroundings in its registry. secret is
** looked for in what the core gives back; it is a string that stays. */
static int new_state(lua_State *L) {
  const char *path = luaL_checkstring(L, 1), *cpath = luaL_checkstring(L, 2);
  state *s;
  memory.secret = luaL_optstring(L, 3, NULL);
  lua_settop(L, 3);
  s = lua_newuserdatauv(L, sizeof *s, 1);
  s->L = NULL;
  luaL_setmetatable(L, STATE);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, -2, 1);
  memory.blocks[ASKS_LUA] = memory.blocks[ASKS_CORE] = 0;
  memory.mistakes = memory.spills = memory.fail_at = 0;
  s->L = lua_newstate(lua_memory, NULL);
  if (s->L == NULL) return luaL_error(L, "no state");
  luaL_openlibs(s->L);
  lua_register(s->L, "pass", pass);
  lua_getglobal(s->L, "package");
  lua_pushstring(s->L, path);
  lua_setfield(s->L, -2, "path");
  lua_pushstring(s->L, cpath);
  lua_setfield(s->L, -2, "cpath");
  lua_pop(s->L, 1);
  lua_pushlightuserdata(s->L, &core_env);
  lua_setfield(s->L, LUA_REGISTRYINDEX, CBL_ENV_KEY);
  return 1;
}

/* Copies the value at the top of from as a string to the top of to. */
static void copy_text(lua_State *from, lua_State *to) {
  size_t n;
  const char *s = luaL_tolstring(from, -1, &n);
  lua_pushlstring(to, s, n);
  lua_pop(from, 2);
}

/* state:run(code, ...): runs a chunk with strings as arguments while memory does
** not end. Gives true and its result as a string, or false and its error. */
static int run(lua_State *L) {
  state *s = check_state(L);
  size_t n;
  const char *code = luaL_checklstring(L, 2, &n);
  int arguments = lua_gettop(L) - 2, status;
  status = luaL_loadbufferx(s->L, code, n, "=state", "t");
  if (status == LUA_OK) {
    for (int i = 0; i < arguments; i++)
      lua_pushstring(s->L, luaL_checkstring(L, i + 3));
    status = lua_pcall(s->L, arguments, 1, 0);
  }
  lua_pushboolean(L, status == LUA_OK);
  copy_text(s->L, L);
  return 2;
}

static void end_memory(size_t n, manner how) {
  memory.tried = memory.failed = 0;
  memset(memory.tried_by, 0, sizeof memory.tried_by);
  memory.refused.nsize = 0;
  memory.manner = how;
  memory.fail_at = n;
}

static void push_counts(lua_State *L, const size_t counts[ASKERS]) {
  lua_createtable(L, 0, ASKERS);
  for (int who = 0; who < ASKERS; who++) {
    lua_pushinteger(L, (lua_Integer)counts[who]);
    lua_setfield(L, -2, asker_names[who]);
  }
}

static void push_blocks(lua_State *L) {
  size_t counts[ASKERS];
  for (int who = 0; who < ASKERS; who++)
    counts[who] = memory.blocks[who];
  push_counts(L, counts);
}

/* state:try(name, n, manner): calls the state's global function of that name
** while memory ends at allocation n (manner "hiccup", "once" or "always").
** Memory being back, the results, or the word "raised" and the error, go to its
** global function "report", whose results are made strings. Gives that string,
** how many allocations failed, and how many were tried, by who asked. */
static int try(lua_State *L) {
  static const char *const manners[] = {"hiccup", "once", "always", NULL};
  state *s = check_state(L);
  const char *name = luaL_checkstring(L, 2);
  size_t n = (size_t)luaL_checkinteger(L, 3);
  manner how = (manner)luaL_checkoption(L, 4, NULL, manners);
  int status;
  lua_settop(s->L, 0);
  lua_getglobal(s->L, "report");
  lua_getglobal(s->L, name);
  end_memory(n, how);
  status = lua_pcall(s->L, 0, LUA_MULTRET, 0);
  memory.fail_at = 0;
  if (status != LUA_OK) {
    lua_pushliteral(s->L, "raised");
    lua_insert(s->L, -2);
  }
  if (lua_pcall(s->L, lua_gettop(s->L) - 1, 1, 0) != LUA_OK) {
    lua_pushliteral(s->L, "the report failed: ");
    lua_insert(s->L, -2);
    lua_concat(s->L, 2);
  }
  copy_text(s->L, L);
  lua_pushinteger(L, (lua_Integer)memory.failed);
  push_counts(L, memory.tried_by);
  return 3;
}

static void close_state(state *s) {
  lua_State *inner = s->L;
  s->L = NULL;
  if (inner != NULL) lua_close(inner);
}

/* state:close(): gives how many blocks were not given back, by who took them,
** how many were given back under another size, and in how many of the core's
** the secret stood. */
static int finish(lua_State *L) {
  state *s = check_state(L);
  close_state(s);
  push_blocks(L);
  lua_pushinteger(L, (lua_Integer)memory.mistakes);
  lua_pushinteger(L, (lua_Integer)memory.spills);
  return 3;
}

/* faultalloc.blocks(): how many blocks are alive, by who took them. */
static int blocks(lua_State *L) {
  push_blocks(L);
  return 1;
}

/* Descriptors that are looked at. */
#define DESCRIPTORS_MOST 100

/* True for a client's timer: what the sandbox has open in its thread is of other kinds. */
static bool is_timer(int fd) {
  static const char timer[] = "anon_inode:[timerfd]";
  char name[64], kind[64];
  ssize_t n;
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  n = readlink(name, kind, sizeof kind);
  return n == (ssize_t)strlen(timer) && memcmp(kind, timer, (size_t)n) == 0;
}

/* True for a socket that is connected to the port of 127.0.0.1. */
static bool leads_to(int fd, lua_Integer port) {
  struct sockaddr_in peer;
  socklen_t size = sizeof peer;
  memset(&peer, 0, sizeof peer);
  return getpeername(fd, (struct sockaddr *)&peer, &size) == 0 && peer.sin_family == AF_INET &&
         ntohs(peer.sin_port) == port;
}

/* faultalloc.descriptors(port): how many descriptors of clients of that port are open. */
static int descriptors(lua_State *L) {
  lua_Integer port = luaL_checkinteger(L, 1), n = 0;
  for (int fd = 0; fd < DESCRIPTORS_MOST; fd++)
    if (is_timer(fd) || leads_to(fd, port)) n++;
  lua_pushinteger(L, n);
  return 1;
}

static int state_gc(lua_State *L) {
  close_state(luaL_checkudata(L, 1, STATE));
  return 0;
}

__attribute__((visibility("default"))) int luaopen_faultalloc(lua_State *L);

int luaopen_faultalloc(lua_State *L) {
  static const luaL_Reg methods[] = {{"run", run}, {"try", try}, {"close", finish}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"state", new_state}, {"blocks", blocks}, {"descriptors", descriptors}, {NULL, NULL}};
  /* Held to the end of the process: libcurl's own blocks are then the same
  ** before and after each state. */
  if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, curl_free_, curl_realloc, curl_strdup,
                           curl_calloc) != CURLE_OK)
    return luaL_error(L, "libcurl does not start");
  luaL_newmetatable(L, STATE);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, state_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
