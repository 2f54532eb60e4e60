/*
** cbl_methods.h - the methods in Lua: what client, resource and chunk can do. It
** stands above all else, and turns the rows of the table of endpoints into
** methods.
*/
#ifndef CBL_METHODS_H
#define CBL_METHODS_H

#include <lua.h>

/* Makes the metatables of client, resources and chunks with their methods.
** Pushes a table: class name -> methods of its resources, for what is written in
** Lua to add to. */
void cbl_methods_open(lua_State *L);

/* Pushes a function for each class that makes its resources, as fields of the
** table at the top of the stack: Class(client [, path]). */
void cbl_methods_add_constructors(lua_State *L);

#endif
