/*
** cbl_resource.c - the resource userdata.
*/
#include "cbl_resource.h"

#include <string.h>

#include "cbc_url.h"
#include "cbl_client.h"
#include "cbl_shared.h"

/* The userdata itself holds its class; what it works on stands in user values. */
typedef struct resource {
  const cbl_class *class;
} resource;

enum { CLIENT = 1, BASE_URI, VALUES = BASE_URI };

/* Type names: "cloudblue." and the name of the class. */
static const char *push_type_name(lua_State *L, const cbl_class *class) {
  return lua_pushfstring(L, "cloudblue.%s", class->name);
}

/* The resource at argument 1, of whatever class: its metatable is marked with
** the address of cbl_classes. */
static resource *check_resource(lua_State *L) {
  if (lua_isuserdata(L, 1) && lua_getmetatable(L, 1)) {
    int type = lua_rawgetp(L, -1, cbl_classes);
    lua_pop(L, 2);
    if (type != LUA_TNIL) return lua_touserdata(L, 1);
  }
  luaL_typeerror(L, 1, "a resource");
  return NULL;
}

/* ==== Methods ========================================================= */

/* Every action as a method: (resource, arguments...). Upvalue: its row. */
static int perform_method(lua_State *L) {
  const cbl_action *action = lua_touserdata(L, lua_upvalueindex(1));
  int client;
  check_resource(L);
  if (lua_gettop(L) <= CBL_PARAMS_MAX) lua_settop(L, CBL_PARAMS_MAX + 1);
  lua_getiuservalue(L, 1, CLIENT);
  client = lua_gettop(L);
  lua_getiuservalue(L, 1, BASE_URI);
  return cbl_action_perform(L, action, lua_tostring(L, -1), client, 2);
}

/* Adds '/' and the encoded id at argument arg. */
static void add_segment(lua_State *L, luaL_Buffer *b, int arg) {
  cbc_error err;
  size_t n;
  const char *s = luaL_checklstring(L, arg, &n);
  if (cbc_url_check_id(s, n, &err) != CBC_OK) luaL_argerror(L, arg, err.message);
  luaL_addchar(b, '/');
  luaL_addsize(b, cbc_url_encode(s, n, luaL_prepbuffsize(b, 3 * n)));
}

/* resource:collection(id, name): the collection of that name below an object. */
static int sub_collection(lua_State *L) {
  luaL_Buffer b;
  check_resource(L);
  lua_settop(L, 3);
  lua_getiuservalue(L, 1, CLIENT);
  luaL_buffinit(L, &b);
  lua_getiuservalue(L, 1, BASE_URI);
  luaL_addvalue(&b);
  add_segment(L, &b, 2);
  add_segment(L, &b, 3);
  luaL_pushresult(&b);
  cbl_resource_push(L, &cbl_classes[0], 4, lua_tostring(L, -1));
  return 1;
}

/* Upvalue: the table of methods. */
static int resource_index(lua_State *L) {
  const char *key;
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  check_resource(L);
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
  resource *r = check_resource(L);
  lua_getiuservalue(L, 1, BASE_URI);
  lua_pushfstring(L, "%s (%s)", r->class->name, lua_tostring(L, -1));
  return 1;
}

/* ==== Classes ========================================================= */

/* Adds actions to the table of methods at the top of the stack. */
static void add_actions(lua_State *L, const cbl_action *actions) {
  for (; actions->name != NULL; actions++) {
    lua_pushlightuserdata(L, (void *)actions);
    lua_pushcclosure(L, perform_method, 1);
    lua_setfield(L, -2, actions->name);
  }
}

/* Pushes the table of methods of a class. */
static void push_methods(lua_State *L, const cbl_class *class) {
  lua_newtable(L);
  add_actions(L, cbl_generic_actions);
  add_actions(L, class->actions);
  lua_pushcfunction(L, sub_collection);
  lua_setfield(L, -2, "collection");
}

/* Makes the metatable of a class unless the state has it. Pushes its methods. */
static void open_class(lua_State *L, const cbl_class *class) {
  static const luaL_Reg functions[] = {{"__tostring", resource_tostring}, {NULL, NULL}};
  const char *name = push_type_name(L, class);
  if (cbl_type_begin(L, name, functions)) {
    push_methods(L, class);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, cbl_classes);
    lua_pushcclosure(L, resource_index, 1);
    lua_setfield(L, -2, "__index");
  }
  lua_rawgetp(L, -1, cbl_classes);
  lua_insert(L, -3);
  cbl_type_end(L, name);
  lua_pop(L, 1);
}

void cbl_resource_open(lua_State *L) {
  lua_newtable(L);
  for (const cbl_class *c = cbl_classes; c->name != NULL; c++) {
    open_class(L, c);
    lua_setfield(L, -2, c->name);
  }
}

/* ==== Making ========================================================== */

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
  const char *path = luaL_checklstring(L, arg, &n);
  while (n > 1 && path[n - 1] == '/')
    n--;
  if (cbc_url_check_path(path, n, &err) != CBC_OK)
    luaL_argerror(L, arg, lua_pushfstring(L, "the path %s", err.message));
  return lua_pushlstring(L, path, n);
}

void cbl_resource_push_path(lua_State *L, int client, int arg) {
  cbl_resource_push(L, &cbl_classes[0], client, check_path(L, arg));
}

/* Upvalue: the class. */
static int construct(lua_State *L) {
  const cbl_class *class = lua_touserdata(L, lua_upvalueindex(1));
  cbl_client_check(L, 1);
  if (class->base_uri != NULL)
    cbl_resource_push_own(L, class, 1);
  else
    cbl_resource_push_path(L, 1, 2);
  return 1;
}

void cbl_resource_push_constructor(lua_State *L, const cbl_class *class) {
  lua_pushlightuserdata(L, (void *)class);
  lua_pushcclosure(L, construct, 1);
}
