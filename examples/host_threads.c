/*
** host_threads.c - two threads close usage records at once, each in a Lua state
** of its own. The states share nothing, so the program locks nothing.
**
**   host_threads             takes CONNECT_ENDPOINT and CONNECT_API_KEY
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>

#include "cloudblue_connect.h"

/* lua-cjson's library has this function; not every system has its header. */
int luaopen_cjson(lua_State *L);

#define THREADS 2

typedef struct worker {
  pthread_t thread;
  int number; /* from 0 */
  int closed; /* records closed by it, or -1 */
} worker;

/* Takes every record whose place in the list falls to this worker. Endpoint and
** key come from the environment. */
static const char script[] =
    "local connect, number, workers = ...\n"
    "local client <close> = connect.ConnectClient()\n"
    "local list = assert(client.usageRecords:search('limit=100'))\n"
    "local closed = 0\n"
    "for i = number + 1, #list, workers do\n"
    "  assert(client.usageRecords:close(list[i].id, 'THREAD-' .. number))\n"
    "  closed = closed + 1\n"
    "end\n"
    "return closed\n";

static void open_library(lua_State *L, const char *name, lua_CFunction open, int global) {
  luaL_requiref(L, name, open, global);
  lua_pop(L, 1);
}

/* Runs in protected mode. Argument: the worker. */
static int run(lua_State *L) {
  worker *w = lua_touserdata(L, 1);
  open_library(L, LUA_GNAME, luaopen_base, 1);
  open_library(L, LUA_STRLIBNAME, luaopen_string, 1);
  open_library(L, LUA_TABLIBNAME, luaopen_table, 1);
  open_library(L, LUA_COLIBNAME, luaopen_coroutine, 1);
  luaL_requiref(L, "cjson", luaopen_cjson, 0); /* the module looks for it by this name */
  if (luaL_loadbufferx(L, script, sizeof script - 1, "=script", "t") != LUA_OK) lua_error(L);
  luaL_requiref(L, "cloudblue.connect.core", luaopen_cloudblue_connect_core, 0);
  lua_pushinteger(L, w->number);
  lua_pushinteger(L, THREADS);
  lua_call(L, 3, 1);
  w->closed = (int)lua_tointeger(L, -1);
  return 0;
}

/* Message handler: whatever was raised becomes a line. */
static int describe(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

/* The whole life of a state, from its first byte to its last. */
static void *work(void *ud) {
  worker *w = ud;
  lua_State *L = luaL_newstate();
  w->closed = -1;
  if (L == NULL) return NULL;
  lua_pushcfunction(L, describe);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, w);
  if (lua_pcall(L, 1, 0, 1) != LUA_OK)
    fprintf(stderr, "thread %d: %s\n", w->number, lua_tostring(L, -1));
  lua_close(L);
  return NULL;
}

int main(void) {
  worker workers[THREADS];
  int started = 0, failed = 0;
  for (; started < THREADS; started++) {
    workers[started].number = started;
    if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0) break;
  }
  for (int i = 0; i < started; i++) {
    pthread_join(workers[i].thread, NULL);
    printf("thread %d closed %d records\n", i, workers[i].closed);
    if (workers[i].closed <= 0) failed = 1;
  }
  return started < THREADS || failed;
}
