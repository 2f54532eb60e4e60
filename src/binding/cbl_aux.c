/*
** cbl_aux.c - what every part of the binding uses of Lua: types, methods,
** argument errors, raising.
*/
#include "cbl_aux.h"

#include <string.h>

/* Its address is the key of a table in the registry: method -> its name. */
static const char names_key = 0;

static void push_names(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
}

void cbl_newclass(lua_State *L, const char *name, const luaL_Reg *metamethods, lua_CFunction index,
                  const void *key) {
  if (cbl_type_begin(L, name, metamethods)) {
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, key);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, index, 2);
    lua_setfield(L, -2, "__index");
  }
  lua_rawgetp(L, -1, key);
  lua_insert(L, -2);
  cbl_type_end(L, name);
}

void cbl_setmethod(lua_State *L, const char *name) {
  lua_pushstring(L, name);
  if (lua_rawget(L, -3) != LUA_TNIL) {
    lua_pop(L, 2);
    return;
  }
  lua_pop(L, 1);
  push_names(L);
  lua_pushvalue(L, -2);
  lua_pushstring(L, name);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  lua_setfield(L, -2, name);
}

void cbl_setmethods(lua_State *L, const luaL_Reg *functions) {
  for (; functions->name != NULL; functions++) {
    lua_pushcfunction(L, functions->func);
    cbl_setmethod(L, functions->name);
  }
}

/* The name of the running function if it is a method, and pushes it; else NULL,
** pushing something, too. */
static const char *push_method_name(lua_State *L) {
  lua_Debug ar;
  push_names(L);
  if (lua_getstack(L, 0, &ar) == 0 || lua_getinfo(L, "f", &ar) == 0) return NULL;
  lua_rawget(L, -2);
  return lua_tostring(L, -1);
}

int cbl_argerror(lua_State *L, int arg, const char *what) {
  const char *name = push_method_name(L);
  if (name == NULL) return luaL_argerror(L, arg, what);
  if (arg == 1) return luaL_error(L, "calling '%s' on a bad self (%s)", name, what);
  return luaL_error(L, "bad argument #%d to '%s' (%s)", arg - 1, name, what);
}

int cbl_typeerror(lua_State *L, int arg, const char *name, const char *must, int idx) {
  const char *got = lua_isnone(L, idx) ? "nothing" : luaL_typename(L, idx);
  return cbl_argerror(L, arg, lua_pushfstring(L, "%s must be %s, got %s", name, must, got));
}

void *cbl_checkself(lua_State *L, const char *type) {
  void *object = luaL_testudata(L, 1, type);
  if (object == NULL)
    cbl_argerror(L, 1, lua_pushfstring(L, "%s expected, got %s", type, luaL_typename(L, 1)));
  return object;
}

void *cbl_checkown(lua_State *L, int upvalue, const char *type) {
  void *object = lua_touserdata(L, 1);
  if (object != NULL && lua_getmetatable(L, 1)) {
    bool own = lua_rawequal(L, -1, lua_upvalueindex(upvalue)) != 0;
    lua_pop(L, 1);
    if (own) return object;
  }
  return luaL_checkudata(L, 1, type);
}

void cbl_checklast(lua_State *L, int last) {
  for (int arg = last + 1; arg <= lua_gettop(L); arg++)
    if (!lua_isnil(L, arg))
      cbl_argerror(L, arg,
                   lua_pushfstring(L, "one argument too many: a %s", luaL_typename(L, arg)));
}

bool cbl_equals(lua_State *L, int idx, const char *s, size_t n) {
  return lua_type(L, idx) == LUA_TSTRING && lua_rawlen(L, idx) == n &&
         memcmp(lua_tostring(L, idx), s, n) == 0;
}

void cbl_setstring(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

int cbl_raise_nomem(lua_State *L) {
  /* The words of Lua's own memory error, without a position before them. */
  lua_pushliteral(L, "not enough memory");
  return lua_error(L);
}

int cbl_raise(lua_State *L, const cbc_error *err) {
  if (err->code == CBC_ENOMEM) return cbl_raise_nomem(L);
  return luaL_error(L, "%s", err->message);
}

void cbl_newlib(lua_State *L, const luaL_Reg *functions) {
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
}

bool cbl_type_begin(lua_State *L, const char *name, const luaL_Reg *functions) {
  if (luaL_getmetatable(L, name) == LUA_TTABLE) return false;
  lua_pop(L, 1);
  cbl_newlib(L, functions);
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushliteral(L, "locked");
  lua_setfield(L, -2, "__metatable");
  return true;
}

void cbl_type_end(lua_State *L, const char *name) {
  lua_setfield(L, LUA_REGISTRYINDEX, name);
}

int cbl_callquietly(lua_State *L, int n) {
  int status = lua_pcall(L, n, 0, 0);
  if (status == LUA_OK) return status;
  if (lua_type(L, -1) == LUA_TSTRING) {
    lua_warning(L, "cloudblue.connect: ", 1);
    lua_warning(L, lua_tostring(L, -1), 0);
  }
  lua_pop(L, 1);
  return status;
}
