/*
** cbl_resource.c - the resource userdata.
*/
#include "cbl_resource.h"

#include <string.h>

#include "cbc_url.h"
#include "cbl_aux.h"
#include "cbl_client.h"

/* Client and path stand in user values. */
typedef struct resource {
  const cbl_class *class;
} resource;

enum { CLIENT = 1, BASE_URI, VALUES = BASE_URI };

/* Type names: "cloudblue." and the name of the class. */
static const char *push_type_name(lua_State *L, const cbl_class *class) {
  return lua_pushfstring(L, "cloudblue.%s", class->name);
}

/* The metatables of resources are marked with the address of cbl_classes, where
** their methods stand. */
const cbl_class *cbl_resource_check(lua_State *L) {
  resource *r = lua_touserdata(L, 1);
  int type = LUA_TNIL;
  if (lua_type(L, 1) == LUA_TUSERDATA && lua_getmetatable(L, 1)) {
    type = lua_rawgetp(L, -1, cbl_classes);
    lua_pop(L, 2);
  }
  if (type == LUA_TNIL)
    cbl_argerror(L, 1, lua_pushfstring(L, "a resource expected, got %s", luaL_typename(L, 1)));
  return r->class;
}

void cbl_resource_push_client(lua_State *L) {
  lua_getiuservalue(L, 1, CLIENT);
}

void cbl_resource_push_base_uri(lua_State *L) {
  lua_getiuservalue(L, 1, BASE_URI);
}

/* ==== Properties ====================================================== */

/* Upvalue: the table of methods. */
static int resource_index(lua_State *L) {
  const char *key;
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  cbl_resource_check(L);
  key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  if (strcmp(key, "baseUri") == 0)
    lua_getiuservalue(L, 1, BASE_URI);
  else if (strcmp(key, "client") == 0)
    lua_getiuservalue(L, 1, CLIENT);
  else
    lua_pushnil(L);
  return 1;
}

static int resource_tostring(lua_State *L) {
  const cbl_class *class = cbl_resource_check(L);
  lua_getiuservalue(L, 1, BASE_URI);
  lua_pushfstring(L, "%s (%s)", class->name, lua_tostring(L, -1));
  return 1;
}

/* ==== Making ========================================================== */

void cbl_resource_open(lua_State *L) {
  static const luaL_Reg metamethods[] = {{"__tostring", resource_tostring}, {NULL, NULL}};
  lua_newtable(L);
  for (const cbl_class *c = cbl_classes; c->name != NULL; c++) {
    const char *name = push_type_name(L, c);
    cbl_newclass(L, name, metamethods, resource_index, cbl_classes);
    lua_setfield(L, -3, c->name);
    lua_pop(L, 1);
  }
}

void cbl_resource_push(lua_State *L, const cbl_class *class, int client, const char *base_uri) {
  resource *r = lua_newuserdatauv(L, sizeof *r, VALUES);
  r->class = class;
  lua_pushvalue(L, client);
  lua_setiuservalue(L, -2, CLIENT);
  lua_pushstring(L, base_uri);
  lua_setiuservalue(L, -2, BASE_URI);
  luaL_getmetatable(L, push_type_name(L, class));
  lua_remove(L, -2);
  lua_setmetatable(L, -2);
}

void cbl_resource_push_own(lua_State *L, const cbl_class *class, int client) {
  client = lua_absindex(L, client);
  lua_getiuservalue(L, client, CBL_RESOURCES);
  if (lua_getfield(L, -1, class->name) == LUA_TNIL) {
    lua_pop(L, 1);
    cbl_resource_push(L, class, client, class->base_uri);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, class->name);
  }
  lua_remove(L, -2);
}

/* Pushes the path at argument arg without slashes at its end. */
static const char *check_path(lua_State *L, int arg) {
  cbc_error err;
  size_t n;
  const char *path;
  if (lua_type(L, arg) != LUA_TSTRING) cbl_typeerror(L, arg, "path", "a string", arg);
  path = lua_tolstring(L, arg, &n);
  while (n > 1 && path[n - 1] == '/')
    n--;
  if (cbc_url_check_path(path, n, &err) != CBC_OK)
    cbl_argerror(L, arg, lua_pushfstring(L, "the path %s", err.message));
  return lua_pushlstring(L, path, n);
}

void cbl_resource_push_path(lua_State *L, int client, int arg) {
  cbl_resource_push(L, &cbl_classes[0], client, check_path(L, arg));
}
