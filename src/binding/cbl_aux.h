/*
** cbl_aux.h - what luaL_ functions do for functions, done for methods: argument
** errors that count and name the arguments as the caller wrote them.
*/
#ifndef CBL_AUX_H
#define CBL_AUX_H

#include <lauxlib.h>
#include <lua.h>

/* Makes a type whose objects have methods: index becomes __index, with the table
** of methods as its upvalue. Pushes that table, which the metatable has under
** the address key, too; the one there is when the state has the type already. */
void cbl_newclass(lua_State *L, const char *name, const luaL_Reg *metamethods, lua_CFunction index,
                  const void *key);

/* Adds functions to the table at the top of the stack as methods: their first
** argument is the object. */
void cbl_setmethods(lua_State *L, const luaL_Reg *functions);

/* Pops a function and puts it as a method of that name into the table that is
** then at the top of the stack, unless it has one of that name: opening the
** module again, perhaps because memory was out the first time, completes what is
** there and replaces nothing. */
void cbl_setmethod(lua_State *L, const char *name);

/* As luaL_argerror: "bad argument #1 to 'close' (id is empty)". A method is
** called by its name and its object is not counted, however it was called
** (pcall(records.close, records, "") has no name for Lua). */
int cbl_argerror(lua_State *L, int arg, const char *what);

/* "name must be a string, got nil", as an argument error. name: of the argument;
** must: what it must be; the value is at index idx. */
int cbl_typeerror(lua_State *L, int arg, const char *name, const char *must, int idx);

/* As luaL_checkudata for the object of a method. */
void *cbl_checkself(lua_State *L, const char *type);

/* Raises an argument error when a value stands behind argument last. */
void cbl_checklast(lua_State *L, int last);

/* Sets a string field of the table at the top of the stack. */
void cbl_setstring(lua_State *L, const char *name, const char *value);

#endif
