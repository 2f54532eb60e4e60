/*
** cbl_query.h - what a caller gives for a query.
*/
#ifndef CBL_QUERY_H
#define CBL_QUERY_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

/* Pushes the query for the filter at index idx, argument arg of the call, with
** the options at index options (0: none): a string is checked and taken as it is, anything else
*goes
** to the writer of filters. Returns false, pushing nothing, when there is none.
** Raises an argument error for what is no filter. */
bool cbl_query_push(lua_State *L, int arg, int idx, int options);

#endif
