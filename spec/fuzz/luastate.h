/*
** luastate.h - the Lua state of a fuzz target: the module opened in it, and
** protected calls.
*/
#ifndef LUASTATE_H
#define LUASTATE_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "cloudblue_connect.h"
#include "fuzz.h"

int luaopen_cjson(lua_State *L);

/* The one state, made at the first call; its stack is empty. */
static inline lua_State *the_state(void) {
  static lua_State *L;
  static unsigned calls;
  if (L == NULL) {
    L = luaL_newstate();
    if (L == NULL) abort();
    luaL_openlibs(L);
    luaL_requiref(L, "cjson", luaopen_cjson, 0);
    luaL_requiref(L, "cloudblue.connect.core", luaopen_cloudblue_connect_core, 0);
    lua_settop(L, 0);
  }
  if (++calls % 1000 == 0) lua_gc(L, LUA_GCCOLLECT);
  return L;
}

/* Calls f with the bytes as a string; an error ends the process. */
static inline void protected_call(lua_CFunction f, const uint8_t *data, size_t size) {
  lua_State *L = the_state();
  lua_pushcfunction(L, f);
  lua_pushlstring(L, (const char *)data, size);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
    abort();
  }
  lua_settop(L, 0);
}

#endif
