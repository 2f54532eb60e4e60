/*
** cbl_failure.h - what a call gives back beside nil when it did not succeed: a
** table with fields to decide by and a metatable that prints it as one line.
*/
#ifndef CBL_FAILURE_H
#define CBL_FAILURE_H

#include <lauxlib.h>
#include <lua.h>

#include "cbl_call.h"

#define CBL_FAILURE "cloudblue.Failure"

/* Makes the metatable. Pushes nothing. */
void cbl_failure_open(lua_State *L);

/* Pushes the failure of a call that is over, made from its exchange and from
** the reply to its last attempt. A reply that can't be read, or that denies, is
** explained by the message at the top of the stack, which is popped; others
** ignore it. The key is masked in all that came from the service. */
void cbl_failure_push(lua_State *L, const cbl_job *job);

/* core.newFailure(fields): makes the table of fields a failure and returns it,
** for what finds a reply unusable in Lua. */
int cbl_failure_new(lua_State *L);

#endif
