/*
** cbl_resource.h - the resource userdata: a collection of the API, below a
** client. Its methods are added by cbl_methods.h, and in Lua.
*/
#ifndef CBL_RESOURCE_H
#define CBL_RESOURCE_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "cbl_endpoints.h"

/* Makes the metatables of every class, and pushes a table: class name -> its
** table of methods. */
void cbl_resource_open(lua_State *L);

/* The class of the resource that is the object of a method, or an argument
** error. */
const cbl_class *cbl_resource_check(lua_State *L);

/* Pushes its client. */
void cbl_resource_push_client(lua_State *L);

/* Pushes the path of its collection. */
void cbl_resource_push_base_uri(lua_State *L);

/* Pushes a resource of a class for the client at index client, on the
** collection at base_uri. */
void cbl_resource_push(lua_State *L, const cbl_class *class, int client, const char *base_uri);

/* Pushes the client's one resource of a class that has a collection of its own. */
void cbl_resource_push_own(lua_State *L, const cbl_class *class, int client);

/* Pushes the resource for the path at argument arg, of the client at index
** client. Raises an argument error for what is no path. */
void cbl_resource_push_path(lua_State *L, int client, int arg);

#endif
