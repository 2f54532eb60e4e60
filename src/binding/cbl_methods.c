/*
** cbl_methods.c - the methods in Lua.
*/
#include "cbl_methods.h"

#include <string.h>

#include "cbc_url.h"
#include "cbl_action.h"
#include "cbl_arguments.h"
#include "cbl_aux.h"
#include "cbl_chunk.h"
#include "cbl_client.h"
#include "cbl_loop.h"
#include "cbl_request.h"
#include "cbl_resource.h"

/* Where the arguments of a method begin, behind its object. */
#define FIRST 2

/* Makes the arguments as many as the row has, and one of options. */
static void settle_arguments(lua_State *L, const cbl_endpoint *e) {
  int last = FIRST + cbl_arguments_count(e);
  cbl_checklast(L, last);
  lua_settop(L, last);
}

/* ==== Resources ======================================================= */

/* A row as a method: (resource, arguments... [, options]). Upvalue: the row. */
static int perform(lua_State *L) {
  const cbl_endpoint *e = lua_touserdata(L, lua_upvalueindex(1));
  const cbl_class *class = cbl_resource_check(L);
  int client;
  settle_arguments(L, e);
  cbl_resource_push_client(L);
  client = lua_gettop(L);
  cbl_resource_push_base_uri(L);
  return cbl_action_perform(L, class, e, lua_tostring(L, -1), client, FIRST);
}

/* Adds '/' and the encoded string at argument arg. */
static void add_segment(lua_State *L, luaL_Buffer *b, int arg, const char *name) {
  cbc_error err;
  size_t n;
  const char *s;
  if (lua_type(L, arg) != LUA_TSTRING) cbl_typeerror(L, arg, name, "a string", arg);
  s = lua_tolstring(L, arg, &n);
  if (cbc_url_check_id(s, n, &err) != CBC_OK)
    cbl_argerror(L, arg, lua_pushfstring(L, "%s %s", name, err.message));
  luaL_addchar(b, '/');
  luaL_addsize(b, cbc_url_encode(s, n, luaL_prepbuffsize(b, 3 * n)));
}

/* resource:collection(id, name): the collection of that name below an object. */
static int sub_collection(lua_State *L) {
  luaL_Buffer b;
  cbl_resource_check(L);
  cbl_checklast(L, 3);
  lua_settop(L, 3);
  cbl_resource_push_client(L);
  luaL_buffinit(L, &b);
  cbl_resource_push_base_uri(L);
  luaL_addvalue(&b);
  add_segment(L, &b, 2, "id");
  add_segment(L, &b, 3, "name");
  luaL_pushresult(&b);
  cbl_resource_push(L, &cbl_classes[0], 4, lua_tostring(L, -1));
  return 1;
}

/* Adds rows to the table of methods at the top of the stack. */
static void add_rows(lua_State *L, const cbl_endpoint *e, lua_CFunction f) {
  for (; e->name != NULL; e++) {
    lua_pushlightuserdata(L, (void *)e);
    lua_pushcclosure(L, f, 1);
    cbl_setmethod(L, e->name);
  }
}

/* The table at the top of the stack: class name -> methods. */
static void add_resource_methods(lua_State *L) {
  for (const cbl_class *c = cbl_classes; c->name != NULL; c++) {
    lua_getfield(L, -1, c->name);
    add_rows(L, c->endpoints, perform);
    add_rows(L, cbl_generic_endpoints, perform);
    lua_pushcfunction(L, sub_collection);
    cbl_setmethod(L, "collection");
    lua_pop(L, 1);
  }
}

/* (client), or (client, path) for a class without a collection of its own. Upvalue:
** the class. */
static int construct(lua_State *L) {
  const cbl_class *class = lua_touserdata(L, lua_upvalueindex(1));
  cbl_client_check(L, 1);
  cbl_checklast(L, class->base_uri != NULL ? 1 : 2);
  if (class->base_uri != NULL)
    cbl_resource_push_own(L, class, 1);
  else
    cbl_resource_push_path(L, 1, 2);
  return 1;
}

