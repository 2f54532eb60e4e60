/*
** testenv.c - a Lua module that puts the core's surroundings into the hands of a
** spec: a clock that jumps over pauses, chance that was agreed on, and a record
** of the pauses.
**
** One for the process. Clients made between start and stop keep to it for life.
*/
#include <errno.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "cbl_state.h"

#define RANDOM_MOST 64
#define PAUSES_MOST 4096

/* With hurry: milliseconds after which nothing comes any more, and how many times in a
** row that may be, with calls in flight, before somebody must have been forgotten. */
#define HURRY_WAIT 3
#define HURRY_MOST 10000

/* Each time in a row, twice as much time passes, so many times. */
#define HURRY_DOUBLES 4

/* Where the clock stands when a spec starts, in seconds. */
#define CLOCK_START 1000.0

static struct {
  double ahead;               /* seconds by which the clock is ahead of the real one */
  double told;                /* what the clock showed last */
  double pause_start;         /* what it showed when the last pause was decided on */
  double wall;                /* seconds since the epoch; below 0: the real ones */
  double random[RANDOM_MOST]; /* given out in turn */
  size_t random_count;
  size_t randoms;             /* how many were given out */
  double pauses[PAUSES_MOST]; /* seconds; the last may be under way, or 0 */
  size_t pause_count;
  lua_Integer waits;  /* since the last breakWaits */
  lua_Integer broken; /* the first wait that fails; 0: none */
  lua_Integer mended; /* the first behind it that works again */
  int problem;        /* errno of a wait that fails */
  double hurry;       /* seconds that a wait passes in which nothing comes; 0: what it takes */
  int idle;           /* how many of those there were in a row */
} world;

/* ==== The core's table ================================================ */

static void *world_alloc(void *ud, void *block, size_t osize, size_t nsize) {
  const cbc_env *env = cbc_env_default();
  (void)ud;
  return env->alloc(env->ud, block, osize, nsize);
}

static double world_now(void *ud) {
  const cbc_env *env = cbc_env_default();
  (void)ud;
  return world.told = env->now(env->ud) + world.ahead;
}

static double world_wall(void *ud) {
  const cbc_env *env = cbc_env_default();
  (void)ud;
  return world.wall >= 0 ? world.wall : env->wall(env->ud);
}

/* The core asks for chance once before each pause: there a new one begins. */
static double world_random(void *ud) {
  (void)ud;
  if (world.pause_count == 0 || world.pauses[world.pause_count - 1] > 0)
    if (world.pause_count < PAUSES_MOST) world.pauses[world.pause_count++] = 0;
  world.pause_start = world.told;
  return world.random[world.randoms++ % world.random_count];
}

/* Waits for a little, and lets much time pass when nothing comes. */
static int wait_in_a_hurry(struct pollfd *fds, nfds_t count, int milliseconds) {
  const cbc_env *env = cbc_env_default();
  int most = milliseconds < HURRY_WAIT ? milliseconds : HURRY_WAIT;
  int ready = env->wait(env->ud, fds, count, most);
  int doubles = world.idle < HURRY_DOUBLES ? world.idle : HURRY_DOUBLES;
  if (ready == 0 && milliseconds > 0) world.ahead += world.hurry * (1 << doubles);
  world.idle = ready == 0 ? world.idle + 1 : 0;
  if (world.idle < HURRY_MOST) return ready;
  fprintf(stderr, "testenv: calls are in flight, and nothing comes any more\n");
  abort();
}

/* Without a socket to wait for, the time is over at once. */
static int world_wait(void *ud, struct pollfd *fds, nfds_t count, int milliseconds) {
  const cbc_env *env = cbc_env_default();
  (void)ud;
  world.waits++;
  if (world.waits >= world.broken && world.waits < world.mended) {
    errno = world.problem;
    return -1;
  }
  if (count > 0 && world.hurry > 0) return wait_in_a_hurry(fds, count, milliseconds);
  if (count > 0) return env->wait(env->ud, fds, count, milliseconds);
  world.ahead += milliseconds / 1e3;
  if (world.pause_count > 0)
    world.pauses[world.pause_count - 1] = world_now(NULL) - world.pause_start;
  return 0;
}

static cbc_env table = {NULL, world_alloc, world_now, world_wall, world_random, world_wait};

/* ==== What a spec calls =============================================== */

/* Reads {random = {number...}, wall = seconds, hurry = seconds} at 1. */
static void read_options(lua_State *L) {
  if (lua_getfield(L, 1, "wall") != LUA_TNIL) world.wall = luaL_checknumber(L, -1);
  if (lua_getfield(L, 1, "hurry") != LUA_TNIL) world.hurry = luaL_checknumber(L, -1);
  if (lua_getfield(L, 1, "random") == LUA_TNIL) return;
  luaL_checktype(L, -1, LUA_TTABLE);
  world.random_count = (size_t)luaL_len(L, -1);
  luaL_argcheck(L, world.random_count > 0 && world.random_count <= RANDOM_MOST, 1,
                "random must have 1 to 64 numbers");
  for (size_t i = 0; i < world.random_count; i++) {
    lua_geti(L, -1, (lua_Integer)i + 1);
    world.random[i] = luaL_checknumber(L, -1);
    lua_pop(L, 1);
  }
}

static int start(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  world.ahead = 0;
  world.ahead = CLOCK_START - world_now(NULL);
  world.wall = -1;
  world.random[0] = 0.5;
  world.random_count = 1;
  world.randoms = world.pause_count = 0;
  world.waits = world.broken = world.mended = 0;
  world.hurry = 0;
  world.idle = 0;
  read_options(L);
  lua_pushlightuserdata(L, &table);
  lua_setfield(L, LUA_REGISTRYINDEX, CBL_ENV_KEY);
  return 0;
}

static int stop(lua_State *L) {
  lua_pushnil(L);
  lua_setfield(L, LUA_REGISTRYINDEX, CBL_ENV_KEY);
  return 0;
}

static int clock_(lua_State *L) {
  lua_pushnumber(L, world_now(NULL));
  return 1;
}

static int pass(lua_State *L) {
  world.ahead += luaL_checknumber(L, 1);
  return 0;
}

/* breakWaits(first, count [, interrupted]): counted from now on, so many waits
** fail; returns how many there were since the last time. */
static int break_waits(lua_State *L) {
  world.broken = luaL_checkinteger(L, 1);
  world.mended = world.broken + luaL_checkinteger(L, 2);
  world.problem = lua_toboolean(L, 3) ? EINTR : EBADF;
  lua_pushinteger(L, world.waits);
  world.waits = 0;
  return 1;
}

static int pauses(lua_State *L) {
  lua_Integer n = 0;
  lua_newtable(L);
  for (size_t i = 0; i < world.pause_count; i++) {
    if (world.pauses[i] <= 0) continue;
    lua_pushnumber(L, world.pauses[i]);
    lua_seti(L, -2, ++n);
  }
  return 1;
}

__attribute__((visibility("default"))) int luaopen_testenv(lua_State *L);

int luaopen_testenv(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"start", start},   {"stop", stop}, {"clock", clock_}, {"breakWaits", break_waits},
      {"pauses", pauses}, {"pass", pass}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
