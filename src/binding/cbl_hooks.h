/*
** cbl_hooks.h - the functions that a client calls before and after each request.
** The key is masked in their arguments.
*/
#ifndef CBL_HOOKS_H
#define CBL_HOOKS_H

#include <lua.h>

/* Calls the client's hooks before the present attempt or probe of the job at
** index idx is sent, each with a table of its own. Their errors are raised. */
void cbl_hooks_before(lua_State *L, int idx);

/* The same after its reply, or its failure. */
void cbl_hooks_after(lua_State *L, int idx);

#endif
