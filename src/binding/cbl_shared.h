/*
** cbl_shared.h - what the binding keeps once for each Lua state: the private
** lua-cjson, the environment of the core, the writer of filters. It stands in
** the registry, so that states in different threads share nothing.
*/
#ifndef CBL_SHARED_H
#define CBL_SHARED_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "cbc_env.h"
#include "cbc_error.h"

/* Places in the shared table. */
enum cbl_shared {
  CBL_DECODE = 1, /* function: JSON text -> value */
  CBL_ENCODE,     /* function: value -> JSON text */
  CBL_NULL,       /* light userdata: JSON null */
  CBL_ARRAY_MT,   /* table: what makes a table a list to lua-cjson; nil on one branch */
  CBL_EMPTY_ARRAY_MT,
  CBL_FILTER_WRITER /* function, see core.setFilterWriter; nil until the Lua face sets it */
};

/* Makes the shared table unless the state has one. Raises when lua-cjson can't
** be had. */
void cbl_shared_open(lua_State *L);

/* Pushes what stands at a place; returns its type. */
int cbl_shared_push(lua_State *L, enum cbl_shared place);

/* Pops a value and puts it at a place. */
void cbl_shared_set(lua_State *L, enum cbl_shared place);

/* The environment for clients made from now on: the one that a host put at
** CBL_ENV_KEY in the registry as a light userdata, or the default. */
const cbc_env *cbl_env(lua_State *L);

#define CBL_ENV_KEY "cloudblue.connect.env"

/* Raises what a code of the core means for Lua: a memory error as Lua's own
** reads, any other with the error's message. */
int cbl_raise(lua_State *L, const cbc_error *err);

/* Raises a memory error. */
int cbl_raise_nomem(lua_State *L);

/* As luaL_setfuncs for a new table of the functions, left on the stack. */
void cbl_newlib(lua_State *L, const luaL_Reg *functions);

/* Begins a type: pushes a metatable, named (__name), locked against Lua
** (__metatable), with the functions in it. False, pushing the one that exists,
** when the state has the type. */
bool cbl_type_begin(lua_State *L, const char *name, const luaL_Reg *functions);

/* Makes the metatable at the top of the stack known as the type's, and pops it.
** Only now, so that a type is never found half made after memory ended. */
void cbl_type_end(lua_State *L, const char *name);

#endif
