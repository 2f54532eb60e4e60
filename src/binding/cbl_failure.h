/*
** cbl_failure.h - what a call returns beside nil when it did not succeed: a
** table with fields to decide by and a metatable that prints it as one line.
*/
#ifndef CBL_FAILURE_H
#define CBL_FAILURE_H

#include <lauxlib.h>
#include <lua.h>

#define CBL_FAILURE "cloudblue.Failure"

/* Makes the metatable. Pushes nothing. */
void cbl_failure_open(lua_State *L);

/* Pushes the failure of the job at index idx, whose call is over, made from its
** exchange, from the replies to its last attempt and to its last confirming GET,
** and from the reason that the job has for a 2xx that is no success. The key is
** masked in all of it. */
void cbl_failure_push(lua_State *L, int idx);

/* core.newFailure(fields): makes the table of fields a failure and returns it, for
** replies that turn out to be unusable in Lua. */
int cbl_failure_new(lua_State *L);

#endif
