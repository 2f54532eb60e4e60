/*
** cbl_call.h - drives a call for Lua: its steps, its hooks, its waiting.
*/
#ifndef CBL_CALL_H
#define CBL_CALL_H

#include <lua.h>

/* Drives the started call of the job at index idx until it is over, and pushes
** its results, or nil and a failure; returns how many values that is. Raises
** memory errors, and the errors of hooks and of the caller's functions; all else
** is a failure. */
int cbl_call_run(lua_State *L, int idx);

#endif
