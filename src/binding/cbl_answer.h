/*
** cbl_answer.h - reading a reply that answered.
*/
#ifndef CBL_ANSWER_H
#define CBL_ANSWER_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "cbl_call.h"

/* Decodes the string at the top of the stack and pushes the table; or pushes
** why that can't be, and returns false. */
bool cbl_answer_decode(lua_State *L);

/* Pushes what the reply of a call that succeeded makes and returns how many
** results that is; or tells the call that the reply is not what it seemed,
** pushes why, and returns 0. ud is whatever the function needs. */
typedef int (*cbl_reader)(lua_State *L, cbl_job *job, const void *ud);

/* Drives the call to its end. Returns the results of read, or nil and a
** failure. */
int cbl_answer(lua_State *L, cbl_job *job, cbl_reader read, const void *ud);

#endif
