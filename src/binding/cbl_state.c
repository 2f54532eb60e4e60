/*
** cbl_state.c - what the binding keeps once for each Lua state.
*/
#include "cbl_state.h"

#include <stdbool.h>

#include "cbl_locale.h"

/* Its address is the key in the registry. */
static const char state_key = 0;

/* Deepest nesting that is read or written. */
#define JSON_DEPTH 1000

/* Pushes the cjson module: the one that is loaded already (a host may have no
** require), else what require finds. */
static void push_cjson(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_getfield(L, -1, "cjson");
  lua_remove(L, -2);
  if (lua_istable(L, -1)) return;
  lua_pop(L, 1);
  if (lua_getglobal(L, "require") != LUA_TFUNCTION)
    luaL_error(L, "cloudblue.connect needs lua-cjson: load it as 'cjson' before");
  lua_pushliteral(L, "cjson");
  lua_call(L, 1, 1);
}

/* Calls a setting of the cjson instance at the top of the stack if this branch
** has it and takes the value that was pushed; pops the value. */
static bool configure(lua_State *L, const char *setting) {
  int instance = lua_gettop(L) - 1;
  bool ok = lua_getfield(L, instance, setting) == LUA_TFUNCTION;
  lua_insert(L, -2);
  ok = ok && lua_pcall(L, 1, 0, 0) == LUA_OK;
  lua_settop(L, instance);
  return ok;
}

static void configure_flag(lua_State *L, const char *setting, int value) {
  lua_pushboolean(L, value);
  configure(L, setting);
}

static void configure_number(lua_State *L, const char *setting, int value) {
  lua_pushinteger(L, value);
  configure(L, setting);
}

/* Returns an instance of our own, so that the host's stays as it is. */
static int new_instance(lua_State *L) {
  push_cjson(L);
  if (lua_getfield(L, -1, "new") != LUA_TFUNCTION)
    luaL_error(L, "cloudblue.connect needs lua-cjson 2.1.0 or later (no cjson.new)");
  lua_call(L, 0, 1);
  lua_remove(L, -2);
  configure_flag(L, "decode_invalid_numbers", 0);
  configure_flag(L, "encode_invalid_numbers", 0);
  configure_number(L, "decode_max_depth", JSON_DEPTH);
  configure_number(L, "encode_max_depth", JSON_DEPTH);
  configure_flag(L, "decode_array_with_array_mt", 1);
  /* As exact as the branch can: 16 digits, or the 14 of 2.1.0. */
  lua_pushinteger(L, 16);
  if (!configure(L, "encode_number_precision")) configure_number(L, "encode_number_precision", 14);
  return 1;
}

void cbl_state_open(lua_State *L) {
  static const struct {
    cbl_place place;
    const char *field;
  } fields[] = {{CBL_DECODE, "decode"},
                {CBL_ENCODE, "encode"},
                {CBL_NULL, "null"},
                {CBL_ARRAY_MT, "array_mt"},
                {CBL_EMPTY_ARRAY_MT, "empty_array_mt"}};
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key) == LUA_TTABLE) {
    lua_pop(L, 1);
    return;
  }
  lua_pop(L, 1);
  lua_createtable(L, CBL_PLACES, 0);
  lua_pushcfunction(L, new_instance);
  cbl_locale_call_new(L, 0, 1);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    lua_getfield(L, -1, fields[i].field);
    lua_rawseti(L, -3, fields[i].place);
  }
  lua_pop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
}

int cbl_state_push(lua_State *L, cbl_place place) {
  int type;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  type = lua_rawgeti(L, -1, place);
  lua_remove(L, -2);
  return type;
}

void cbl_state_set(lua_State *L, cbl_place place) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
  lua_insert(L, -2);
  lua_rawseti(L, -2, place);
  lua_pop(L, 1);
}

const cbc_env *cbl_env(lua_State *L) {
  const cbc_env *env = NULL;
  if (lua_getfield(L, LUA_REGISTRYINDEX, CBL_ENV_KEY) == LUA_TLIGHTUSERDATA)
    env = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return env != NULL ? env : cbc_env_default();
}
