/*
** cbl_state.h - what the binding keeps once for each Lua state: the private
** lua-cjson, the environment of the core, the writer of filters. It stands in
** the registry, so that states in different threads share nothing.
*/
#ifndef CBL_STATE_H
#define CBL_STATE_H

#include <lauxlib.h>
#include <lua.h>

#include "cbc_env.h"

/* Places in the table. */
typedef enum cbl_place {
  CBL_DECODE = 1, /* function: JSON text -> value */
  CBL_ENCODE,     /* function: value -> JSON text */
  CBL_NULL,       /* light userdata: JSON null */
  CBL_ARRAY_MT,   /* table: what makes a table a list to lua-cjson; nil on one branch */
  CBL_EMPTY_ARRAY_MT,
  CBL_FILTER_WRITER, /* function, see core.setFilterWriter; nil until it is set */
  CBL_TASKS,         /* list of functions, see core.setTasks; nil until it is set */
  CBL_LIVE,          /* userdata, see cbl_live.c */
  CBL_OWED,          /* who is still to be woken, see cbl_parking.c; or nil */
  CBL_PLACES = CBL_OWED
} cbl_place;

/* Makes the table unless the state has one. Raises when lua-cjson can't be
** loaded. */
void cbl_state_open(lua_State *L);

/* Pushes what stands at a place; returns its type. */
int cbl_state_push(lua_State *L, cbl_place place);

/* Pops a value and puts it at a place. */
void cbl_state_set(lua_State *L, cbl_place place);

/* The environment for clients made from now on: the one that a host put at
** CBL_ENV_KEY in the registry as a light userdata, or the default. */
const cbc_env *cbl_env(lua_State *L);

#define CBL_ENV_KEY "cloudblue.connect.env"

#endif