void cbl_methods_add_constructors(lua_State *L) {
  for (const cbl_class *c = cbl_classes; c->name != NULL; c++) {
    lua_pushlightuserdata(L, (void *)c);
    lua_pushcclosure(L, construct, 1);
    lua_setfield(L, -2, c->name);
  }
}

/* ==== Chunks ========================================================== */

/* The row that a method of a chunk carries out on its class's collection. */
static const cbl_endpoint *find_row(lua_State *L, const cbl_class *class, const char *name) {
  const cbl_endpoint *e = &cbl_refresh_endpoint;
  if (strcmp(name, e->name) == 0) return e;
  e = cbl_class_find(class, name);
  if (e == NULL)
    cbl_argerror(
        L, 1, lua_pushfstring(L, "%s has no %s; a chunk of usageChunks has", class->object, name));
  return e;
}

/* A row as a method of a chunk, whose id is the row's first argument. Upvalue:
** the name. */
static int perform_on_chunk(lua_State *L) {
  const char *name = lua_tostring(L, lua_upvalueindex(1));
  const cbl_class *class;
  const cbl_endpoint *e;
  int client;
  cbl_checkself(L, CBL_CHUNK);
  class = cbl_chunk_class(L, 1);
  e = find_row(L, class, name);
  /* The id takes the place of the chunk, so the arguments stand as in the row. */
  cbl_checklast(L, 1 + cbl_arguments_count(e));
  lua_settop(L, 1 + cbl_arguments_count(e));
  lua_getiuservalue(L, 1, CBL_CHUNK_CLIENT);
  client = lua_gettop(L);
  cbl_chunk_push_id(L);
  lua_replace(L, 1);
  return cbl_action_perform(L, class, e, class->base_uri, client, 1);
}

/* The table of methods is at the top of the stack. */
static void add_chunk_methods(lua_State *L) {
  static const char *const names[] = {"close", "download", "regenerate", "refresh"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    lua_pushstring(L, names[i]);
    lua_pushcclosure(L, perform_on_chunk, 1);
    cbl_setmethod(L, names[i]);
  }
}

/* ==== The client ====================================================== */

/* client:resource(path) */
static int client_resource(lua_State *L) {
  cbl_client_check(L, 1);
  cbl_checklast(L, 2);
  cbl_resource_push_path(L, 1, 2);
  return 1;
}

/* Pushes the resource that is the client's property of that name, or nil. */
static void push_property(lua_State *L, const char *name) {
  for (const cbl_class *c = cbl_classes; c->name != NULL; c++) {
    if (c->property == NULL || strcmp(c->property, name) != 0) continue;
    cbl_resource_push_own(L, c, 1);
    return;
  }
  lua_pushnil(L);
}

/* Upvalues: the table of methods, and the metatable. */
static int client_index(lua_State *L) {
  const cbl_client *c = cbl_checkown(L, 2, CBL_CLIENT);
  const char *key = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  if (strcmp(key, "endpoint") == 0 && c->live.core != NULL)
    lua_pushstring(L, cbc_client_endpoint(c->live.core));
  else
    push_property(L, key);
  return 1;
}

/* ==== Opening ========================================================= */

void cbl_methods_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"request", cbl_request_perform}, {"resource", client_resource},
      {"attach", cbl_loop_attach},      {"detach", cbl_loop_detach},
      {"pollfd", cbl_loop_pollfd},      {"step", cbl_loop_step},
      {"close", cbl_loop_close},        {NULL, NULL}};
  cbl_client_open(L, client_index, cbl_loop_close);
  cbl_setmethods(L, methods);
  cbl_chunk_open(L);
  add_chunk_methods(L);
  lua_pop(L, 1);
  cbl_resource_open(L);
  add_resource_methods(L);
}
