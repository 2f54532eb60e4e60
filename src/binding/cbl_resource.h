/*
** cbl_resource.h - the resource userdata: a collection of the API, and the
** methods that its class makes of the table of actions.
*/
#ifndef CBL_RESOURCE_H
#define CBL_RESOURCE_H

#include <lauxlib.h>
#include <lua.h>

#include "cbl_action.h"

/* Makes the metatables of every class, and pushes a table: class name -> its
** table of methods, for what is written in Lua to add to. */
void cbl_resource_open(lua_State *L);

/* Pushes a resource of a class for the client at index client, on the
** collection at base_uri. */
void cbl_resource_push(lua_State *L, const cbl_class *class, int client, const char *base_uri);

/* Pushes the client's one resource of a class that has a collection of its own. */
void cbl_resource_push_own(lua_State *L, const cbl_class *class, int client);

/* Pushes the resource for the path at argument arg, of the client at index
** client. Raises an argument error for what is no path. */
void cbl_resource_push_path(lua_State *L, int client, int arg);

/* Pushes the function that makes resources of a class: (client [, baseUri]). */
void cbl_resource_push_constructor(lua_State *L, const cbl_class *class);

#endif
