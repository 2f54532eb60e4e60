/*
** cbl_hooks.h - the functions that a client calls around each request. What they
** see has the key masked.
*/
#ifndef CBL_HOOKS_H
#define CBL_HOOKS_H

#include "cbl_call.h"

/* Calls the client's hooks before the present attempt or probe is sent, each
** with a table of its own. Their errors pass. */
void cbl_hooks_before(lua_State *L, const cbl_job *job);

/* The same after its reply, or its failure. */
void cbl_hooks_after(lua_State *L, const cbl_job *job);

#endif
