/*
** cbl_aux.h - what every part of the binding uses of Lua, beside lauxlib: types,
** methods, argument errors that count and name the arguments as the caller wrote
** them, and raising what the core reports.
*/
#ifndef CBL_AUX_H
#define CBL_AUX_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "cbc_error.h"

/* Makes a type whose objects have methods: index becomes __index, with the table
** of methods and the metatable as its upvalues. Pushes the former, which the metatable
** has under the address key, too; the one there is when the state has the type
** already. */
void cbl_newclass(lua_State *L, const char *name, const luaL_Reg *metamethods, lua_CFunction index,
                  const void *key);

/* Adds functions to the table at the top of the stack as methods: their first
** argument is the object. */
void cbl_setmethods(lua_State *L, const luaL_Reg *functions);

/* Pops a function and puts it as a method of that name into the table that is
** then at the top of the stack, unless it has one of that name: opening the module
** again, perhaps after running out of memory, completes what is there and replaces
** nothing. */
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

/* As luaL_checkudata for the first argument of a function that has the type's metatable as
** that upvalue: cheaper than to look it up by its name. */
void *cbl_checkown(lua_State *L, int upvalue, const char *type);

/* Raises an argument error when a value stands behind argument last. */
void cbl_checklast(lua_State *L, int last);

/* True when the value at idx is that string, whole: one of Lua's may go on behind a
** NUL byte, where strcmp ends. */
bool cbl_equals(lua_State *L, int idx, const char *s, size_t n);

/* Sets a string field of the table at the top of the stack. */
void cbl_setstring(lua_State *L, const char *name, const char *value);

/* Raises what a code of the core means for Lua: a memory error as Lua's own
** reads, any other with the error's message. */
int cbl_raise(lua_State *L, const cbc_error *err);

/* Raises a memory error. */
int cbl_raise_nomem(lua_State *L);

/* Calls a function with n arguments where nothing may be raised: an error becomes a
** warning. Returns lua_pcall's status. */
int cbl_callquietly(lua_State *L, int n);

/* As luaL_setfuncs for a new table of the functions, left on the stack. */
void cbl_newlib(lua_State *L, const luaL_Reg *functions);

/* Begins a type: pushes a metatable, named (__name), locked against Lua
** (__metatable), with the functions in it. False, pushing the one that exists,
** when the state has the type. */
bool cbl_type_begin(lua_State *L, const char *name, const luaL_Reg *functions);

/* Makes the metatable at the top of the stack known as the type's, and pops it.
** Only now, so that a type is never found half made when out of memory. */
void cbl_type_end(lua_State *L, const char *name);

#endif
